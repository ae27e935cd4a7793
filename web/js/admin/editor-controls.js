// Controls of the inspector: each has an element, set(value) and tells of a changed value; undefined
// means that the document does not say it.

import { parseAspect, parseLength } from './lengths.js';
import { el, field, iconButton, select, setOptions, setValue } from './widgets.js';

let lists = 0;

/** A text field whose text is read as something. parse: undefined for nothing, null for nonsense. */
function parsed(label, { parse, write = String, hint, placeholder = '', wrong, suggestions, onchange, step }) {
    const input = el('input', { autocomplete: 'off', spellcheck: 'false', placeholder });
    let listElement = null;
    if (suggestions) {
        listElement = el('datalist', { id: `suggestions-${++lists}` }, ...suggestions.map((value) => el('option', { value })));
        input.setAttribute('list', listElement.id);
    }
    const problem = el('small', { class: 'field-problem', hidden: true });
    const read = () => {
        const value = parse(input.value);
        problem.hidden = value !== null;
        problem.textContent = value === null ? wrong : '';
        input.setAttribute('aria-invalid', String(value === null));
        if (value !== null) onchange(value);
    };
    input.addEventListener('input', read);
    if (step)
        input.addEventListener('keydown', (event) => {
            const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
            const next = by ? step(input.value, by) : null;
            if (next === null) return;
            event.preventDefault();
            input.value = next;
            read();
        });
    const element = field(label, input, hint);
    element.append(problem, ...(listElement ? [listElement] : []));
    return {
        element,
        input,
        set(value) {
            const text = value === undefined || value === null ? '' : write(value);
            // What cannot be read stays until somebody mends it.
            if (document.activeElement === input) return;
            setValue(input, text);
            problem.hidden = true;
            input.setAttribute('aria-invalid', 'false');
        },
    };
}

function stepLength(text, by) {
    const now = parseLength(text);
    if (now === null) return null;
    if (typeof now === 'number' && now !== 0) return String(Math.max(0, now + by * 10));
    const [n, d] = typeof now === 'string' ? now.split('/').map(Number) : [0, 1];
    const steps = Math.min(24, Math.max(0, Math.round((24 * n) / d) + by));
    const shared = [2, 3, 4, 6, 8, 12, 24].filter((k) => steps % k === 0 && 24 % k === 0).pop() ?? 1;
    return steps === 0 ? '0' : `${steps / shared}/${24 / shared}`;
}

export const lengthControl = (label, onchange, options = {}) =>
    parsed(label, {
        parse: parseLength,
        wrong: 'A fraction such as 2/3, or whole pixels such as 320.',
        step: stepLength,
        onchange,
        ...options,
    });

export const textControl = (label, onchange, options = {}) =>
    parsed(label, { parse: (text) => (text === '' ? undefined : text), wrong: '', onchange, ...options });

export function integerControl(label, onchange, { min, max, ...options } = {}) {
    const parse = (text) => {
        if (text.trim() === '') return undefined;
        const value = Number(text);
        return Number.isInteger(value) && value >= min && value <= max ? value : null;
    };
    const step = (text, by) => String(Math.min(max, Math.max(min, (Number(text) || 0) + by)));
    return parsed(label, { parse, step, wrong: `A whole number from ${min} to ${max}.`, onchange, ...options });
}

/** "16/9", or a range "4/3 to 11/6". */
export function shapeControl(label, onchange, { range = false, ...options } = {}) {
    const parse = (text) => {
        const parts = text
            .split(/\s*(?:to|,|–|\s)\s*/)
            .filter(Boolean)
            .map((part) => part.replace(':', '/'));
        if (!parts.length) return undefined;
        if (parts.some((part) => parseAspect(part) === null) || parts.length > (range ? 2 : 1)) return null;
        return parts.length === 1 ? parts[0] : parts;
    };
    const write = (value) => (Array.isArray(value) ? value.join(' to ') : String(value));
    const wrong = range ? 'A shape such as 16/9, or a range such as 4/3 to 11/6.' : 'A shape such as 16/9.';
    return parsed(label, { parse, write, wrong, onchange, ...options });
}

/** normal: what counts where the document says nothing. */
export function choiceControl(label, choices, onchange, { normal, hint } = {}) {
    const options = [
        ...(normal === undefined ? [] : [['', normal]]),
        ...choices.map((choice) => (Array.isArray(choice) ? choice : [choice, choice])),
    ];
    const made = select(options, '', (value) => onchange(value === '' ? undefined : value));
    return { element: field(label, made, hint), input: made, set: (value) => setOptions(made, options, value ?? '') };
}

export function flagControl(label, onchange) {
    const input = el('input', { type: 'checkbox', onchange: () => onchange(input.checked || undefined) });
    const element = el('label', { class: 'check' }, input, el('span', {}, label));
    return { element, input, set: (value) => (input.checked = Boolean(value)) };
}

/** A colour, or none. shining: two more digits say how much of it covers what is below. */
export function colourControl(label, onchange, { normal = '#111418', shining = false } = {}) {
    const pattern = shining ? /^#[0-9a-f]{6}(?:[0-9a-f]{2})?$/i : /^#[0-9a-f]{6}$/i;
    const input = el('input', { type: 'color', value: normal, oninput: () => onchange(input.value) });
    const text = parsed('', {
        parse: (typed) => (typed.trim() === '' ? undefined : pattern.test(typed.trim()) ? typed.trim() : null),
        wrong: shining ? 'A colour such as #26332f, or #26332fcc.' : 'A colour such as #26332f.',
        placeholder: normal,
        onchange,
    });
    text.input.setAttribute('aria-label', label);
    const row = el('div', { class: 'colour-row' }, input, text.element);
    input.setAttribute('aria-label', `${label}, chosen`);
    return {
        element: el('div', { class: 'field' }, el('span', {}, label), row),
        input: text.input,
        set(value) {
            input.value = pattern.test(value ?? '') ? value.slice(0, 7) : normal;
            text.set(value);
        },
    };
}

/** Any of some words. normal: what counts where the document says nothing. */
export function wordsControl(label, words, onchange, { normal }) {
    let now = undefined;
    const boxes = words.map((word) => {
        const input = el('input', { type: 'checkbox' });
        input.addEventListener('change', () => {
            const on = new Set(now ?? normal);
            if (input.checked) on.add(word);
            else on.delete(word);
            onchange(words.filter((each) => on.has(each)));
        });
        return { word, input };
    });
    const reset = el('button', { type: 'button', class: 'text-button', onclick: () => onchange(undefined) }, 'as normal');
    const rows = boxes.map(({ word, input }) => el('label', { class: 'check' }, input, el('span', {}, word)));
    return {
        element: el('fieldset', { class: 'words' }, el('legend', {}, label), ...rows, reset),
        input: boxes[0].input,
        set(value) {
            now = Array.isArray(value) ? value : undefined;
            const on = now ?? normal;
            for (const { word, input } of boxes) input.checked = on.includes(word);
            reset.hidden = now === undefined;
        },
    };
}

const SELECTORS = [
    'rest',
    'speaker',
    'speaker:2',
    'screen',
    'screen:2',
    'pin',
    'pin:p1',
    'role:teacher',
    'name:guest*',
    'join:1',
    'source:p1',
];
const SELECTOR = /^(?:rest|speaker(?::\d+)?|screen(?::\d+)?|pin(?::\S+)?|role:\S+|name:.+|join:\d+|source:\S+)$/;

/** Who stands in a region: one selector, or several of which the first that finds somebody counts. */
export function fillControl(onchange) {
    const rows = el('div', { class: 'fill-rows' });
    let now = [];
    let shown = '';
    const tell = () => onchange(now.length === 1 ? now[0] : [...now]);
    const add = el('button', { type: 'button', class: 'text-button' }, 'or else somebody else…');
    const build = () => {
        rows.replaceChildren(
            ...now.map((value, i) => {
                const text = parsed(i ? 'or else' : 'Who stands here', {
                    parse: (typed) => (SELECTOR.test(typed.trim()) ? typed.trim() : null),
                    wrong: 'One of: rest, speaker, screen, pin, role:…, name:…, join:1, source:…',
                    suggestions: SELECTORS,
                    onchange: (typed) => {
                        now[i] = typed;
                        shown = JSON.stringify(now);
                        tell();
                    },
                });
                text.set(value);
                const remove = iconButton(`Take “${value}” away`, 'close', () => change(() => now.splice(i, 1)));
                return el('div', { class: 'fill-row' }, text.element, now.length > 1 ? remove : '');
            }),
        );
        shown = JSON.stringify(now);
    };
    const change = (work) => {
        work();
        build();
        tell();
    };
    add.addEventListener('click', () => {
        change(() => now.push(now.includes('rest') ? 'speaker' : 'rest'));
        rows.lastChild.querySelector('input').focus();
    });
    const quick = el('div', { class: 'quick', role: 'group', 'aria-label': 'Common choices' });
    for (const value of ['rest', 'speaker', 'screen', 'pin'])
        quick.append(el('button', { type: 'button', class: 'chip-button', onclick: () => change(() => (now = [value])) }, value));
    return {
        element: el('div', { class: 'fill' }, rows, quick, add),
        get input() {
            return rows.querySelector('input');
        },
        set(value) {
            now = Array.isArray(value) ? [...value] : [value ?? 'rest'];
            if (JSON.stringify(now) !== shown) build();
        },
    };
}
