// What the server would make of the document as it stands, without saving it: for invented people, or
// for those of a room.

import { layoutPicture } from '../layout-picture.js';
import { MAX_PEOPLE, MAX_SCREENS, slider } from './layouts-page.js';
import { inPath, server } from './server-api.js';
import { el, plural, select, setOptions, throttle } from './widgets.js';

const WAIT_MS = 150;

export class EditorPreview {
    people = 5;
    screens = 0;
    plan = null;
    #abort = null;
    #size = { width: 320, height: 180 };

    /** onanswer(error or null): what the server says of the document. */
    constructor(model, onanswer) {
        Object.assign(this, { model, onanswer });
        const set = (key) => (value) => {
            this[key] = value;
            this.ask();
        };
        this.peopleSlider = slider('People', this.people, MAX_PEOPLE, set('people'), { min: 0, name: 'preview-people' });
        this.screensSlider = slider('Screens', this.screens, MAX_SCREENS, set('screens'), { name: 'preview-screens' });
        this.room = select([['', 'Invented people']], '', () => this.ask(), {
            class: 'compact',
            'aria-label': 'Who is shown in the preview',
        });
        this.picture = el('div', { class: 'preview-picture', role: 'img', 'aria-label': 'Preview' });
        this.said = el('span', { class: 'quiet preview-said', role: 'status' });
        this.tools = el(
            'div',
            { class: 'preview-tools' },
            this.room,
            this.peopleSlider.element,
            this.screensSlider.element,
            el('span', { class: 'spacer' }),
            this.said,
        );
        this.ask = throttle(() => this.#ask(), WAIT_MS);
        server.get('/rooms').then(
            ({ body }) =>
                setOptions(
                    this.room,
                    [
                        ['', 'Invented people'],
                        ...body.rooms.map(({ id, participants }) => [id, `Room ${id} (${participants?.length ?? 0})`]),
                    ],
                    '',
                ),
            () => {},
        );
    }

    stop() {
        this.ask.cancel();
        this.#abort?.abort();
    }

    fit(width, height) {
        this.#size = { width, height };
        this.#draw();
    }

    /** Show as many people as a variant is made for. */
    setPeople(people, screens) {
        this.people = people;
        this.screens = screens;
        this.peopleSlider.set(people);
        this.screensSlider.set(screens);
        this.ask();
    }

    async #ask() {
        this.#abort?.abort();
        const abort = new AbortController();
        this.#abort = abort;
        const room = this.room.value;
        for (const { element } of [this.peopleSlider, this.screensSlider]) element.hidden = Boolean(room);
        const { document } = this.model;
        const path = room
            ? `/rooms/${inPath(room)}/layout?dry_run=1`
            : `/layouts/${inPath(document.name || 'unnamed')}?dry_run=1&people=${this.people}&screens=${this.screens}`;
        try {
            const { body } = await server.put(path, document, { signal: abort.signal });
            this.plan = body;
            this.picture.classList.remove('stale');
            this.#draw();
            this.#tell(body);
            this.onanswer(null);
        } catch (error) {
            if (error.name === 'AbortError') return;
            this.picture.classList.add('stale');
            this.said.textContent = '';
            this.onanswer(error);
        }
    }

    #tell({ tiles, hidden, canvas }) {
        const shown = tiles.filter(({ kind }) => kind === 'source').length;
        this.said.textContent = `${plural(shown, 'tile')}${hidden ? ` · ${hidden} not shown` : ''}`;
        this.said.title = `${canvas.width} × ${canvas.height}`;
        this.picture.setAttribute('aria-label', `Preview: ${plural(shown, 'tile')}${hidden ? `, ${hidden} not shown` : ''}`);
    }

    #draw() {
        if (!this.plan) return;
        this.picture.replaceChildren(layoutPicture(this.plan, this.#size));
        this.picture.dataset.tiles = String(this.plan.tiles.length);
    }
}
