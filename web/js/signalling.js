// The WebSocket to the server: joins the room, comes back by itself after a break, and matches
// answers to requests. Messages are described in docs and in the JSON schema of the server.
//
// Events: "joined" (detail: the message), "event" (detail: {event, data}), "problem" (detail: an
// error message that answers no request), "down" (the connection broke; it will be tried again),
// "refused" (detail: error message: the server does not let us in; it is not tried again).

const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 8000;
const OPEN_TIMEOUT_MS = 10000;
const REQUEST_TIMEOUT_MS = 10000;
const PING_EVERY_MS = 10000;
const ANSWERS = { answer: 'offer', pong: 'ping' };

/** An {"type":"error"} message, or a break of the connection (code "offline"). */
export class SignallingError extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

export class Signalling extends EventTarget {
    ws = null;
    #url;
    #join;
    #session = null;
    #joined = false;
    #closed = false;
    #attempt = 0;
    #nextId = 1;
    #requests = new Map(); // id -> {resolve, reject, timer}
    #retryTimer = 0;
    #openTimer = 0;
    #pingTimer = 0;

    /** join: what the join message holds besides "type" and "resume". */
    constructor(url, join) {
        super();
        this.#url = url;
        this.#join = join;
        this.wake = () => this.#wake();
        addEventListener('online', this.wake);
        document.addEventListener('visibilitychange', this.wake);
    }

    get joined() {
        return this.#joined;
    }

    connect() {
        clearTimeout(this.#retryTimer);
        const ws = new WebSocket(this.#url);
        this.ws = ws;
        this.#openTimer = setTimeout(() => this.#lost(ws), OPEN_TIMEOUT_MS);
        ws.onopen = () => this.#sayJoin();
        ws.onmessage = ({ data }) => {
            if (ws === this.ws) this.#receive(data);
        };
        ws.onclose = () => this.#lost(ws);
    }

    /** Say something about ourselves that later joins repeat too (name, layout, ...); undefined: no more. */
    remember(join) {
        Object.assign(this.#join, join);
    }

    /** Send where there is a connection; FALSE where there is none. */
    send(message) {
        return this.#joined && this.#send(message);
    }

    /** Send and wait for what answers it. Rejects with a SignallingError. */
    request(message) {
        return new Promise((resolve, reject) => {
            const id = String(this.#nextId++);
            if (!this.send({ ...message, id })) {
                reject(new SignallingError('offline', 'There is no connection to the server.'));
                return;
            }
            const timer = setTimeout(() => {
                this.#requests.delete(id);
                reject(new SignallingError('timeout', 'The server did not answer.'));
            }, REQUEST_TIMEOUT_MS);
            this.#requests.set(id, { resolve, reject, timer, type: message.type });
        });
    }

    /** Tell the server that we go, and stay away. */
    close() {
        if (this.#closed) return;
        this.send({ type: 'leave' });
        this.#stop();
        this.ws?.close(1000);
    }

    #sayJoin() {
        const message = { type: 'join', ...this.#join };
        if (this.#session) message.resume = this.#session;
        this.#send(message);
    }

    #send(message) {
        if (this.ws?.readyState !== WebSocket.OPEN) return false;
        this.ws.send(JSON.stringify(message));
        return true;
    }

    #receive(text) {
        let message;
        try {
            message = JSON.parse(text);
        } catch {
            return;
        }
        if (message.type === 'joined') this.#receiveJoined(message);
        else if (message.type === 'event') this.#emit('event', message);
        else if (message.type === 'error') this.#receiveError(message);
        else this.#resolve(message);
    }

    #receiveJoined(message) {
        clearTimeout(this.#openTimer);
        this.#joined = true;
        this.#attempt = 0;
        this.#session = message.session;
        this.#startPing();
        this.#emit('joined', message);
    }

    #receiveError(message) {
        if (!this.#joined) {
            // A layout that is gone, or that the room has no room for, keeps nobody out.
            if (this.#join.layout && ['invalid', 'not-found', 'unavailable'].includes(message.code)) {
                this.remember({ layout: undefined });
                this.#sayJoin();
                return;
            }
            // Who was in before tries again: as somebody new where the old place is gone, later
            // where the server is full or going away.
            if (this.#session && ['not-found', 'unavailable'].includes(message.code)) {
                if (message.code === 'not-found') this.#session = null;
                this.#lost(this.ws);
                return;
            }
            this.#stop();
            this.#emit('refused', message);
            this.ws?.close(1000);
            return;
        }
        const request = this.#take(message.re);
        if (request) request.reject(new SignallingError(message.code, message.message));
        else this.#emit('problem', message);
    }

    /** The request that a message answers: by "re", or without one the oldest of the fitting type. */
    #take(re, type) {
        let id = re === undefined ? undefined : String(re);
        if (id === undefined && type in ANSWERS)
            id = [...this.#requests].find(([, request]) => request.type === ANSWERS[type])?.[0];
        const request = this.#requests.get(id);
        if (!request) return null;
        clearTimeout(request.timer);
        this.#requests.delete(id);
        return request;
    }

    #resolve(message) {
        this.#take(message.re, message.type)?.resolve(message);
    }

    #lost(ws) {
        if (ws !== this.ws) return;
        this.ws = null;
        ws.onclose = null;
        ws.close();
        clearTimeout(this.#openTimer);
        clearInterval(this.#pingTimer);
        this.#joined = false;
        for (const { reject, timer } of this.#requests.values()) {
            clearTimeout(timer);
            reject(new SignallingError('offline', 'The connection to the server broke.'));
        }
        this.#requests.clear();
        if (this.#closed) return;
        const backoff = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** this.#attempt++);
        // Spread a little, so that a whole room does not come back in one instant.
        this.#retryTimer = setTimeout(() => this.connect(), backoff * (1 + Math.random() / 4));
        this.#emit('down');
    }

    /** The network or the page is back: don't wait for the rest of the backoff. */
    #wake() {
        if (this.#closed || this.ws || document.hidden || !navigator.onLine) return;
        this.#attempt = 0;
        this.connect();
    }

    #startPing() {
        clearInterval(this.#pingTimer);
        const { ws } = this;
        this.#pingTimer = setInterval(() => {
            this.request({ type: 'ping' }).catch((error) => {
                if (error.code === 'timeout') this.#lost(ws);
            });
        }, PING_EVERY_MS);
    }

    #stop() {
        this.#closed = true;
        this.#joined = false;
        clearTimeout(this.#retryTimer);
        clearTimeout(this.#openTimer);
        clearInterval(this.#pingTimer);
        removeEventListener('online', this.wake);
        document.removeEventListener('visibilitychange', this.wake);
    }

    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }
}
