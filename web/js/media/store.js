// What a room records, broadcasts and plays: as the server lists it, and as its events change it.
// Event: "change".

import { inPath } from '../api.js';
import { isActive } from './text.js';

const POLL_MS = 1000; // while something goes on: its time and size grow without events
const REST_MS = 5000;
const SOON_MS = 150;
const SOURCE_CLIENTS = ['file', 'url', 'pattern', 'image'];

export class MediaStore extends EventTarget {
    recordings = new Map(); // id -> as the server tells it
    broadcasts = new Map();
    sources = new Map();
    problem = ''; // why the lists could not be read
    #request;
    #may = { record: false, control: false };
    #running = false;
    #reading = false;
    #timer = 0;

    /** request: api, or what else has its get, post, ... */
    constructor(room, request) {
        super();
        this.path = `/rooms/${inPath(room)}`;
        this.#request = request;
        this.onVisible = () => this.soon();
    }

    /** may: {record, control}: which lists may be read. */
    start(may) {
        this.#may = may;
        this.#running = true;
        document.addEventListener('visibilitychange', this.onVisible);
        this.soon();
    }

    stop() {
        this.#running = false;
        document.removeEventListener('visibilitychange', this.onVisible);
        clearTimeout(this.#timer);
    }

    /** Read the lists in a moment: something changed. */
    soon() {
        this.#later(SOON_MS);
    }

    /** An event of the room. */
    take(event, data) {
        if (event === 'recording' || event === 'broadcast') {
            this[`${event}s`].set(data.id, data);
            this.#changed();
        } else if (event === 'left') this.sources.delete(data.id) && this.#changed();
        else if ((event === 'joined' || event === 'updated') && SOURCE_CLIENTS.includes(data.client)) this.soon();
    }

    /** Ask the server for it; what it answers is shown at once. kind: "recordings", ... Rejects with an
     *  error whose message is the server's sentence. */
    async post(kind, body) {
        return this.#keep(kind, await this.#request.post(`${this.path}/${kind}`, body));
    }

    async patch(kind, id, body) {
        return this.#keep(kind, await this.#request.patch(`${this.path}/${kind}/${inPath(id)}`, body));
    }

    /** Finish a recording or broadcast; take a source away. */
    async del(kind, id) {
        const answer = await this.#request.del(`${this.path}/${kind}/${inPath(id)}`);
        if (!answer.body) this[kind].delete(id);
        return this.#keep(kind, answer);
    }

    #keep(kind, { body }) {
        if (body?.id) this[kind].set(body.id, body);
        this.#changed();
        this.soon();
        return body;
    }

    #later(ms) {
        clearTimeout(this.#timer);
        if (this.#running && !document.hidden) this.#timer = setTimeout(() => this.#read(), ms);
    }

    async #read() {
        if (this.#reading) return this.soon();
        this.#reading = true;
        const kinds = [...(this.#may.record ? ['recordings', 'broadcasts'] : []), ...(this.#may.control ? ['sources'] : [])];
        try {
            const answers = await Promise.all(kinds.map((kind) => this.#request.get(`${this.path}/${kind}`)));
            for (const [at, kind] of kinds.entries())
                this[kind] = new Map((answers[at].body?.[kind] ?? []).map((item) => [item.id, item]));
            this.problem = '';
        } catch (error) {
            this.problem = error.message;
        } finally {
            this.#reading = false;
        }
        this.#changed();
        const going = kinds.some((kind) => [...this[kind].values()].some((item) => isActive(item)));
        this.#later(going ? POLL_MS : REST_MS);
        return undefined;
    }

    #changed() {
        this.dispatchEvent(new Event('change'));
    }
}
