// Choosing a layout: a radio group of thumbnails, each drawn from what the solver makes of as many
// people and screens as the room has now.

import { api, inPath } from './api.js';
import { layoutPicture } from './layout-picture.js';
import { el } from './ui.js';

const THUMB = { width: 132, height: 82 };
const AT_ONCE = 4; // previews that are asked for at the same time
const MOST_PEOPLE = 50;
const FIRST = ['auto', 'grid', 'speaker']; // what most people look for
const CALM_MS = 250; // people come in bursts: draw once that is over

/** "speaker-side" -> "Speaker side". */
export function layoutTitle(name) {
    const words = name.replace(/[-_]+/g, ' ').trim();
    return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The usual ones, then by name: "1+5" before "1+12". */
function inOrder(layouts) {
    const rank = ({ name }) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
    const compare = new Intl.Collator('en', { numeric: true }).compare;
    return [...layouts].sort((a, b) => rank(a) - rank(b) || compare(a.name, b.name));
}

/** The plan of invented people with our own in their places: ids and names of those who are here. */
function withPeople(plan, people) {
    const tiles = plan.tiles.map((tile) => {
        const [, number, screen = ''] = /^p(\d+)(\/screen)?$/.exec(tile.id ?? '') ?? [];
        const person = people[Number(number) - 1];
        return person ? { ...tile, id: person.id + screen, name: person.name } : tile;
    });
    return { ...plan, tiles };
}

export class LayoutPicker {
    #options;
    #layouts = null; // [{name, description}]
    #plans = new Map(); // "name people screens" -> plan
    #cards = new Map(); // name, or null for the room's own -> {button, picture, shown}
    #state = { people: [], screens: 0, self: null, choice: null, room: null };
    #timer = 0;
    #grid;
    #problem;
    #retry;

    /** label: of the group. room: {title, description} of a first card for the room's own layout, or
     *  null for none. follow: arrows choose at once; otherwise they only move, Enter and Space choose.
     *  onChoose(name or null). */
    constructor({ label, room = null, follow = true, onChoose }) {
        this.#options = { room, follow, onChoose };
        this.#grid = el('div', { class: 'layout-cards', role: 'radiogroup', 'aria-label': label, onkeydown: (event) => this.#key(event) });
        this.#retry = el('button', { type: 'button', class: 'button', onclick: () => this.load() }, 'Try again');
        this.#problem = el('div', { class: 'layout-problem', role: 'status', hidden: true }, el('p', { class: 'note' }), this.#retry);
        this.element = el('div', { class: 'layout-picker' }, this.#grid, this.#problem);
    }

    /** Fetch the list anew: layouts come and go. */
    async load() {
        this.#problem.hidden = true;
        try {
            const { body } = await api.get('/layouts');
            this.#layouts = inOrder(body.layouts);
            this.#plans.clear();
            this.#draw();
        } catch (error) {
            this.#problem.querySelector('p').textContent = `The layouts could not be loaded. ${error.message}`;
            this.#problem.hidden = false;
        }
    }

    /** people: those who have a place, in the order in which they came. screens: how many of them are
     *  shared. choice: name, or null for the room's. room: {name, plan} of the room's own layout. */
    update(state) {
        const before = this.#state;
        this.#state = { ...before, ...state };
        if (!this.#layouts) return;
        this.#mark();
        const key = ({ people, screens, self, room }) => JSON.stringify([people.map(({ id, name }) => [id, name]), screens, self, room?.name]);
        const known = this.#options.room || !this.#state.choice || this.#cards.has(this.#state.choice);
        if (known && key(before) === key(this.#state) && before.room?.plan === this.#state.room?.plan) return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#draw(), CALM_MS);
    }

    #entries() {
        const { room, choice } = this.#state;
        const entries = this.#layouts.map(({ name, description }) => ({ name, title: layoutTitle(name), description }));
        if (this.#options.room) {
            const { title, description } = this.#options.room;
            return [{ name: null, title, description: room?.name ? `${description} Now: ${layoutTitle(room.name)}.` : description }, ...entries];
        }
        // A document that was handed in directly has no place in the list, but it is the choice.
        if (choice && !entries.some(({ name }) => name === choice))
            entries.unshift({ name: choice, title: layoutTitle(choice), description: 'A layout that was given to this room alone.', fixed: true });
        return entries;
    }

    #draw() {
        clearTimeout(this.#timer);
        const entries = this.#entries();
        const names = new Set(entries.map(({ name }) => name));
        for (const [name, { button }] of this.#cards) {
            if (names.has(name)) continue;
            button.remove();
            this.#cards.delete(name);
        }
        for (const [at, entry] of entries.entries()) {
            const card = this.#cards.get(entry.name) ?? this.#makeCard(entry);
            card.describe(entry);
            if (this.#grid.children[at] !== card.button) this.#grid.insertBefore(card.button, this.#grid.children[at] ?? null);
        }
        this.#mark();
        this.#drawPictures(entries);
    }

    #makeCard({ name }) {
        const picture = el('span', { class: 'layout-thumb' });
        const title = el('span', { class: 'layout-name' });
        const button = el(
            'button',
            { type: 'button', class: 'layout-card', role: 'radio', 'data-layout': name ?? '', onclick: () => this.#choose(name) },
            picture,
            title,
        );
        const describe = (entry) => {
            title.textContent = entry.title;
            button.title = entry.description || entry.title;
            button.setAttribute('aria-label', entry.description ? `${entry.title}: ${entry.description}` : entry.title);
        };
        const card = { button, picture, describe, shown: null };
        this.#cards.set(name, card);
        return card;
    }

    async #drawPictures(entries) {
        const waiting = [...entries];
        const worker = async () => {
            for (let entry = waiting.shift(); entry; entry = waiting.shift()) await this.#drawPicture(entry);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }

    async #drawPicture({ name, fixed }) {
        const card = this.#cards.get(name);
        if (!card) return;
        const own = name === null || fixed;
        const plan = own ? this.#state.room?.plan : await this.#preview(name);
        if (!plan || card.shown === plan) return;
        const { people, self } = this.#state;
        const known = new Map(people.map((person) => [person.id, person]));
        card.shown = plan;
        card.picture.replaceChildren(layoutPicture(own ? plan : withPeople(plan, people), { ...THUMB, people: known, self }));
    }

    async #preview(name) {
        const people = Math.min(MOST_PEOPLE, Math.max(1, this.#state.people.length));
        const screens = Math.min(people, this.#state.screens);
        const who = this.#state.people.map(({ id, name: called }) => `${id} ${called}`).join('\n');
        const key = `${name}\n${screens}\n${who}`;
        if (!this.#plans.has(key)) {
            try {
                const { body } = await api.get(`/layouts/${inPath(name)}/preview?people=${people}&screens=${screens}`);
                if (this.#plans.size > 400) this.#plans.clear();
                this.#plans.set(key, body);
            } catch {
                return null; // the card stays with its name alone
            }
        }
        return this.#plans.get(key);
    }

    /** Which one is chosen, and which one the Tab key leads to. */
    #mark() {
        const { choice } = this.#state;
        const entry = this.#cards.get(choice)?.button ?? this.#grid.firstElementChild;
        const focused = this.#grid.contains(document.activeElement) ? document.activeElement : entry;
        for (const [name, { button }] of this.#cards) {
            button.setAttribute('aria-checked', String(name === choice));
            button.tabIndex = button === focused ? 0 : -1;
        }
    }

    #choose(name) {
        if (name === this.#state.choice) return;
        this.#state.choice = name;
        this.#mark();
        this.#options.onChoose(name);
    }

    #key(event) {
        const cards = [...this.#grid.children];
        const at = cards.indexOf(document.activeElement);
        const columns = cards.findIndex((card) => card.offsetTop > cards[0].offsetTop);
        const row = columns < 1 ? cards.length : columns;
        const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row };
        let to = { Home: 0, End: cards.length - 1 }[event.key];
        if (event.key in steps) {
            to = at + steps[event.key];
            // Sideways it goes round; up and down it stops at the edge.
            if (Math.abs(steps[event.key]) === 1) to = (to + cards.length) % cards.length;
        }
        if (at < 0 || to === undefined) return;
        event.preventDefault();
        const card = cards[to];
        if (!card) return;
        card.focus();
        this.#mark();
        if (this.#options.follow) card.click();
    }
}
