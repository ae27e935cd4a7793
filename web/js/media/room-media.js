// Everything that a room records, broadcasts and plays, for those who may.

import { el } from '../ui.js';
import { Broadcasts } from './broadcasts.js';
import { setText } from './parts.js';
import { Recordings } from './recordings.js';
import { RtmpAddress } from './rtmp-address.js';
import { Sources } from './sources.js';
import { MediaStore } from './store.js';

export class RoomMedia {
    #request;
    #may = null;

    /** request: api, or what else has its get, post, ... heading: of the parts. */
    constructor(room, { request, heading = 'h3' }) {
        this.#request = request;
        this.store = new MediaStore(room, request);
        this.recordings = new Recordings(this.store, heading);
        this.broadcasts = new Broadcasts(this.store, heading);
        this.sources = new Sources(this.store, heading);
        this.address = new RtmpAddress(room, heading);
        this.problem = el('p', { class: 'problem', role: 'alert', hidden: true });
        this.parts = [this.recordings, this.broadcasts, this.sources, this.address];
        this.element = el('div', { class: 'room-media' }, this.problem, ...this.parts.map(({ element }) => element));
        this.store.addEventListener('change', () => this.#draw());
    }

    /** It is in sight. may: {record, control}. */
    open(may) {
        const key = JSON.stringify(may);
        if (key === this.#may) return;
        this.#may = key;
        for (const part of [this.recordings, this.broadcasts]) part.element.hidden = !may.record;
        for (const part of [this.sources, this.address]) part.element.hidden = !may.control;
        this.store.start(may);
        this.#readLayouts();
    }

    close() {
        this.#may = null;
        this.store.stop();
    }

    take(event, data) {
        this.store.take(event, data);
    }

    /** What the server tells of the room. */
    setInfo(info) {
        this.address.draw(info);
    }

    async #readLayouts() {
        try {
            const { body } = await this.#request.get('/layouts');
            for (const part of [this.recordings, this.broadcasts]) part.setLayouts(body.layouts);
        } catch {
            // The room's own layout can still be chosen.
        }
    }

    #draw() {
        setText(this.problem, this.store.problem);
        this.problem.hidden = !this.store.problem;
        for (const part of [this.recordings, this.broadcasts, this.sources]) part.draw();
    }
}
