// Where OBS and the like send to: the two lines that they ask for.

import { inPath } from '../api.js';
import { mayPublish, takeToken } from '../settings.js';
import { copyText, el, toast } from '../ui.js';
import { field, setText, smallButton } from './parts.js';

const PORT = 1935;
const HIDDEN = '••••••';

/** The server's own word on its address, with the name under which we know it where it listens on all. */
function serverAddress(told) {
    const host = location.hostname;
    if (!told) return `rtmp://${host}:${PORT}`;
    const named = told.replace(/\/+$/, '');
    return named.replace(/^(rtmps?:\/\/)(localhost|0\.0\.0\.0|\[::\])(?=[:/]|$)/, `$1${host}`);
}

class Line {
    value = '';

    constructor(label, name) {
        const copy = async () => {
            const done = await copyText(this.value);
            toast(done ? `${label} copied` : `${label} could not be copied`, done ? 'info' : 'error');
        };
        this.code = el('code', { 'data-line': name });
        this.element = el(
            'div',
            { class: 'media-line' },
            el('span', { class: 'media-line-label' }, label),
            el('span', { class: 'media-line-value' }, this.code, smallButton(`Copy ${label.toLowerCase()}`, 'copy', copy)),
        );
    }

    set(value, shown = value) {
        this.value = value;
        setText(this.code, shown);
        this.code.title = shown;
    }
}

export class RtmpAddress {
    #room;
    #told = null;

    /** heading: "h2" or "h3". */
    constructor(room, heading) {
        this.#room = room;
        this.name = el('input', { name: 'rtmp-name', value: 'OBS', maxlength: 64, autocomplete: 'off', oninput: () => this.#show() });
        this.server = new Line('Server', 'server');
        this.key = new Line('Stream key', 'key');
        this.note = el('p', { class: 'note' });
        this.element = el(
            'section',
            { class: 'media-section', 'aria-label': 'Send with OBS' },
            el(heading, {}, 'Send with OBS'),
            el('p', { class: 'note' }, 'OBS, ffmpeg, and cameras that speak RTMP come in like people.'),
            field('Name in the room', this.name),
            this.server.element,
            this.key.element,
            this.note,
        );
        this.#show();
    }

    /** info: what the server tells of the room. */
    draw(info) {
        const told = info?.rtmp ?? null;
        if (told === this.#told) return;
        this.#told = told;
        this.#show();
    }

    #show() {
        const token = takeToken();
        const name = inPath(this.name.value.trim() || 'OBS');
        const usable = token && mayPublish(token);
        this.server.set(`${serverAddress(this.#told)}/${inPath(this.#room)}`);
        this.key.set(usable ? `${name}?token=${token}` : token ? `${name}?token=TOKEN` : name, usable ? `${name}?token=${HIDDEN}` : undefined);
        const notes = [
            !this.#told && `The port is that of the server’s rtmp.listen (${PORT} unless it was set).`,
            usable && 'The copied key holds your token: do not show it to anybody.',
            token && !usable && 'TOKEN is one with the grant publish.',
        ].filter(Boolean);
        setText(this.note, notes.join(' '));
        this.note.hidden = notes.length === 0;
    }
}
