// Files, addresses, pictures and test patterns that a room plays as if they were people.

import { el } from '../ui.js';
import { act, drawParts, field, form, nameButton, rowParts, Rows, setText, smallButton, wideButton } from './parts.js';
import { clockText } from './text.js';

const STATES = { opening: 'Opening', playing: 'Playing', paused: 'Paused', retrying: 'Reconnecting', ended: 'Ended', failed: 'Failed' };

// what the API calls it, its text here, what the value is called, an example
const KINDS = [
    ['url', 'Address', 'Address (https, rtmp, rtsp, srt)', 'https://example.org/clip.mp4'],
    ['file', 'File', 'File in the server’s source.media_dir', 'intro.mp4'],
    ['pattern', 'Test pattern', 'Number of the pattern', '0'],
    ['image', 'Picture', 'Name of the picture', 'logo'],
];

/** Where it is, and a slider to go elsewhere. */
class Position {
    #duration = 0;
    #sliding = false;
    #wanted = null;
    #seek;

    constructor(seek) {
        this.#seek = seek;
        this.slider = el('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Position' });
        this.text = el('span', { class: 'media-figures' });
        this.element = el('div', { class: 'media-position', hidden: true }, this.slider, this.text);
        this.slider.addEventListener('input', () => {
            this.#sliding = true;
            this.#show(Number(this.slider.value));
        });
        this.slider.addEventListener('change', () => {
            this.#sliding = false;
            this.#goTo(Number(this.slider.value));
        });
    }

    /** What is wanted while the last wish is on its way follows it; only the newest counts. */
    async #goTo(position) {
        const isUnderWay = this.#wanted !== null;
        this.#wanted = position;
        if (isUnderWay) return;
        for (let sent = null; sent !== this.#wanted; ) {
            sent = this.#wanted;
            await this.#seek(this.slider, sent);
        }
        this.#wanted = null;
    }

    draw({ seekable, live, position, duration }) {
        this.element.hidden = !seekable || live || !duration;
        this.#duration = duration ?? 0;
        if (this.element.hidden || this.#sliding || this.slider.getAttribute('aria-busy') === 'true') return;
        this.slider.max = Math.max(1, Math.floor(this.#duration));
        this.slider.value = position ?? 0;
        this.#show(position);
    }

    #show(position) {
        const text = `${clockText(position)} / ${clockText(this.#duration)}`;
        setText(this.text, text);
        this.slider.setAttribute('aria-valuetext', text);
    }
}

class Row {
    #item = null;

    constructor(id, store) {
        const patch = (button, change) => act(button, () => store.patch('sources', id, change()));
        this.pause = smallButton('Pause', 'pause', () => patch(this.pause, () => ({ paused: !this.#item.paused })));
        this.loop = smallButton('Play again and again', 'loop', () => patch(this.loop, () => ({ loop: !this.#item.loop })));
        this.remove = smallButton('Remove', 'trash', () => act(this.remove, () => store.del('sources', id)), 'danger-text');
        this.position = new Position((slider, position) => patch(slider, () => ({ position })));
        this.parts = rowParts([this.pause, this.loop, this.remove]);
        this.element = this.parts.element;
        this.element.dataset.id = id;
        this.parts.head.after(this.position.element);
    }

    draw(item) {
        this.#item = item;
        const { state, kind, paused, live, reconnects, error } = item;
        const isPlayed = kind === 'file' || kind === 'url';
        const of = kind === 'pattern' ? `Pattern ${item.pattern}` : item[kind];
        drawParts(this.parts, {
            kind: { playing: 'plays', opening: 'waits', retrying: 'waits', paused: 'rests', failed: 'failed' }[state] ?? '',
            what: item.name,
            figures: STATES[state] ?? state,
            note: [of === item.name ? '' : of, live && 'live', reconnects && `${reconnects} reconnects`].filter(Boolean).join(' · '),
            problem: error ?? '',
        });
        this.element.dataset.state = state;
        this.pause.hidden = kind === 'image' || state === 'failed';
        this.loop.hidden = !isPlayed || live || state === 'failed';
        nameButton(this.pause, paused ? 'Go on playing' : 'Pause', paused ? 'play' : 'pause');
        this.loop.setAttribute('aria-pressed', String(Boolean(item.loop)));
        this.position.draw(item);
    }
}

export class Sources {
    #store;
    #rows;

    /** heading: "h2" or "h3". */
    constructor(store, heading) {
        this.#store = store;
        this.kind = el('select', { name: 'source-kind', onchange: () => this.#showKind() }, ...KINDS.map(([value, text]) => el('option', { value }, text)));
        this.value = el('input', { name: 'source-value', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
        this.valueField = field('', this.value);
        this.name = el('input', { name: 'source-name', autocomplete: 'off', maxlength: 64, placeholder: 'As it is called' });
        this.loop = el('input', { type: 'checkbox', name: 'source-loop' });
        this.loopField = el('label', { class: 'media-check' }, this.loop, el('span', {}, 'Play again and again'));
        this.start = wideButton('Add', 'plus', { type: 'submit', 'data-act': 'source' });
        this.#rows = new Rows({ label: 'Sources', empty: 'Nothing is played.', make: (id) => new Row(id, store), refuge: this.value });
        this.element = el(
            'section',
            { class: 'media-section', 'aria-label': 'Sources' },
            el(heading, {}, 'Play into the room'),
            form(
                [
                    el('div', { class: 'media-fields' }, field('What', this.kind), field('Name in the room', this.name)),
                    this.valueField,
                    this.loopField,
                ],
                this.start,
                null,
                () => this.#send(),
            ),
            this.#rows.element,
        );
        this.#showKind();
    }

    draw() {
        this.#rows.draw([...this.#store.sources.values()]);
    }

    #showKind() {
        const [kind, , label, example] = KINDS.find(([value]) => value === this.kind.value);
        const isPattern = kind === 'pattern';
        this.valueField.querySelector('span').textContent = label;
        this.value.placeholder = example;
        this.value.type = isPattern ? 'number' : 'text';
        if (isPattern) this.value.min = 0;
        this.value.value = isPattern ? '0' : '';
        this.loopField.hidden = kind !== 'url' && kind !== 'file';
    }

    async #send() {
        const kind = this.kind.value;
        const text = this.value.value.trim();
        if (!text) {
            this.value.focus();
            throw new Error('Write what is to be played.');
        }
        const body = { [kind]: kind === 'pattern' ? Number(text) : text };
        if (this.name.value.trim()) body.name = this.name.value.trim();
        if (!this.loopField.hidden && this.loop.checked) body.loop = true;
        await this.#store.post('sources', body);
        this.name.value = '';
        this.#showKind();
    }
}
