// What the lists of recordings, broadcasts and sources have in common.

import { setIcon } from '../icons.js';
import { el, toast } from '../ui.js';

/** A square button whose name is only read out and shown as a hint. */
export function smallButton(label, iconName, onclick, kind = '') {
    const made = el('button', { type: 'button', class: `media-button ${kind}`, onclick });
    nameButton(made, label, iconName);
    return made;
}

export function nameButton(button, label, iconName) {
    if (button.title === label) return;
    button.title = label;
    button.setAttribute('aria-label', label);
    setIcon(button, iconName);
}

export function wideButton(label, iconName, properties = {}) {
    const made = el('button', { type: 'button', class: 'button', ...properties }, el('span', {}, label));
    setIcon(made, iconName);
    return made;
}

/** Do what a button asks for, once at a time; the server's sentence where it refuses. */
export async function act(button, work) {
    if (button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    try {
        await work();
    } catch (error) {
        if (error.name !== 'AbortError') toast(error.message, 'error');
    } finally {
        button.removeAttribute('aria-busy');
    }
}

/** Set a text only where it is another one: what is selected or read out stays. */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** A list of rows that stay as long as their items do, so that the focus stays too. */
export class Rows {
    #rows = new Map();
    #make;
    #empty;
    #refuge;

    /** make(id): a row with `element` and draw(item). refuge: gets the focus of a row that goes. */
    constructor({ label, empty, make, refuge }) {
        this.#make = make;
        this.#refuge = refuge;
        this.#empty = el('p', { class: 'note' }, empty);
        this.list = el('ul', { class: 'media-list', 'aria-label': label, hidden: true });
        this.element = el('div', {}, this.#empty, this.list);
    }

    draw(items) {
        const ids = new Set(items.map(({ id }) => id));
        for (const [id, row] of this.#rows) {
            if (ids.has(id)) continue;
            if (row.element.contains(document.activeElement)) this.#refuge.focus();
            row.element.remove();
            this.#rows.delete(id);
        }
        for (const [at, item] of items.entries()) {
            if (!this.#rows.has(item.id)) this.#rows.set(item.id, this.#make(item.id));
            const row = this.#rows.get(item.id);
            this.#drawRow(row, item);
            if (this.list.children[at] !== row.element) this.list.insertBefore(row.element, this.list.children[at] ?? null);
        }
        this.list.hidden = items.length === 0;
        this.#empty.hidden = items.length > 0;
    }

    /** A button that had the focus and is gone gives it to the next one. */
    #drawRow(row, item) {
        const focused = row.element.contains(document.activeElement) ? document.activeElement : null;
        row.draw(item);
        if (focused && (focused.hidden || !focused.isConnected))
            (row.element.querySelector('button:not([hidden]), a:not([hidden])') ?? this.#refuge).focus();
    }
}

/** The head of a row (a dot, what it is, figures, buttons), a line below, and what went wrong. */
export function rowParts(buttons) {
    const parts = {
        dot: el('span', { class: 'media-dot', 'aria-hidden': 'true' }),
        what: el('span', { class: 'media-what' }),
        figures: el('span', { class: 'media-figures' }),
        note: el('p', { class: 'media-note' }),
        problem: el('p', { class: 'problem', hidden: true }),
    };
    parts.head = el(
        'div',
        { class: 'media-head' },
        parts.dot,
        el('span', { class: 'media-title' }, parts.what, parts.figures),
        el('span', { class: 'media-buttons' }, ...buttons),
    );
    parts.element = el('li', { class: 'media-item' }, parts.head, parts.note, parts.problem);
    return parts;
}

export function drawParts(parts, { kind, what, figures = '', note = '', problem = '' }) {
    parts.dot.className = `media-dot ${kind}`;
    setText(parts.what, what);
    setText(parts.figures, figures);
    setText(parts.note, note);
    parts.note.title = note;
    parts.note.hidden = !note;
    setText(parts.problem, problem);
    parts.problem.hidden = !problem;
}

/** A form whose refusal stands in it. options: what is seldom asked for, folded away, or null. send():
 *  rejects with the server's sentence. */
export function form(fields, button, options, send) {
    const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
    const folded = options && el('details', { class: 'media-options' }, el('summary', {}, 'Options'), ...options);
    const made = el('form', { class: 'media-form', novalidate: true }, ...fields, problem, button, folded);
    made.addEventListener('submit', (event) => {
        event.preventDefault();
        problem.hidden = true;
        act(button, async () => {
            try {
                await send();
            } catch (error) {
                problem.textContent = error.message;
                problem.hidden = false;
            }
        });
    });
    return made;
}

export function field(label, input) {
    return el('label', { class: 'field' }, el('span', {}, label), input);
}

/** A choice among the layouts; '' is the room's. */
export function layoutChoice(name) {
    return el('select', { name }, el('option', { value: '' }, "The room's"));
}

/** layouts: [{name}]. What was chosen stays chosen. */
export function setLayouts(select, layouts) {
    const { value } = select;
    select.replaceChildren(
        el('option', { value: '' }, "The room's"),
        ...layouts.map((layout) => el('option', { value: layout.name }, layout.name)),
    );
    select.value = layouts.some((layout) => layout.name === value) ? value : '';
}
