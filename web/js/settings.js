// What the browser remembers: choices for all rooms (localStorage), which room this tab is in and
// its token (sessionStorage). Works without storage (private windows): then nothing is remembered.

const KEY = 'tessera.settings';
const ENTERED = 'tessera.entered';
const DEFAULTS = {
    name: '',
    room: '',
    audio: true,
    video: true,
    audioDevice: '',
    videoDevice: '',
    asked: false,
    layout: null, // our own choice in layoutRoom; null: the room's
    layoutRoom: '',
    withoutSelf: false,
};

function read(storage, key) {
    try {
        return window[storage].getItem(key);
    } catch {
        return null;
    }
}

function write(storage, key, value) {
    try {
        if (value === null) window[storage].removeItem(key);
        else window[storage].setItem(key, value);
    } catch {
        // Not remembered, that is all.
    }
}

export function loadSettings() {
    try {
        return { ...DEFAULTS, ...JSON.parse(read('localStorage', KEY) ?? '{}') };
    } catch {
        return { ...DEFAULTS };
    }
}

export function saveSettings(changes) {
    const settings = { ...loadSettings(), ...changes };
    write('localStorage', KEY, JSON.stringify(settings));
    return settings;
}

/** The layout that the person chose in that room, or null: the room's own. */
export function layoutFor(room) {
    const { layout, layoutRoom } = loadSettings();
    return layoutRoom === room ? layout : null;
}

/** This tab went through the join form of that room (null: it left). watch: only to watch. */
export function setEntered(room, { watch = false } = {}) {
    write('sessionStorage', ENTERED, room === null ? null : JSON.stringify({ room, watch }));
}

/** {watch} where this tab went through the join form of that room, else null. */
export function enteredAs(room) {
    try {
        const entered = JSON.parse(read('sessionStorage', ENTERED) ?? 'null');
        return entered?.room === room ? { watch: Boolean(entered.watch) } : null;
    } catch {
        return null;
    }
}

/** The token for this server: from "#token=..." in the address, which is then cleaned, or kept. */
export function takeToken() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const token = fragment.get('token');
    if (token) {
        setToken(token);
        fragment.delete('token');
        const rest = fragment.toString();
        history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
    }
    return read('sessionStorage', 'tessera.token') ?? '';
}

export function setToken(token) {
    write('sessionStorage', 'tessera.token', token || null);
}

/** What a token says it allows ({room, grants, role, name}), or null where it says nothing that can be
 *  read. Only for what the page offers: the server alone decides, and checks the signature. */
export function readToken(token) {
    try {
        const [, payload] = token.split('.');
        const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
        const claims = JSON.parse(new TextDecoder().decode(bytes));
        return Array.isArray(claims?.grants) ? claims : null;
    } catch {
        return null;
    }
}

/** FALSE where the token says that its holder may only watch. */
export function mayPublish(token) {
    const claims = readToken(token);
    return !claims || claims.grants.some((grant) => grant === 'publish' || grant === 'admin');
}
