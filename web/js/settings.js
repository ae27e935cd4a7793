// What the browser remembers: choices for all rooms (localStorage), which room this tab is in and
// its token (sessionStorage). Works without storage (private windows): then nothing is remembered.

const KEY = 'tessera.settings';
const DEFAULTS = { name: '', room: '', audio: true, video: true, audioDevice: '', videoDevice: '', asked: false };

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

/** This tab went through the join form of that room (null: it left). */
export function setEntered(room) {
    write('sessionStorage', 'tessera.entered', room);
}

export function hasEntered(room) {
    return read('sessionStorage', 'tessera.entered') === room;
}

/** The token of auth.secret: from "#token=..." in the address, which is then cleaned, or kept. */
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
