// One stay in a room: signalling, connection and our own devices together, without any page.
//
// Events: "change" (state changed), "track" (detail: a track of the mix), "note" (detail: {text,
// kind}: something to say for a few seconds), "ended" (detail: {title, text}: we are out),
// "refused" (detail: {code, message}: the server did not let us in at all).

import { Connection } from './connection.js';
import { deviceErrorText, fitCamera, openBoth, openCamera, openMicrophone, openScreen } from './devices.js';
import { Signalling } from './signalling.js';

const FIT_CAMERA_MS = 2500;

const END_TEXTS = {
    left: { title: 'You left the room', text: '' },
    removed: { title: 'You are out of the room', text: 'The server ended your place in this room' },
    closed: { title: 'The room was closed', text: 'Everyone was sent away' },
};

export class Session extends EventTarget {
    /** What the page shows; read only for others. */
    state = {
        phase: 'idle', // idle, joining, in, away (being repaired), ended
        room: '',
        self: null, // our participant id
        people: new Map(), // id -> participant
        layout: null,
        video: null, // {width, height, fps} of the mix
        muted: false,
        camera: false,
        sharing: false,
        connection: 'connecting',
        draining: false,
    };
    signalling;
    connection;
    #settings;
    #tracks = { audio: null, video: null, screen: null };
    #busy = new Set();
    #fitTimer = 0;
    #opened = false;
    #muted = false; // what the person wants; without a microphone everyone sees a muted one

    /** url: of the WebSocket. settings: see settings.js. */
    constructor({ url, room, token, settings }) {
        super();
        this.#settings = settings;
        this.state.room = room;
        const join = { room, name: settings.name || 'Guest', publish: true, view: true };
        if (token) join.token = token;
        this.signalling = new Signalling(url, join);
        this.connection = new Connection(this.signalling);
        this.#listen();
    }

    /** Open the devices that the settings ask for, then join. */
    async start() {
        this.#set({ phase: 'joining' });
        const { audio, video } = this.#settings;
        const opened = await openBoth(this.#settings);
        if (this.state.phase === 'ended') return this.#stopTracks([opened.audio, opened.video]);
        this.#keep('audio', opened.audio);
        this.#keep('video', opened.video);
        if (opened.error) {
            const missing = [video && !opened.video && 'camera', audio && !opened.audio && 'microphone'];
            this.#note(deviceErrorText(opened.error, missing.filter(Boolean).join(' or ')), 'error');
        }
        this.signalling.connect();
        return undefined;
    }

    leave() {
        this.#end('left');
    }

    async toggleMicrophone() {
        await this.#once('audio', async () => {
            const { audio } = this.#tracks;
            this.#muted = audio ? !this.#muted : false;
            if (audio) audio.enabled = !this.#muted;
            else this.#keep('audio', await openMicrophone(this.#settings.audioDevice));
            this.#show();
            this.#tellMuted();
            if (!audio) await this.connection.setTrack('audio', this.#tracks.audio);
        });
    }

    /** Off lets go of the device, so that its light goes out. */
    async toggleCamera() {
        await this.#once('video', async () => {
            if (this.#tracks.video) this.#drop('video');
            else this.#keep('video', await openCamera(this.#settings.videoDevice));
            this.#tellMuted();
            await this.connection.setTrack('video', this.#tracks.video);
            this.#fit();
        });
    }

    async toggleScreen() {
        await this.#once('screen', async () => {
            if (this.#tracks.screen) this.#drop('screen');
            else this.#keep('screen', await openScreen());
            await this.connection.setTrack('screen', this.#tracks.screen);
        });
    }

    // --- the server

    #listen() {
        const { signalling, connection } = this;
        signalling.addEventListener('joined', ({ detail }) => this.#joined(detail));
        signalling.addEventListener('event', ({ detail }) => this.#event(detail.event, detail.data));
        signalling.addEventListener('problem', ({ detail }) => this.#note(detail.message, 'error'));
        signalling.addEventListener('down', () => this.#set({ phase: this.#opened ? 'away' : 'joining' }));
        signalling.addEventListener('refused', ({ detail }) => this.#refused(detail));
        connection.addEventListener('state', ({ detail }) => this.#set({ connection: detail }));
        connection.addEventListener('problem', ({ detail }) => this.#note(detail.message, 'error'));
        connection.addEventListener('track', ({ detail }) => this.#emit('track', detail));
    }

    #joined(message) {
        const people = new Map(message.participants.map((person) => [person.id, person]));
        this.#set({
            phase: 'in',
            self: message.id,
            people,
            layout: message.layout,
            video: message.video,
            draining: false,
        });
        if (message.resumed && this.#opened) this.connection.resumed();
        else this.connection.open(message.iceServers);
        this.#opened = true;
        this.#tellMuted();
        this.#fit();
    }

    #refused(message) {
        if (this.#opened) this.#end('removed', message.message);
        else {
            this.#end(null);
            this.#emit('refused', message);
        }
    }

    #event(event, data) {
        const { people, self } = this.state;
        switch (event) {
            case 'joined':
            case 'updated':
                if (event === 'joined' && !people.has(data.id) && data.id !== self) this.#note(`${data.name} joined`);
                people.set(data.id, data);
                break;
            case 'left':
                if (data.id === self) return this.#end('removed', data.reason);
                if (people.delete(data.id)) this.#note(`${data.name} left`);
                break;
            case 'speaking':
            case 'state':
                if (people.has(data.id)) Object.assign(people.get(data.id), data);
                break;
            case 'layout':
                this.state.layout = data;
                this.#fit();
                break;
            case 'draining':
                this.state.draining = true;
                break;
            case 'closed':
                return this.#end('closed', data.reason);
            default:
                return undefined; // of a newer server
        }
        this.#set({});
        return undefined;
    }

    #tellMuted() {
        this.signalling.send({
            type: 'update',
            audioMuted: this.state.muted,
            videoMuted: !this.#tracks.video,
        });
    }

    // --- our own tracks

    #keep(kind, track) {
        this.#tracks[kind] = track;
        this.#show();
        if (!track) return;
        if (kind === 'audio') track.enabled = !this.#muted;
        // The cable was pulled, or "stop sharing" of the browser was pressed.
        track.onended = () => this.#lost(kind, track);
        if (!this.#opened) this.connection.setTrack(kind, track);
    }

    #drop(kind) {
        const track = this.#tracks[kind];
        this.#tracks[kind] = null;
        if (track) {
            track.onended = null;
            track.stop();
        }
        this.#show();
    }

    #lost(kind, track) {
        if (this.#tracks[kind] !== track) return;
        this.#drop(kind);
        this.connection.setTrack(kind, null).catch(() => {});
        this.#tellMuted();
        if (kind !== 'screen') this.#note(`The ${kind === 'audio' ? 'microphone' : 'camera'} was disconnected.`, 'error');
    }

    #show() {
        const { audio, video, screen } = this.#tracks;
        this.#set({ muted: !audio || this.#muted, camera: Boolean(video), sharing: Boolean(screen) });
    }

    /** One switch of a kind at a time; a refusal becomes a note. */
    async #once(kind, action) {
        if (this.#busy.has(kind) || this.state.phase === 'ended') return;
        this.#busy.add(kind);
        try {
            await action();
        } catch (error) {
            const what = { audio: 'microphone', video: 'camera', screen: 'screen' }[kind];
            const declined = kind === 'screen' && error.name === 'NotAllowedError';
            if (!declined) this.#note(deviceErrorText(error, what), 'error');
        } finally {
            this.#busy.delete(kind);
        }
    }

    /** Our tile's size decides the camera's; layouts change in bursts, so wait until it is calm. */
    #fit() {
        clearTimeout(this.#fitTimer);
        this.#fitTimer = setTimeout(() => {
            const tile = this.state.layout?.tiles?.find(({ id }) => id === this.state.self);
            if (tile) fitCamera(this.#tracks.video, tile.width);
        }, FIT_CAMERA_MS);
    }

    #stopTracks(tracks) {
        for (const track of tracks) track?.stop();
    }

    #end(why, detail = '') {
        if (this.state.phase === 'ended') return;
        clearTimeout(this.#fitTimer);
        this.#set({ phase: 'ended' });
        this.signalling.close();
        this.connection.close();
        for (const kind of Object.keys(this.#tracks)) this.#drop(kind);
        if (!why) return;
        const { title, text } = END_TEXTS[why];
        this.#emit('ended', { title, text: text && `${text}${detail ? `: ${detail}` : ''}.` });
    }

    #note(text, kind = 'info') {
        this.#emit('note', { text, kind });
    }

    #set(changes) {
        Object.assign(this.state, changes);
        this.#emit('change');
    }

    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }
}
