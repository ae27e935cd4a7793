// The live picture of a room: GET /rooms/{r}/snapshot.jpg, again and again while it can be seen.

import { el } from './widgets.js';
import { imageUrl, inPath, signingIn } from './server-api.js';

export class LivePicture {
    #layout = null;
    #timer = null;
    #stopped = false;
    #seen = false;

    /** everyMs: between the arrival of one picture and the request for the next. */
    constructor(room, everyMs) {
        this.room = room;
        this.everyMs = everyMs;
        this.image = el('img', { alt: `What is seen in ${room} now`, hidden: true, decoding: 'async' });
        this.note = el('p', { class: 'live-note' }, 'Waiting for the picture…');
        this.element = el('div', { class: 'live' }, this.image, this.note);
        this.observer = new IntersectionObserver(([entry]) => this.#see(entry.isIntersecting));
        this.observer.observe(this.element);
        this.onVisible = () => !document.hidden && this.#next(0);
        document.addEventListener('visibilitychange', this.onVisible);
    }

    /** null: the room's own. */
    setLayout(layout) {
        this.#layout = layout;
        this.#next(0);
    }

    stop() {
        this.#stopped = true;
        clearTimeout(this.#timer);
        this.observer.disconnect();
        document.removeEventListener('visibilitychange', this.onVisible);
    }

    #see(seen) {
        this.#seen = seen;
        if (seen) this.#next(0);
        else clearTimeout(this.#timer);
    }

    #next(ms) {
        clearTimeout(this.#timer);
        if (!this.#stopped) this.#timer = setTimeout(() => this.#load(), ms);
    }

    #load() {
        if (!this.#seen || document.hidden || this.#stopped) return;
        if (signingIn()) {
            this.#next(this.everyMs);
            return;
        }
        const query = new URLSearchParams({ ...(this.#layout ? { layout: this.#layout } : {}), t: Date.now() });
        const loader = new Image();
        const asked = this.#layout;
        loader.onload = () => {
            if (asked === this.#layout) this.#show(loader);
            this.#next(this.everyMs);
        };
        loader.onerror = () => {
            this.image.hidden = true;
            this.note.hidden = false;
            this.note.textContent = 'There is no picture now.';
            this.#next(Math.max(3000, this.everyMs));
        };
        loader.src = imageUrl(`/rooms/${inPath(this.room)}/snapshot.jpg?${query}`);
    }

    #show(loader) {
        this.image.src = loader.src;
        this.image.hidden = false;
        this.note.hidden = true;
        this.element.style.setProperty('--shape', `${loader.naturalWidth || 16} / ${loader.naturalHeight || 9}`);
        this.element.dataset.frames = String(Number(this.element.dataset.frames ?? 0) + 1);
    }
}
