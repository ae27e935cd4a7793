// What a moderator can do with one person, below that person's row.

import { api, inPath } from './api.js';
import { icon } from './icons.js';
import { ask, el, toast } from './ui.js';

const QUIETEST_DB = -60;
const LOUDEST_DB = 12;
const SLIDE_MS = 150; // a slider that moves says so at most this often
const ROLES = ['host', 'guest', 'teacher', 'student', 'interpreter'];

// member of the API, icon, and what the button says where it is off and where it is on
const SWITCHES = [
    ['muted', 'mic-off', 'Mute', 'Unmute'],
    ['video_off', 'camera-off', 'Camera off', 'Camera on'],
    ['pinned', 'pin', 'Pin', 'Unpin'],
    ['hidden', 'hide', 'Hide', 'Show'],
    ['hold', 'hold', 'Hold', 'Resume'],
];

const EXPLANATIONS = {
    muted: 'Nobody hears them',
    video_off: 'Their initials stand in for the picture',
    pinned: 'Layouts with a large place give it to them',
    hidden: 'No tile; they are still heard',
    hold: 'Neither seen nor heard, and they see and hear nothing',
};

function decibels(value) {
    const rounded = Math.round(value);
    return `${rounded > 0 ? '+' : rounded < 0 ? '−' : ''}${Math.abs(rounded)} dB`;
}

export class PersonControls {
    #room;
    #self;
    #person = null;
    #buttons = new Map();
    #parts = {};
    #sliding = false;
    #slideTimer = 0;

    /** id: of the element. moderator: {room, self, roles()}: the room's id, our own participant, and
     *  the roles that are in use. */
    constructor(id, { room, self, roles }) {
        this.#room = room;
        this.#self = self;
        this.element = el('div', { class: 'person-controls', id, role: 'group' }, this.#buildSwitches(), this.#buildVolume(), this.#buildRole(id, roles()), this.#buildRemove());
    }

    draw(person) {
        this.#person = person;
        const { role, remove } = this.#parts;
        this.element.setAttribute('aria-label', `Controls for ${person.name}`);
        for (const [member, , off, on] of SWITCHES) {
            const button = this.#buttons.get(member);
            const active = Boolean(person[member]);
            button.setAttribute('aria-pressed', String(active));
            button.lastChild.textContent = active ? on : off;
        }
        if (!this.#sliding) this.#showVolume(person.volume ?? 0);
        if (document.activeElement !== role) role.value = person.role ?? '';
        remove.hidden = person.id === this.#self;
    }

    // --- building

    #buildSwitches() {
        for (const [member, iconName, off] of SWITCHES) {
            const button = el('button', {
                type: 'button',
                class: 'chip',
                'data-member': member,
                title: EXPLANATIONS[member],
                onclick: () => this.#patch({ [member]: !this.#person[member] }),
            });
            button.append(icon(iconName), el('span', {}, off));
            this.#buttons.set(member, button);
        }
        return el('div', { class: 'chips' }, ...this.#buttons.values());
    }

    #buildVolume() {
        const parts = this.#parts;
        parts.volume = el('input', {
            type: 'range',
            min: QUIETEST_DB,
            max: LOUDEST_DB,
            step: 1,
            title: 'Double click: as they send it',
            'aria-label': 'Volume',
            oninput: () => this.#slide(),
            onchange: () => this.#slideEnd(),
            ondblclick: () => this.#setVolume(0),
        });
        parts.volumeText = el('button', { type: 'button', class: 'volume-text', title: 'Back to 0 dB', onclick: () => this.#setVolume(0) });
        return el('div', { class: 'volume' }, icon('sound'), parts.volume, parts.volumeText);
    }

    #buildRole(id, used) {
        const parts = this.#parts;
        const roles = [...new Set([...used, ...ROLES])];
        parts.role = el('input', {
            maxlength: 32,
            list: `${id}-roles`,
            placeholder: 'None',
            autocomplete: 'off',
            autocapitalize: 'none',
            spellcheck: 'false',
            onchange: () => this.#changeRole(),
            onkeydown: (event) => event.key === 'Enter' && parts.role.blur(),
        });
        const list = el('datalist', { id: `${id}-roles` }, ...roles.map((value) => el('option', { value })));
        return el('label', { class: 'role-field' }, el('span', {}, 'Role'), parts.role, list);
    }

    #buildRemove() {
        const remove = el('button', { type: 'button', class: 'button remove', onclick: () => this.#remove() });
        remove.append(icon('remove'), 'Remove from the room');
        this.#parts.remove = remove;
        return remove;
    }

    // --- acting

    get #path() {
        return `/rooms/${inPath(this.#room)}/participants/${inPath(this.#person.id)}`;
    }

    /** The event that follows draws it; a refusal is said, and what is shown goes back. */
    async #patch(changes) {
        try {
            await api.patch(this.#path, changes);
        } catch (error) {
            toast(error.message, 'error');
            this.draw(this.#person);
        }
    }

    #showVolume(db) {
        const { volume, volumeText } = this.#parts;
        volume.value = db;
        volume.setAttribute('aria-valuetext', decibels(db));
        volume.style.setProperty('--at', (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB));
        volumeText.textContent = decibels(db);
        volumeText.setAttribute('aria-label', `${decibels(db)}, back to 0 dB`);
    }

    #slide() {
        this.#sliding = true;
        const db = Number(this.#parts.volume.value);
        this.#showVolume(db);
        this.#slideTimer ||= setTimeout(() => {
            this.#slideTimer = 0;
            this.#patch({ volume: Number(this.#parts.volume.value) });
        }, SLIDE_MS);
    }

    #slideEnd() {
        clearTimeout(this.#slideTimer);
        this.#slideTimer = 0;
        this.#setVolume(Number(this.#parts.volume.value));
    }

    async #setVolume(db) {
        this.#sliding = true; // until it is answered: what the person chose stays in sight
        this.#showVolume(db);
        await this.#patch({ volume: db });
        this.#sliding = Boolean(this.#slideTimer);
    }

    #changeRole() {
        const role = this.#parts.role.value.trim().replace(/\s+/g, '-');
        if (role !== (this.#person.role ?? '')) this.#patch({ role: role || null });
    }

    async #remove() {
        const { name } = this.#person;
        const sure = await ask({ title: `Remove ${name}?`, text: 'They leave the room at once. They may come back unless the room is locked.', action: 'Remove' });
        if (!sure) return;
        try {
            await api.del(this.#path);
        } catch (error) {
            toast(error.message, 'error');
        }
    }
}
