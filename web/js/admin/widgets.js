// Buttons, fields, dialogs, and work that rests while nobody looks.

import { el, toast } from '../ui.js';
import { glyph } from './glyphs.js';

export { el, toast };

/** kind: '', 'primary', 'danger'. */
export function button(label, { icon = null, kind = '', onclick, title, disabled = false, id } = {}) {
    const made = el('button', { class: `button small ${kind}`, type: 'button', title, onclick, disabled, id });
    made.append(...(icon ? [glyph(icon)] : []), el('span', {}, label));
    return made;
}

export function linkButton(label, href, { icon = null, kind = '', target, title } = {}) {
    const made = el('a', { class: `button small ${kind}`, href, target, title, rel: target ? 'noopener' : null });
    made.append(...(icon ? [glyph(icon)] : []), el('span', {}, label));
    return made;
}

/** A square button whose name is only read out and shown as a hint. */
export function iconButton(label, icon, onclick, { kind = '', disabled = false, id } = {}) {
    const made = el('button', {
        class: `icon-button ${kind}`,
        type: 'button',
        title: label,
        'aria-label': label,
        onclick,
        disabled,
        id,
    });
    made.append(glyph(icon));
    return made;
}

/** A switch: pressed or not. */
export class Toggle {
    #labels;
    #icons;

    /** labels and icons: [when off, when on]. */
    constructor(labels, icons, onchange, { kind = '' } = {}) {
        this.#labels = labels;
        this.#icons = icons;
        this.element = iconButton(labels[0], icons[0], () => onchange(this.element.getAttribute('aria-pressed') !== 'true'), {
            kind: `toggle ${kind}`,
        });
        this.set(false);
    }

    set(on) {
        const { element } = this;
        const pressed = String(Boolean(on));
        if (element.getAttribute('aria-pressed') === pressed) return;
        element.setAttribute('aria-pressed', pressed);
        const which = on ? 1 : 0;
        element.title = this.#labels[which];
        element.setAttribute('aria-label', this.#labels[0]);
        element.replaceChildren(glyph(this.#icons[which]));
    }
}

export function field(label, input, hint = null) {
    return el('label', { class: 'field' }, el('span', {}, label), input, hint ? el('small', { class: 'hint' }, hint) : null);
}

export function check(label, checked, onchange, properties = {}) {
    const input = el('input', { type: 'checkbox', checked, onchange: () => onchange(input.checked), ...properties });
    return el('label', { class: 'check' }, input, el('span', {}, label));
}

/** options: [value, text] or texts. */
export function select(options, value, onchange, properties = {}) {
    const list = options.map((option) => (Array.isArray(option) ? option : [option, option]));
    const made = el('select', { onchange: () => onchange(made.value), ...properties });
    made.append(...list.map(([key, text]) => el('option', { value: key, selected: key === value }, text)));
    return made;
}

/** Give a select other options without closing it when they are the same. */
export function setOptions(made, options, value) {
    const key = JSON.stringify(options);
    if (made.dataset.options !== key) {
        made.dataset.options = key;
        made.replaceChildren(...options.map(([option, text]) => el('option', { value: option }, text)));
    }
    if (document.activeElement !== made || made.value === '') made.value = value;
}

/** Set what an input shows, unless somebody is typing in it. */
export function setValue(input, value) {
    if (document.activeElement !== input && input.value !== String(value)) input.value = value;
}

/** Say what went wrong; an aborted request is none of that. */
export function report(error) {
    if (error?.name === 'AbortError') return;
    toast(error?.message ?? String(error), 'error');
}

/** Do it, and say what went wrong. Resolves to whether it went well. */
export async function attempt(work) {
    try {
        await work();
        return true;
    } catch (error) {
        report(error);
        return false;
    }
}

/** A modal question. body: elements. actions: [{label, kind, value}]; Resolves to the value, or null when
 *  it was closed; `check` (async) may throw to keep it open with that error shown. */
export function dialog({ title, body = [], actions, check: accept = async () => {}, closable = true }) {
    return new Promise((resolve) => {
        const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
        const form = el('form', { method: 'dialog' }, el('h2', {}, title), ...body, problem);
        const box = el('dialog', { class: 'dialog card', 'aria-label': title }, form);
        const leave = () => closable && finish(null); // to another page
        const finish = (value) => {
            removeEventListener('hashchange', leave);
            box.close();
            box.remove();
            resolve(value);
        };
        addEventListener('hashchange', leave);
        const press = async (action) => {
            try {
                if (action.value !== null) await accept(action.value);
                finish(action.value);
            } catch (error) {
                problem.textContent = error.message;
                problem.hidden = false;
            }
        };
        const row = el('div', { class: 'dialog-actions' });
        for (const action of actions) row.append(button(action.label, { kind: action.kind, onclick: () => press(action) }));
        form.append(row);
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            press(actions[actions.length - 1]);
        });
        form.append(el('input', { type: 'submit', class: 'visually-hidden', tabindex: '-1', 'aria-hidden': 'true' }));
        box.addEventListener('cancel', (event) => {
            event.preventDefault();
            if (closable) finish(null);
        });
        document.body.append(box);
        box.showModal();
    });
}

export function confirm(title, text, action, kind = 'danger') {
    return dialog({
        title,
        body: [el('p', {}, text)],
        actions: [
            { label: 'Cancel', value: null },
            { label: action, kind, value: true },
        ],
    });
}

/** Runs `work` now and then every so many ms after it ended; not while the tab is hidden. */
export class Poller {
    #timer = null;
    #stopped = false;
    #running = false;

    constructor(work, everyMs) {
        this.work = work;
        this.everyMs = everyMs;
        this.onVisible = () => !document.hidden && this.now();
        document.addEventListener('visibilitychange', this.onVisible);
        this.now();
    }

    async now() {
        clearTimeout(this.#timer);
        if (this.#running || this.#stopped) return;
        this.#running = true;
        try {
            await this.work();
        } finally {
            this.#running = false;
            if (!this.#stopped && !document.hidden) this.#timer = setTimeout(() => this.now(), this.everyMs);
        }
    }

    stop() {
        this.#stopped = true;
        clearTimeout(this.#timer);
        document.removeEventListener('visibilitychange', this.onVisible);
    }
}

/** The call happens when there was none for so many ms; the last one counts. */
export function debounce(work, ms) {
    let timer = null;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => work(...values), ms);
    };
}

/** At most one call in so many ms, with what was said last: something is seen while it goes on. */
export function throttle(work, ms) {
    let timer = null;
    const later = () => {
        timer ??= setTimeout(() => {
            timer = null;
            work();
        }, ms);
    };
    later.cancel = () => {
        clearTimeout(timer);
        timer = null;
    };
    return later;
}

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** The heading of a page: title, remarks beside it, buttons at the end. */
export function pageHead(title, beside = [], actions = []) {
    return el('div', { class: 'page-head' }, el('h1', {}, title), ...beside, el('span', { class: 'spacer' }), ...actions);
}
