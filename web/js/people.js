// The list of who is in the room. Rows stay while people change, so that what a moderator has open
// or focused in them stays too.

import { icon, setIcon } from './icons.js';
import { PersonControls } from './person-controls.js';
import { el, initials } from './ui.js';

function describe(person, isSelf) {
    const words = [];
    if (isSelf) words.push('You');
    if (person.hold) words.push('on hold');
    if (person.state === 'disconnected' || person.state === 'failed') words.push('connection lost');
    else if (person.state === 'connecting') words.push('connecting');
    else if (!person.audio?.sending && !person.video?.sending) words.push('listening');
    if (person.screen?.sending) words.push('sharing a screen');
    if (person.client && person.client !== 'web') words.push(person.client);
    return words.join(', ');
}

/** [icon, what it means, class] of each sign: what a moderator decided stands before what the person did. */
function signsOf(person) {
    const signs = [];
    if (person.pinned) signs.push(['pin', 'pinned', 'set']);
    if (person.hold) signs.push(['hold', 'on hold', 'decided']);
    if (person.hidden) signs.push(['hide', 'hidden: has no tile', 'set']);
    if (person.screen?.sending) signs.push(['screen', 'shares a screen', '']);
    if (person.muted) signs.push(['mic-off', 'muted by a moderator', 'decided']);
    else if (person.audio?.muted || !person.audio?.sending) signs.push(['mic-off', 'muted', 'off']);
    if (person.video_off) signs.push(['camera-off', 'camera turned off by a moderator', 'decided']);
    else if (person.video?.muted || !person.video?.sending) signs.push(['camera-off', 'camera off', 'off']);
    return signs;
}

class Row {
    #parts = {};
    #signs = '';
    #controls = null;
    #onToggle;
    #id;

    /** onToggle(row): the person's controls are to open or close. */
    constructor(id, onToggle) {
        const parts = this.#parts;
        this.#id = id;
        this.#onToggle = onToggle;
        parts.avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' });
        parts.name = el('span', { class: 'name' });
        parts.speaking = el('span', { class: 'visually-hidden' });
        parts.role = el('span', { class: 'badge', hidden: true });
        parts.what = el('span', { class: 'what' });
        parts.signs = el('span', { class: 'signs' });
        const below = el('span', { class: 'below' }, parts.role, parts.what);
        parts.row = el('div', { class: 'person-row' }, parts.avatar, el('span', { class: 'who' }, parts.name, below), parts.signs);
        this.element = el('li', { class: 'person', 'data-id': id }, parts.row);
    }

    draw(person, { isSelf, isActive, moderator }) {
        const parts = this.#parts;
        const speaking = person.speaking && !person.audio?.muted && !person.muted;
        const what = describe(person, isSelf);
        parts.avatar.textContent = initials(person.name);
        if (parts.name.firstChild?.nodeValue !== person.name) parts.name.replaceChildren(person.name, parts.speaking);
        parts.name.title = person.name;
        parts.speaking.textContent = isActive ? ' (active speaker)' : speaking ? ' (speaking)' : '';
        parts.role.textContent = person.role ?? '';
        parts.role.hidden = !person.role;
        parts.what.textContent = what;
        parts.what.hidden = !what;
        this.element.classList.toggle('speaking', Boolean(speaking));
        this.element.classList.toggle('active-speaker', isActive);
        this.#drawSigns(person);
        this.#drawControls(person, moderator);
    }

    get open() {
        return Boolean(this.#controls);
    }

    /** Open or close what a moderator can do with the person. */
    setOpen(open, person, moderator) {
        if (open === this.open) return;
        if (open) this.#controls = new PersonControls(`person-${this.#id}`, moderator);
        else {
            this.#controls.element.remove();
            this.#controls = null;
        }
        this.#parts.more?.setAttribute('aria-expanded', String(open));
        this.element.classList.toggle('open', open);
        if (!open) return;
        this.element.append(this.#controls.element);
        this.#controls.draw(person);
        this.element.scrollIntoView({ block: 'nearest' });
    }

    focus() {
        this.#parts.more?.focus();
    }

    #drawSigns(person) {
        const signs = signsOf(person);
        const key = signs.join('|');
        if (key === this.#signs) return;
        this.#signs = key;
        this.#parts.signs.replaceChildren(
            ...signs.map(([name, text, kind]) => {
                const sign = el('span', { class: kind, role: 'img', 'aria-label': text, title: text });
                sign.append(icon(name));
                return sign;
            }),
        );
    }

    #drawControls(person, moderator) {
        const parts = this.#parts;
        if (moderator && !parts.more) {
            parts.more = el('button', {
                type: 'button',
                class: 'more',
                'aria-expanded': 'false',
                'aria-controls': `person-${this.#id}`,
                onclick: () => this.#onToggle(this.#id),
            });
            setIcon(parts.more, 'more');
            parts.row.append(parts.more);
        } else if (!moderator && parts.more) {
            this.setOpen(false);
            parts.more.remove();
            delete parts.more;
        }
        if (parts.more) {
            const text = `Controls for ${person.name}`;
            parts.more.title = text;
            parts.more.setAttribute('aria-label', text);
        }
        this.#controls?.draw(person);
    }
}

export class PeopleList {
    #list;
    #rows = new Map();
    #people = new Map();
    #moderator = null;

    /** list: the <ul>. */
    constructor(list) {
        this.#list = list;
        list.addEventListener('keydown', (event) => this.#key(event));
    }

    /** Draw everyone who has a place: ourselves first, the others in the order in which they came.
     *  moderator: what PersonControls asks for, or null. */
    draw(people, { self, speaker, moderator }) {
        const shown = [...people.filter(({ id }) => id === self), ...people.filter(({ id }) => id !== self)];
        this.#people = new Map(shown.map((person) => [person.id, person]));
        this.#moderator = moderator;
        for (const [id, row] of this.#rows) {
            if (this.#people.has(id)) continue;
            row.element.remove();
            this.#rows.delete(id);
        }
        for (const [at, person] of shown.entries()) {
            if (!this.#rows.has(person.id)) this.#rows.set(person.id, new Row(person.id, (id) => this.#toggle(id)));
            const row = this.#rows.get(person.id);
            row.draw(person, { isSelf: person.id === self, isActive: person.id === speaker, moderator });
            if (this.#list.children[at] !== row.element) this.#list.insertBefore(row.element, this.#list.children[at] ?? null);
        }
    }

    #toggle(id) {
        for (const [other, row] of this.#rows) if (other !== id) row.setOpen(false);
        const row = this.#rows.get(id);
        row.setOpen(!row.open, this.#people.get(id), this.#moderator);
    }

    /** Escape closes the open row, and only that. */
    #key(event) {
        if (event.key !== 'Escape') return;
        for (const row of this.#rows.values()) {
            if (!row.open) continue;
            event.stopPropagation();
            row.setOpen(false);
            row.focus();
        }
    }
}
