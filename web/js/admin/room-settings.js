// The settings of a room: layout, lock, canvas, background, how many, ducking.

import { inPath, layoutList, server } from './server-api.js';
import { Thumb } from './thumbs.js';
import { attempt, check, debounce, el, field, select, setOptions, setValue } from './widgets.js';

export const CANVASES = [
    { width: 1280, height: 720, text: '1280 × 720, wide' },
    { width: 1920, height: 1080, text: '1920 × 1080, wide' },
    { width: 960, height: 720, text: '960 × 720, 4:3' },
    { width: 720, height: 720, text: '720 × 720, square' },
    { width: 720, height: 1280, text: '720 × 1280, upright' },
];

const THUMB = { width: 118, height: 68 };
const sizeKey = ({ width, height }) => `${width}x${height}`;

/** The layouts as pictures to choose from; each shows as many people as the room has. */
class LayoutPicker {
    #counts = '';
    #shown = null; // which one was brought into sight

    constructor(choose) {
        this.choose = choose;
        this.thumbs = new Map();
        this.own = el('p', { class: 'note', hidden: true }, 'The room has a layout of its own, which is not in the list.');
        this.group = el('div', { class: 'picker', role: 'radiogroup', 'aria-label': 'Layout of the room' });
        this.group.addEventListener('keydown', (event) => this.#key(event));
        this.element = el('div', {}, this.group, this.own);
    }

    async load() {
        const layouts = await layoutList({ fresh: true });
        this.thumbs.clear();
        this.group.replaceChildren(...layouts.map((layout) => this.#option(layout)));
        this.#counts = '';
        this.#shown = null;
    }

    #option({ name, description }) {
        const thumb = new Thumb(name, THUMB.width, THUMB.height);
        this.thumbs.set(name, thumb);
        const pick = el(
            'button',
            {
                type: 'button',
                class: 'picker-item',
                role: 'radio',
                'aria-checked': 'false',
                tabindex: '-1',
                title: description,
                'data-layout': name,
                onclick: () => this.choose(name),
            },
            thumb.element,
            el('span', { class: 'picker-name' }, name),
        );
        return pick;
    }

    #key(event) {
        const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        const items = [...this.group.children];
        const at = items.indexOf(document.activeElement);
        if (!by || at < 0) return;
        event.preventDefault();
        items[(at + by + items.length) % items.length].focus();
    }

    update(room) {
        const name = typeof room.layout === 'string' ? room.layout : (room.layout?.name ?? '');
        const items = [...this.group.children];
        for (const item of items) {
            const chosen = item.dataset.layout === name;
            item.setAttribute('aria-checked', String(chosen));
            item.tabIndex = chosen ? 0 : -1;
        }
        if (this.#shown !== name) this.#reveal(items.find((item) => item.dataset.layout === name));
        this.#shown = name;
        const known = items.some((item) => item.dataset.layout === name);
        if (!known && items.length) items[0].tabIndex = 0;
        this.own.hidden = known || !items.length;
        this.#draw(room);
    }

    /** Within the list only: the page itself stays where it is. */
    #reveal(item) {
        if (!item) return;
        const [list, box] = [this.group.getBoundingClientRect(), item.getBoundingClientRect()];
        if (box.top < list.top || box.bottom > list.bottom)
            this.group.scrollTop += box.top - list.top - (list.height - box.height) / 2;
    }

    #draw(room) {
        const here = (room.participants ?? []).filter(({ hidden, hold, visible }) => !hidden && !hold && visible !== false);
        const people = Math.max(1, here.length);
        const screens = here.filter(({ screen }) => screen?.sending).length;
        const counts = `${people}|${screens}`;
        if (counts === this.#counts || !this.thumbs.size) return;
        this.#counts = counts;
        for (const thumb of this.thumbs.values()) thumb.show(people, screens);
    }
}

export class RoomSettings {
    #room = null;

    constructor(id) {
        this.id = id;
        this.picker = new LayoutPicker((name) => this.patch({ layout: name }));
        this.lock = check('Locked: nobody else may come in', false, (locked) => this.patch({ locked }));
        this.ducking = check('Others are quieter while somebody speaks', false, (ducking) => this.patch({ ducking }));
        this.canvas = select([], '', (value) => this.#setCanvas(value), { name: 'canvas' });
        this.most = el('input', {
            type: 'number',
            name: 'max_participants',
            min: 1,
            onchange: () => this.patch({ max_participants: Number(this.most.value) }),
        });
        this.ownBackground = check('Own background colour', false, (own) =>
            this.patch({ background: own ? this.colour.value : null }),
        );
        const later = debounce(() => this.patch({ background: this.colour.value }), 250);
        this.colour = el('input', { type: 'color', value: '#111418', 'aria-label': 'Background colour', oninput: later });
        this.element = el(
            'section',
            { class: 'card panel settings', 'aria-label': 'Settings of the room' },
            el('h2', {}, 'Layout'),
            this.picker.element,
            el('h2', {}, 'Settings'),
            el('div', { class: 'two' }, field('Canvas', this.canvas), field('Most people', this.most)),
            el('div', { class: 'row-line' }, this.ownBackground, this.colour),
            this.lock,
            this.ducking,
        );
        this.ready = attempt(() => this.picker.load()).then(() => this.#room && this.update(this.#room));
    }

    async patch(change) {
        const went = await attempt(async () => this.update((await server.patch(`/rooms/${inPath(this.id)}`, change)).body));
        if (!went && this.#room) this.update(this.#room, { force: true });
    }

    #setCanvas(value) {
        const [width, height] = value.split('x').map(Number);
        this.patch({ video: { width, height } });
    }

    /** room: of room_to_json(); an event's has no participants. force: also what has the focus. */
    update(room, { force = false } = {}) {
        this.#room = { ...this.#room, ...room };
        const now = this.#room;
        if (force) document.activeElement?.blur?.();
        this.picker.update(now);
        this.lock.firstChild.checked = Boolean(now.locked);
        this.ducking.firstChild.checked = Boolean(now.ducking);
        setValue(this.most, now.max_participants ?? '');
        this.ownBackground.firstChild.checked = Boolean(now.background);
        this.colour.hidden = !now.background;
        if (now.background) setValue(this.colour, now.background);
        const size = now.video ? sizeKey(now.video) : '';
        const options = CANVASES.map((canvas) => [sizeKey(canvas), canvas.text]);
        if (size && !options.some(([key]) => key === size)) options.push([size, `${now.video.width} × ${now.video.height}`]);
        setOptions(this.canvas, options, size);
    }
}
