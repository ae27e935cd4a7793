// One stay in a room: signalling, connection and our own devices together, without any page.
//
// Events: "change" (state changed), "media" (detail: {event, data}: an event of the room that may be
// about recordings, broadcasts and sources), "track" (detail: a track of the mix), "note" (detail: {text,
// kind}: something to say for a few seconds), "unchosen" (detail: {choice, withoutSelf}: the server
// refused our view, this one stays), "ended" (detail: {title, text}: we are out),
// "refused" (detail: {code, message}: the server did not let us in at all).

import { api, inPath } from './api.js';
import { Connection } from './connection.js';
import { deviceErrorText, fitCamera, openBoth, openCamera, openMicrophone, openScreen } from './devices.js';
import { isActive, onAir } from './media/text.js';
import { Signalling } from './signalling.js';

const FIT_CAMERA_MS = 2500;

// What a moderator decided about us, and what the person hears of it when it begins and ends; ''
// where the page itself shows it for as long as it holds.
const DECISIONS = {
    muted: ['', 'You can be heard again.'],
    video_off: ['', 'You can be seen again.'],
    hold: ['You are on hold.', 'You are back in the room.'],
    pinned: ['A moderator pinned you.', 'You are no longer pinned.'],
};

// What everybody hears of it when it begins, waits, goes on, and ends.
const ON_AIR = {
    recording: { on: 'This room is being recorded.', paused: 'The recording is paused.', '': 'The recording ended.' },
    broadcast: { on: 'This room is being broadcast.', paused: 'The broadcast is interrupted.', '': 'The broadcast ended.' },
};

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
        layout: null, // the plan of the room's own layout
        view: null, // the plan of what we see
        choice: null, // name of our own layout; null: the room's
        withoutSelf: false,
        roomInfo: null, // the room's settings: {layout, locked, background, ...}
        onAir: { recording: '', broadcast: '' }, // "", "on", "paused"
        speaker: null, // id of the active speaker
        grants: [], // what our token allows
        watching: false, // we only watch: no place in the room
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
    #choosing = null; // {id, before}: a choice of ours that the server may still refuse
    #choices = 0;
    #untold = false; // that choice was made while there was no signalling
    #outputs = { recording: new Map(), broadcast: new Map() }; // id -> as the server told it last
    #muted = false; // what the person wants; without a microphone everyone sees a muted one

    /** url: of the WebSocket. settings: see settings.js. watch: take no place, open no devices.
     *  layout: name of our own layout, or null. */
    constructor({ url, room, token, settings, watch = false, layout = null }) {
        super();
        this.#settings = settings;
        Object.assign(this.state, { room, watching: watch, choice: layout, withoutSelf: settings.withoutSelf && !watch });
        const join = { room, name: settings.name || 'Guest', publish: !watch, view: true };
        if (token) join.token = token;
        if (layout) join.layout = layout;
        if (this.state.withoutSelf) join.withoutSelf = true;
        this.signalling = new Signalling(url, join);
        this.connection = new Connection(this.signalling);
        this.#listen();
    }

    /** Open the devices that the settings ask for, then join. */
    async start() {
        this.#set({ phase: 'joining' });
        if (this.state.watching) return this.signalling.connect();
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

    /** quietly: without the event "ended". */
    leave({ quietly = false } = {}) {
        this.#end(quietly ? null : 'left');
    }

    /** May change the room and the people in it. */
    get isModerator() {
        return this.state.grants.some((grant) => grant === 'control' || grant === 'admin');
    }

    /** May record and broadcast the room. */
    get mayRecord() {
        return this.state.grants.some((grant) => grant === 'record' || grant === 'admin');
    }

    /** See the room in a layout of our own; null: in the room's. */
    setLayout(choice) {
        this.#chooseView({ choice }, { layout: choice });
    }

    /** See the room without our own tile. */
    setWithoutSelf(withoutSelf) {
        this.#chooseView({ withoutSelf }, { withoutSelf });
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
        signalling.addEventListener('problem', ({ detail }) => this.#problem(detail));
        signalling.addEventListener('down', () => this.#set({ phase: this.#opened ? 'away' : 'joining' }));
        signalling.addEventListener('refused', ({ detail }) => this.#refused(detail));
        connection.addEventListener('state', ({ detail }) => this.#set({ connection: detail }));
        connection.addEventListener('problem', ({ detail }) => this.#note(detail.message, 'error'));
        connection.addEventListener('track', ({ detail }) => this.#emit('track', detail));
    }

    /** Show the choice at once; an answer that refuses it takes it back, the event "view" confirms it. */
    #chooseView(changes, update) {
        const { choice, withoutSelf } = this.state;
        this.#choosing = { id: `view-${++this.#choices}`, before: { choice, withoutSelf } };
        this.signalling.remember('layout' in update ? { layout: update.layout ?? undefined } : update);
        this.#set(changes);
        this.#tellView(update);
    }

    /** Without signalling it is told when we are back: who resumes still has the view of before. */
    #tellView(update) {
        this.#untold = !this.signalling.send({ type: 'update', id: this.#choosing.id, ...update });
    }

    #problem({ re, message }) {
        if (re !== undefined && re === this.#choosing?.id) {
            const { before } = this.#choosing;
            this.signalling.remember({ layout: before.choice ?? undefined, withoutSelf: before.withoutSelf });
            this.#set(before);
            this.#emit('unchosen', before);
        }
        this.#note(message, 'error');
    }

    #joined(message) {
        const people = new Map(message.participants.map((person) => [person.id, person]));
        this.#set({
            phase: 'in',
            self: message.id,
            people,
            layout: message.layout,
            video: message.video,
            grants: message.grants ?? [],
            draining: false,
        });
        if (this.#untold) this.#tellView({ layout: this.state.choice, withoutSelf: this.state.withoutSelf });
        else if (message.view) this.#seeView(message.view);
        this.#readRoom();
        this.#readOutputs();
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

    /** The plan of what we see; the server's word on our choice, which a moderator may have made. */
    #seeView(view) {
        const choice = view.choice ?? null;
        const withoutSelf = Boolean(view.without_self);
        this.signalling.remember({ layout: choice ?? undefined, withoutSelf });
        this.#set({ view, choice, withoutSelf });
        this.#fit();
    }

    /** The room's settings; changes come as events. */
    async #readRoom() {
        try {
            const { body } = await api.get(`/rooms/${inPath(this.state.room)}`);
            this.#set({ roomInfo: body, speaker: body.speaker ?? null });
            this.#seeOnAir();
        } catch {
            // Without them the page shows a little less.
        }
    }

    /** What was begun before we came. Who may not ask is told of it by the room (roomInfo). */
    async #readOutputs() {
        if (!this.mayRecord) return;
        const path = `/rooms/${inPath(this.state.room)}`;
        try {
            const [recordings, broadcasts] = await Promise.all([api.get(`${path}/recordings`), api.get(`${path}/broadcasts`)]);
            const byId = (list) => new Map(list.map((output) => [output.id, output]));
            this.#outputs = { recording: byId(recordings.body.recordings), broadcast: byId(broadcasts.body.broadcasts) };
            this.#seeOnAir();
        } catch {
            // Events tell of what changes from now on.
        }
    }

    /** One began, waits, ended. */
    #seeOutput(event, data) {
        this.#outputs[event].set(data.id, data);
        if (!isActive(data) && !this.mayRecord) this.#readRoom(); // there may be others
        this.#seeOnAir();
    }

    #seeOnAir() {
        const { onAir: before, roomInfo } = this.state;
        const now = {};
        for (const kind of ['recording', 'broadcast']) {
            const known = [...this.#outputs[kind].values()];
            now[kind] = onAir(known);
            if (!this.mayRecord && !known.some(isActive) && roomInfo?.[kind]) now[kind] = 'on';
        }
        this.#set({ onAir: now });
        for (const [kind, texts] of Object.entries(ON_AIR)) if (before[kind] !== now[kind]) this.#note(texts[now[kind]]);
    }

    #sayDecisions(before, now) {
        for (const [member, [set, cleared]] of Object.entries(DECISIONS))
            if (Boolean(before?.[member]) !== Boolean(now[member]) && (!now[member] || set)) this.#note(now[member] ? set : cleared);
    }

    #event(event, data) {
        const { people, self } = this.state;
        this.#emit('media', { event, data });
        switch (event) {
            case 'joined':
            case 'updated':
                if (data.id === self) this.#sayDecisions(people.get(self), data);
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
            case 'speaker':
                this.state.speaker = data.id;
                break;
            case 'layout':
                this.state.layout = data;
                this.#fit();
                break;
            case 'view':
                this.#seeView(data);
                break;
            case 'room':
                this.state.roomInfo = { ...this.state.roomInfo, ...data };
                if ('speaker' in data) this.state.speaker = data.speaker;
                break;
            case 'recording':
            case 'broadcast':
                this.#seeOutput(event, data);
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
        if (this.state.watching) return;
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
        this.#fitTimer = setTimeout(async () => {
            const ours = (plan) => plan?.tiles?.find(({ id }) => id === this.state.self);
            const tile = ours(this.state.layout) ?? ours(this.state.view);
            if (tile && (await fitCamera(this.#tracks.video, tile.width))) await this.connection.fitLayers();
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
