// Thumbnails of layouts, drawn from the solver's plans (GET /layouts/{name}/preview). A few requests at
// a time; what was asked before is remembered until forget().

import { layoutPicture } from '../layout-picture.js';
import { inPath, server } from './server-api.js';
import { el } from './widgets.js';

const AT_ONCE = 4;
const REST_MS = 60; // between two requests of one line: the server counts them
const MAX_KEPT = 600;

const kept = new Map(); // key -> {promise, wanted: [() => whether somebody waits for it], null: it is here}
const waiting = []; // {key, ask, drop}
let running = 0;

async function run({ key, ask, drop }) {
    if (!kept.get(key)?.wanted?.some((still) => still())) {
        kept.delete(key);
        drop(new Error('Nobody waits for it any more.'));
        return;
    }
    await ask();
    if (kept.has(key)) kept.get(key).wanted = null;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
}

function pump() {
    while (running < AT_ONCE && waiting.length) {
        running++;
        run(waiting.shift()).finally(() => {
            running--;
            pump();
        });
    }
}

/** The plan of that layout for so many invented people. wanted(): whether anybody still waits for it. */
function plan(name, people, screens, wanted) {
    const key = `${name}|${people}|${screens}`;
    if (!kept.has(key)) {
        if (kept.size > MAX_KEPT) kept.clear();
        const promise = new Promise((resolve, drop) => {
            const path = `/layouts/${inPath(name)}/preview?people=${people}&screens=${screens}`;
            waiting.push({ key, drop, ask: () => server.get(path).then(({ body }) => resolve(body), drop) });
        });
        promise.catch(() => kept.delete(key));
        kept.set(key, { promise, wanted: [] });
    }
    const entry = kept.get(key);
    entry.wanted?.push(wanted);
    pump();
    return entry.promise;
}

export function forget() {
    kept.clear();
}

export class Thumb {
    #wanted = '';

    constructor(name, width, height) {
        Object.assign(this, { name, width, height });
        this.element = el('span', { class: 'thumb' });
        this.element.style.setProperty('--thumb-height', `${height}px`);
    }

    /** Resolves to the plan that is shown, or null. */
    async show(people, screens) {
        const key = `${people}|${screens}`;
        this.#wanted = key;
        try {
            const found = await plan(this.name, people, screens, () => this.#wanted === key && this.element.isConnected);
            if (this.#wanted !== key) return null;
            this.element.replaceChildren(layoutPicture(found, { width: this.width, height: this.height }));
            return found;
        } catch {
            if (this.#wanted === key) this.element.replaceChildren(el('span', { class: 'quiet' }, 'no preview'));
            return null;
        }
    }
}
