// The join form: name, devices with preview and level, and on the lobby the room. The lobby and
// the room page (opened by a link) both show it. Whoever only wants to watch, or may do no more,
// needs no devices.

import { deviceErrorText, devicesAllowed, devicesUsable, listDevices, openBoth } from './devices.js';
import { icon, setIcon } from './icons.js';
import { LevelMeter } from './meter.js';
import { loadSettings, saveSettings, setToken } from './settings.js';
import { el, initials, toRoomId } from './ui.js';

const KINDS = {
    audio: { what: 'microphone', label: 'Microphone', on: 'mic', off: 'mic-off', device: 'audioDevice' },
    video: { what: 'camera', label: 'Camera', on: 'camera', off: 'camera-off', device: 'videoDevice' },
};

function field(label, control) {
    return el('label', { class: 'field' }, el('span', {}, label), control);
}

export class JoinForm {
    #settings = loadSettings();
    #tracks = { audio: null, video: null };
    #opening = null;
    #meter;
    #parts = {};
    #watchOnly;
    #onJoin;

    /** room: where it is known; null shows a field for it. token: show a field for one. watchOnly: the
     *  link allows no more than watching. onJoin(settings, {watch}): called by the buttons; the tracks
     *  are closed before, the room opens its own. */
    constructor({ room = null, token = false, watchOnly = false, name = '', onJoin }) {
        this.#onJoin = onJoin;
        this.#watchOnly = watchOnly;
        this.element = el('form', { class: 'join card', 'aria-label': 'Join', onsubmit: (event) => this.#submit(event) });
        this.element.classList.toggle('watch-only', watchOnly);
        const devices = el('div', { class: 'join-devices', hidden: watchOnly }, this.#buildPreview(), ...this.#buildPickers());
        this.element.append(devices, this.#buildFields(room, token, this.#settings.name || name));
        this.#meter = new LevelMeter(this.#parts.level);
        this.#show();
        this.#listen();
    }

    /** Show the pickers, and open the devices where that asks the person nothing new. */
    async start() {
        if (this.#watchOnly) return;
        await this.#fillPickers();
        if (!devicesUsable()) {
            this.#say(
                location.protocol === 'http:'
                    ? 'Browsers hand out camera and microphone on HTTPS pages only. Open this page over HTTPS, or join as a listener.'
                    : 'This browser has no camera or microphone access. You can join as a listener.',
            );
        } else if (this.#settings.asked || (await devicesAllowed())) {
            await this.#open();
        }
        this.#show();
    }

    /** Say why joining did not work. */
    fail(text) {
        this.#say(text);
        this.#enable(true);
    }

    close() {
        this.#meter.stop();
        for (const kind of Object.keys(KINDS)) this.#setTrack(kind, null);
        navigator.mediaDevices?.removeEventListener?.('devicechange', this.#deviceChange);
        this.element.remove();
    }

    // --- building

    #buildPreview() {
        const parts = this.#parts;
        parts.video = el('video', { autoplay: true, playsinline: true, hidden: true, 'aria-label': 'Your camera' });
        parts.video.muted = true;
        parts.emptyText = el('span', {});
        parts.allow = el('button', { type: 'button', class: 'button primary', id: 'allow', onclick: () => this.#open() });
        parts.allow.append(icon('camera'), 'Use camera and microphone');
        parts.empty = el('div', { class: 'preview-empty' }, parts.emptyText, parts.allow);
        parts.level = el('i', {});
        parts.meter = el('div', { class: 'level', title: 'Microphone level' }, parts.level);
        for (const kind of Object.keys(KINDS)) {
            parts[`${kind}Toggle`] = el('button', {
                type: 'button',
                class: 'round',
                id: `preview-${kind}`,
                onclick: () => this.#toggle(kind),
            });
        }
        const bar = el('div', { class: 'preview-bar' }, parts.audioToggle, parts.videoToggle, parts.meter);
        return el('div', { class: 'preview' }, parts.video, parts.empty, bar);
    }

    #buildPickers() {
        return Object.entries(KINDS).map(([kind, { label, device }]) => {
            const picker = el('select', { name: device, onchange: () => this.#pick(kind) });
            this.#parts[`${kind}Picker`] = picker;
            return field(label, picker);
        });
    }

    #buildFields(room, token, name) {
        const parts = this.#parts;
        parts.name = el('input', {
            name: 'name',
            maxlength: 64,
            autocomplete: 'nickname',
            placeholder: 'How others see you',
            value: name,
        });
        parts.name.addEventListener('input', () => this.#show());
        const fields = this.#watchOnly
            ? [el('p', { class: 'watch-note' }, icon('eye'), el('span', {}, 'Your link is for watching: you see and hear the room, and nobody sees or hears you.'))]
            : [field('Your name', parts.name)];
        if (room === null) {
            parts.room = el('input', {
                name: 'room',
                required: true,
                maxlength: 64,
                autocomplete: 'off',
                autocapitalize: 'none',
                spellcheck: 'false',
                placeholder: 'For example team-monday',
                value: this.#settings.room,
            });
            fields.push(field('Room', parts.room));
        }
        if (token) {
            parts.token = el('input', { name: 'token', type: 'password', required: true, autocomplete: 'off' });
            fields.push(field('Access token', parts.token));
        }
        parts.problem = el('p', { class: 'problem', role: 'alert', hidden: true });
        parts.submit = el('button', { type: 'submit', class: 'button primary', id: 'join' });
        parts.watch = el('button', {
            type: 'submit',
            class: 'button',
            id: 'watch',
            value: 'watch',
            title: 'See and hear the room without being in it: no camera, no microphone',
            hidden: this.#watchOnly,
        });
        parts.watch.append(icon('eye'), 'Just watch');
        return el('div', { class: 'join-fields' }, ...fields, parts.problem, el('div', { class: 'join-buttons' }, parts.submit, parts.watch));
    }

    // --- devices

    #listen() {
        this.#deviceChange = () => this.#fillPickers();
        navigator.mediaDevices?.addEventListener?.('devicechange', this.#deviceChange);
    }

    #deviceChange = null;

    async #fillPickers() {
        const lists = await listDevices();
        for (const [kind, { what, device }] of Object.entries(KINDS)) {
            const picker = this.#parts[`${kind}Picker`];
            const wanted = this.#tracks[kind]?.getSettings().deviceId || this.#settings[device];
            const options = lists[kind].map(({ id, label }) => el('option', { value: id, selected: id === wanted }, label));
            const usual = devicesUsable() ? `Default ${what}` : `No ${what}`;
            picker.replaceChildren(...(options.length ? options : [el('option', { value: '' }, usual)]));
            picker.disabled = options.length === 0;
        }
    }

    async #open() {
        await this.#opening;
        this.#say('');
        this.#opening = this.#openNow();
        await this.#opening;
    }

    async #openNow() {
        const want = { ...this.#settings };
        for (const kind of Object.keys(KINDS)) want[kind] = want[kind] && !this.#tracks[kind];
        const wanted = Object.keys(KINDS).filter((kind) => want[kind]);
        const { audio, video, error } = await openBoth(want);
        if (!this.element.isConnected) {
            audio?.stop();
            video?.stop();
            return;
        }
        if (audio) this.#setTrack('audio', audio);
        if (video) this.#setTrack('video', video);
        if (audio || video) this.#settings = saveSettings({ asked: true });
        const missing = wanted.filter((kind) => !this.#tracks[kind]);
        if (error && missing.length) {
            const what = missing.map((kind) => KINDS[kind].what).reverse().join(' or ');
            const listener = missing.length === 2 ? ' Or join as a listener.' : '';
            this.#say(deviceErrorText(error, what) + listener);
        }
        await this.#fillPickers();
        this.#show();
    }

    #setTrack(kind, track) {
        this.#tracks[kind]?.stop();
        this.#tracks[kind] = track;
        if (track) track.onended = () => this.#setTrack(kind, null) || this.#show();
        if (kind === 'audio') this.#meter.start(track);
        else this.#parts.video.srcObject = track ? new MediaStream([track]) : null;
    }

    async #toggle(kind) {
        this.#settings = saveSettings({ [kind]: !this.#settings[kind] });
        if (!this.#settings[kind]) this.#setTrack(kind, null);
        else if (devicesUsable()) await this.#open();
        this.#show();
    }

    async #pick(kind) {
        this.#settings = saveSettings({ [KINDS[kind].device]: this.#parts[`${kind}Picker`].value, [kind]: true });
        this.#setTrack(kind, null);
        await this.#open();
        this.#show();
    }

    // --- showing

    #show() {
        const parts = this.#parts;
        for (const [kind, { what, on, off }] of Object.entries(KINDS)) {
            const toggle = parts[`${kind}Toggle`];
            const active = this.#settings[kind];
            const text = `${active ? 'Turn off' : 'Turn on'} ${what}`;
            setIcon(toggle, active ? on : off);
            toggle.classList.toggle('off', !active);
            toggle.setAttribute('aria-label', text);
            toggle.title = text;
            toggle.hidden = !devicesUsable();
        }
        parts.video.hidden = !this.#tracks.video;
        parts.empty.hidden = Boolean(this.#tracks.video);
        parts.meter.hidden = !this.#tracks.audio;
        const wanted = this.#settings.audio || this.#settings.video;
        const asking = devicesUsable() && wanted && !this.#tracks.audio && !this.#tracks.video;
        parts.allow.hidden = !asking;
        const name = parts.name.value.trim();
        parts.emptyText.textContent = !devicesUsable()
            ? 'No camera or microphone here.'
            : this.#settings.video
              ? 'Your picture appears here once the camera is on.'
              : `Camera is off. Others see ${name ? `the initials ${initials(name)}` : 'your initials'}.`;
        const listener = !this.#settings.audio && !this.#settings.video;
        if (this.#watchOnly) parts.submit.textContent = 'Watch';
        else parts.submit.textContent = listener || !devicesUsable() ? 'Join as a listener' : 'Join';
    }

    #enable(enabled) {
        this.#parts.submit.disabled = this.#parts.watch.disabled = !enabled;
    }

    #say(text) {
        this.#parts.problem.textContent = text;
        this.#parts.problem.hidden = !text;
    }

    #submit(event) {
        event.preventDefault();
        const parts = this.#parts;
        const watch = this.#watchOnly || event.submitter === parts.watch;
        const changes = this.#watchOnly ? {} : { name: parts.name.value.trim() };
        if (parts.room) {
            changes.room = toRoomId(parts.room.value);
            parts.room.value = changes.room;
            if (!changes.room) {
                this.#say('A room name needs letters or digits.');
                parts.room.focus();
                return;
            }
        }
        for (const [kind, { device }] of Object.entries(KINDS))
            if (parts[`${kind}Picker`].value) changes[device] = parts[`${kind}Picker`].value;
        if (parts.token) setToken(parts.token.value);
        this.#settings = saveSettings(changes);
        this.#enable(false);
        this.#onJoin(this.#settings, { watch });
    }
}
