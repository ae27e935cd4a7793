// What a moderator can do with the room itself.

import { api, inPath } from './api.js';
import { LayoutPicker } from './layout-picker.js';
import { el, toast } from './ui.js';

const SIZES = [
    [640, 360],
    [1280, 720],
    [1920, 1080],
];

function toggle(title, note, onChange) {
    const input = el('input', { type: 'checkbox', role: 'switch', onchange: () => onChange(input.checked) });
    const element = el(
        'label',
        { class: 'switch' },
        el('span', { class: 'switch-text' }, el('span', {}, title), el('span', { class: 'note' }, note)),
        input,
    );
    return { element, input };
}

export class RoomSettings {
    #room;
    #parts = {};
    #info = null;
    #state = null;

    /** room: its id. */
    constructor(room) {
        this.#room = room;
        const parts = this.#parts;
        parts.picker = new LayoutPicker({ label: "The room's layout", follow: false, onChoose: (name) => this.#putLayout(name) });
        parts.locked = toggle('Lock the room', 'Nobody else can come in', (locked) => this.#patch({ locked }));
        parts.ducking = toggle('Duck the others', 'While somebody speaks, the rest is quieter', (ducking) => this.#patch({ ducking }));
        this.element = el(
            'div',
            { class: 'room-settings' },
            el('section', {}, el('h3', {}, "Everyone's layout"), el('p', { class: 'note' }, 'For all who have not chosen one of their own.'), parts.picker.element),
            el('section', {}, parts.locked.element, parts.ducking.element),
            el('section', { class: 'setting-fields' }, this.#buildSize(), this.#buildLimit(), this.#buildBackground()),
        );
    }

    /** It comes into sight: layouts may have come and gone. */
    open() {
        this.#parts.picker.load();
    }

    /** state: of the session. */
    draw(state) {
        this.#state = state;
        const { roomInfo, layout, people, self } = state;
        const visible = [...people.values()].filter((person) => person.visible !== false && !person.hidden && !person.hold);
        this.#parts.picker.update({
            people: visible,
            screens: visible.filter((person) => person.screen?.sending).length,
            self,
            choice: roomInfo?.layout ?? layout?.choice ?? layout?.layout ?? null,
            room: { name: layout?.layout, plan: layout },
        });
        if (!roomInfo || roomInfo === this.#info) return;
        this.#info = roomInfo;
        this.#show();
    }

    // --- building

    #buildSize() {
        const select = el('select', {
            name: 'size',
            onchange: () => {
                const [width, height] = select.value.split('x').map(Number);
                this.#patch({ video: { width, height } });
            },
        });
        this.#parts.size = select;
        return el('label', { class: 'field' }, el('span', {}, 'Picture size'), select);
    }

    #buildLimit() {
        const limit = el('input', {
            type: 'number',
            name: 'max_participants',
            min: 1,
            max: 1000,
            inputmode: 'numeric',
            onchange: () => this.#patch({ max_participants: Number(limit.value) }),
        });
        this.#parts.limit = limit;
        return el('label', { class: 'field' }, el('span', {}, 'Most people'), limit);
    }

    #buildBackground() {
        const parts = this.#parts;
        parts.background = el('input', {
            type: 'color',
            name: 'background',
            'aria-label': 'Background colour',
            onchange: () => this.#patch({ background: parts.background.value }),
        });
        parts.reset = el('button', { type: 'button', class: 'button', onclick: () => this.#patch({ background: null }) }, "Layout's own");
        parts.colour = el('span', { class: 'colour-text' });
        return el(
            'div',
            { class: 'field background' },
            el('span', {}, 'Background'),
            el('div', { class: 'colour' }, parts.background, parts.colour, parts.reset),
        );
    }

    // --- showing

    #show() {
        const parts = this.#parts;
        const { locked, ducking, max_participants: limit, background, video } = this.#info;
        parts.locked.input.checked = Boolean(locked);
        parts.ducking.input.checked = Boolean(ducking);
        if (document.activeElement !== parts.limit) parts.limit.value = limit ?? '';
        const colour = background ?? this.#state.layout?.canvas?.background ?? '#111418';
        parts.background.value = colour;
        parts.colour.textContent = background ? colour : "The layout's own";
        parts.reset.hidden = !background;
        if (video) this.#showSize(video);
    }

    #showSize({ width, height }) {
        const sizes = SIZES.some(([w, h]) => w === width && h === height) ? SIZES : [...SIZES, [width, height]];
        this.#parts.size.replaceChildren(
            ...sizes.map(([w, h]) => el('option', { value: `${w}x${h}`, selected: w === width && h === height }, `${w} × ${h}`)),
        );
    }

    // --- acting

    async #patch(changes) {
        try {
            await api.patch(`/rooms/${inPath(this.#room)}`, changes);
        } catch (error) {
            this.#refused(error);
        }
    }

    async #putLayout(name) {
        try {
            await api.put(`/rooms/${inPath(this.#room)}/layout`, { layout: name });
        } catch (error) {
            this.#refused(error);
        }
    }

    /** What is shown goes back to what is true. */
    #refused(error) {
        toast(error.message, 'error');
        this.#info = null;
        if (this.#state) this.draw(this.#state);
    }
}
