// What happens in a room: its events (SSE), as they come, and a log of them.

import { inPath, signingIn, streamUrl } from './server-api.js';
import { check, el } from './widgets.js';

const EVENTS = ['room', 'joined', 'updated', 'left', 'speaking', 'speaker', 'layout', 'view', 'state', 'recording', 'broadcast', 'draining', 'closed'];
const MAX_LINES = 200;
const RETRY_MS = 3000;

function tell(event, data, names) {
    const name = names.get(data?.id) ?? data?.name ?? data?.id ?? '';
    const texts = {
        room: () => (data.participants ? `Watching ${data.id}` : 'The settings changed'),
        joined: () => `${name} came`,
        updated: () => `${name} changed`,
        left: () => `${name} left${data.reason ? `: ${data.reason}` : ''}`,
        speaking: () => `${name} ${data.speaking ? 'speaks' : 'stopped speaking'}`,
        speaker: () => (data.id ? `${name} is the active speaker` : 'Nobody is the active speaker'),
        layout: () =>
            `Layout ${data.layout ?? ''}, ${data.tiles?.length ?? 0} tiles${data.hidden ? `, ${data.hidden} not shown` : ''}`,
        view: () => `${name || 'Somebody'} sees something else`,
        state: () => `${name}: ${data.state}`,
        recording: () => `Recording ${name}: ${data.state}${data.error ? `: ${data.error}` : ''}`,
        broadcast: () => `Broadcast to ${data.url ?? name}: ${data.state}${data.error ? `: ${data.error}` : ''}`,
        draining: () => 'The server is going away',
        closed: () => `The room was closed${data.reason ? `: ${data.reason}` : ''}`,
    };
    return (texts[event] ?? (() => event))();
}

export class RoomEvents {
    open = false;
    #source = null;
    #timer = null;
    #names = new Map();
    #stopped = false;

    constructor(room, onevent) {
        Object.assign(this, { room, onevent });
        this.list = el('ol', { class: 'events', 'aria-label': 'Events', tabindex: '0' });
        this.dot = el('span', { class: 'dot', role: 'img', 'aria-label': 'not connected' });
        const talk = check('Speaking', false, (on) => this.list.classList.toggle('with-speaking', on));
        this.element = el(
            'section',
            { class: 'card panel' },
            el('div', { class: 'panel-head' }, el('h2', {}, 'Events ', this.dot), el('span', { class: 'spacer' }), talk),
            this.list,
        );
        this.onSignedIn = () => this.#connect();
        document.addEventListener('signed-in', this.onSignedIn);
        this.#connect();
    }

    stop() {
        this.#stopped = true;
        clearTimeout(this.#timer);
        document.removeEventListener('signed-in', this.onSignedIn);
        this.#source?.close();
    }

    #connect() {
        clearTimeout(this.#timer);
        this.#source?.close();
        if (signingIn()) return; // it is tried again when that is over
        const source = new EventSource(streamUrl(`/rooms/${inPath(this.room)}/events`));
        this.#source = source;
        source.onopen = () => this.#setOpen(true);
        source.onerror = () => {
            this.#setOpen(false);
            // A browser gives up after an answer that is no stream; a room may come back.
            if (source.readyState === EventSource.CLOSED && !this.#stopped)
                this.#timer = setTimeout(() => this.#connect(), RETRY_MS);
        };
        for (const event of EVENTS) source.addEventListener(event, (message) => this.#receive(event, message));
    }

    #setOpen(open) {
        this.open = open;
        this.dot.classList.toggle('on', open);
        this.dot.setAttribute('aria-label', open ? 'connected' : 'not connected');
    }

    #receive(event, message) {
        let data;
        try {
            data = JSON.parse(message.data);
        } catch {
            return;
        }
        for (const person of data.participants ?? []) this.#names.set(person.id, person.name);
        if ((event === 'joined' || event === 'updated') && data.name) this.#names.set(data.id, data.name);
        this.#log(event, tell(event, data, this.#names));
        this.onevent(event, data);
    }

    #log(event, text) {
        const time = new Date().toLocaleTimeString('en-GB');
        this.list.prepend(
            el(
                'li',
                { class: `event event-${event}` },
                el('time', {}, time),
                el('span', { class: 'event-name' }, event),
                el('span', { class: 'event-text' }, text),
            ),
        );
        while (this.list.children.length > MAX_LINES) this.list.lastChild.remove();
    }
}
