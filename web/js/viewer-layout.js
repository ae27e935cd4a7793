// The panel in which a viewer chooses how to see the room, for themselves alone.

import { LayoutPicker } from './layout-picker.js';
import { el } from './ui.js';

export class ViewerLayout {
    #picker;
    #parts = {};

    /** onLayout(name or null: the room's), onWithoutSelf(boolean). */
    constructor({ onLayout, onWithoutSelf }) {
        const parts = this.#parts;
        this.#picker = new LayoutPicker({
            label: 'Layout',
            room: { title: "Room's layout", description: 'What the room shows everyone.' },
            onChoose: onLayout,
        });
        parts.withoutSelf = el('input', { type: 'checkbox', role: 'switch', id: 'without-self', onchange: () => onWithoutSelf(parts.withoutSelf.checked) });
        parts.self = el(
            'label',
            { class: 'switch' },
            el('span', { class: 'switch-text' }, el('span', {}, 'Hide my own picture'), el('span', { class: 'note' }, 'The others still see you')),
            parts.withoutSelf,
        );
        parts.fallback = el('p', { class: 'problem', role: 'status', hidden: true });
        this.element = el('div', { class: 'viewer-layout' }, parts.self, parts.fallback, this.#picker.element);
    }

    /** It comes into sight: layouts may have come and gone. */
    open() {
        this.#picker.load();
    }

    /** state: of the session. */
    draw({ people, self, choice, withoutSelf, watching, layout, view }) {
        const parts = this.#parts;
        const visible = [...people.values()].filter((person) => person.visible !== false && !person.hidden && !person.hold);
        const seen = withoutSelf ? visible.filter(({ id }) => id !== self) : visible;
        this.#picker.update({
            people: seen,
            screens: seen.filter((person) => person.screen?.sending).length,
            self,
            choice,
            room: { name: layout?.layout, plan: layout },
        });
        parts.self.hidden = watching;
        parts.withoutSelf.checked = withoutSelf;
        parts.fallback.hidden = !view?.fallback;
        parts.fallback.textContent = view?.fallback
            ? "This room already makes as many different pictures as it may, so you see the room's own for now."
            : '';
    }
}
