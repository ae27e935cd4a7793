// The document as text, both ways; errors are shown at their line.

import { formatDocument, lineOf, parseWithPlaces, placeOf } from './json-places.js';
import { debounce, el } from './widgets.js';

const WAIT_MS = 250;

export class EditorText {
    #problem = null;

    /** onsyntax(message or null): whether the text can be read. */
    constructor(model, onsyntax) {
        Object.assign(this, { model, onsyntax });
        this.field = el('textarea', {
            class: 'json-field',
            spellcheck: 'false',
            autocomplete: 'off',
            wrap: 'off',
            'aria-label': 'The document as JSON',
            'aria-describedby': 'json-problem',
        });
        this.gutter = el('div', { class: 'json-gutter', 'aria-hidden': 'true' });
        this.problemLine = el('p', { class: 'json-problem', id: 'json-problem', role: 'alert', hidden: true });
        this.element = el('div', { class: 'json' }, el('div', { class: 'json-box' }, this.gutter, this.field), this.problemLine);
        const read = debounce(() => this.#read(), WAIT_MS);
        this.field.addEventListener('input', () => {
            this.#numbers();
            read();
        });
        this.field.addEventListener('scroll', () => (this.gutter.scrollTop = this.field.scrollTop));
        this.field.addEventListener('blur', () => this.update());
    }

    /** There is text that cannot be read. */
    get broken() {
        return this.#problem !== null;
    }

    #read() {
        try {
            const { value } = parseWithPlaces(this.field.value);
            if (value === null || typeof value !== 'object' || Array.isArray(value))
                throw Object.assign(new Error('A document is an object: { … }.'), { offset: 0 });
            this.#setProblem(null);
            this.model.replace(value);
        } catch (error) {
            this.#setProblem(error);
        }
    }

    #setProblem(error) {
        this.#problem = error;
        this.onsyntax(error ? error.message : null);
        this.#mark(error ? { ...lineOf(this.field.value, error.offset ?? 0), message: error.message } : null);
    }

    #numbers() {
        const count = this.field.value.split('\n').length;
        if (this.gutter.children.length === count) return;
        this.gutter.replaceChildren(...Array.from({ length: count }, (_, i) => el('span', {}, String(i + 1))));
    }

    #mark(place) {
        for (const line of this.gutter.querySelectorAll('.wrong')) line.classList.remove('wrong');
        this.field.setAttribute('aria-invalid', String(Boolean(place)));
        this.problemLine.hidden = !place;
        if (!place) return;
        this.gutter.children[place.line - 1]?.classList.add('wrong');
        this.problemLine.textContent = `Line ${place.line}: ${place.message}`;
    }

    /** Show the model; what somebody types now, and what cannot be read, stays. */
    update() {
        if (document.activeElement === this.field || this.#problem) return;
        const text = `${formatDocument(this.model.document)}\n`;
        if (this.field.value !== text) this.field.value = text;
        this.#numbers();
    }

    /** The server refused the document there: {path, message}, or null. */
    showRefusal(refusal) {
        if (this.#problem) return;
        if (!refusal) {
            this.#mark(null);
            return;
        }
        try {
            const place = placeOf(parseWithPlaces(this.field.value).places, refusal.path);
            this.#mark({ ...lineOf(this.field.value, place?.start ?? 0), message: refusal.message });
        } catch {
            this.#mark(null);
        }
    }

    /** Bring the selected region's text into sight. */
    reveal(path) {
        try {
            const place = placeOf(parseWithPlaces(this.field.value).places, path);
            const { line } = lineOf(this.field.value, place.start);
            this.field.scrollTop = Math.max(0, (line - 3) * 19);
        } catch {
            // Text that cannot be read has no places.
        }
    }
}
