// The broadcasts of a room to other servers.

import { el } from '../ui.js';
import { act, drawParts, field, form, layoutChoice, rowParts, Rows, setLayouts, smallButton, wideButton } from './parts.js';
import { bytesText, clockText, isActive } from './text.js';

const STATES = {
    starting: 'Connecting',
    running: 'Live',
    retrying: 'Reconnecting',
    finishing: 'Ending',
    finished: 'Ended',
    failed: 'Failed',
};

class Row {
    constructor(id, store) {
        this.stop = smallButton('Stop the broadcast', 'stop', () => act(this.stop, () => store.del('broadcasts', id)));
        this.parts = rowParts([this.stop]);
        this.element = this.parts.element;
        this.element.dataset.id = id;
    }

    draw(item) {
        const { state, url, duration, bytes, dropped, reconnects, error } = item;
        const more = [
            reconnects && `${reconnects} ${reconnects === 1 ? 'reconnect' : 'reconnects'}`,
            dropped && `${dropped} packets left out`,
        ].filter(Boolean);
        drawParts(this.parts, {
            kind: { running: 'on', starting: 'waits', retrying: 'waits', failed: 'failed' }[state] ?? '',
            what: STATES[state] ?? state,
            figures: `${clockText(duration)} · ${bytesText(bytes)}`,
            note: [url, ...more].filter(Boolean).join(' · '),
            problem: error ?? '',
        });
        this.element.dataset.state = state;
        this.stop.hidden = !isActive(item) || state === 'finishing';
    }
}

export class Broadcasts {
    #store;
    #rows;

    /** heading: "h2" or "h3". */
    constructor(store, heading) {
        this.#store = store;
        // The address holds the key: it is as secret as a password, and not shown again.
        this.url = el('input', {
            type: 'password',
            name: 'broadcast-url',
            autocomplete: 'off',
            autocapitalize: 'off',
            spellcheck: 'false',
            placeholder: 'rtmp://server/app/key',
        });
        this.layout = layoutChoice('broadcast-layout');
        this.start = wideButton('Broadcast', 'cast', { type: 'submit', 'data-act': 'broadcast' });
        this.#rows = new Rows({
            label: 'Broadcasts',
            empty: 'Nothing is broadcast.',
            make: (id) => new Row(id, store),
            refuge: this.url,
        });
        this.element = el(
            'section',
            { class: 'media-section', 'aria-label': 'Broadcasts' },
            el(heading, {}, 'Broadcasts'),
            form([field('Address with its key (rtmp, rtmps, srt)', this.url)], this.start, [field('Layout', this.layout)], () =>
                this.#send(),
            ),
            this.#rows.element,
        );
    }

    setLayouts(layouts) {
        setLayouts(this.layout, layouts);
    }

    draw() {
        this.#rows.draw([...this.#store.broadcasts.values()].reverse());
    }

    async #send() {
        const url = this.url.value.trim();
        if (!url) {
            this.url.focus();
            throw new Error('Write the address of the server and the key that it gave you.');
        }
        await this.#store.post('broadcasts', { url, ...(this.layout.value ? { layout: this.layout.value } : {}) });
        this.url.value = '';
    }
}
