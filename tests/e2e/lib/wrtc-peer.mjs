// The precise instrument: a participant made with @roamhq/wrtc (libwebrtc without a browser), whose
// frames and samples are ours on both sides. One clock (performance.now) for everyone in the process.

import './priority.mjs';
import wrtc from '@roamhq/wrtc';
import WebSocket from 'ws';
import { COLOURS, Painter, readTile, unwrapClock, WIDTH, HEIGHT } from './painting.mjs';
import { beepOnsets, RATE, Voice } from './tones.mjs';
import { nowMs, waitFor } from './wait.mjs';

export const { RTCPeerConnection } = wrtc;
const { MediaStream } = wrtc;
const { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink } = wrtc.nonstandard;

// wrtc crashes when Node takes its environment apart (a receiver's destructor lets go of a reference
// that is freed already). process.exit() skips that; it comes last, after the runner has set its code.
process.once('beforeExit', () => process.on('exit', () => process.exit()));

const FPS = 30;
const FLASH_MS = 100;
const WHOLE_FRAME = [{ id: 'whole', x: 0, y: 0, width: WIDTH, height: HEIGHT }];

export const PEOPLE = {
    ada: { name: 'Ada', colour: COLOURS.red, toneHz: 500, beepHz: 2600, phaseMs: 0 },
    bob: { name: 'Bob', colour: COLOURS.green, toneHz: 700, beepHz: 3200, phaseMs: 300 },
    cyd: { name: 'Cyd', colour: COLOURS.blue, toneHz: 1100, beepHz: 3800, phaseMs: 600 },
    dan: { name: 'Dan', colour: COLOURS.yellow, toneHz: 1300, beepHz: 4400, phaseMs: 800 },
};

/** Camera and microphone: painted frames and synthetic sound, paced by the clock. */
export class Sender {
    frozen = false; // no frames, the sound goes on
    silent = false; // no sound, the frames go on
    flashes = new Map(); // second -> ms at which the first lit frame was painted
    #video = new RTCVideoSource();
    #audio = new RTCAudioSource();
    #painter;
    #voice;
    #phaseMs;
    #left;
    #timer;

    /** left: the sound is stereo, and only the left channel sounds. */
    constructor(person, { left = false } = {}) {
        this.#left = left;
        this.#painter = new Painter(person.colour);
        this.#voice = new Voice(person);
        this.#phaseMs = person.phaseMs;
        this.tracks = [this.#audio.createTrack(), this.#video.createTrack()];
        let nextFrame = nowMs();
        let nextChunk = nowMs();
        this.#timer = setInterval(() => {
            const now = nowMs();
            // A chunk is handed over when its last sample was spoken, as a sound card does.
            for (; nextChunk + 10 <= now; nextChunk += 10) this.#speak(nextChunk);
            if (now < nextFrame) return;
            this.#show(now);
            nextFrame += Math.ceil((now - nextFrame + 1) / (1000 / FPS)) * (1000 / FPS);
        }, 3);
    }

    stop() {
        clearInterval(this.#timer);
        for (const track of this.tracks) track.stop();
    }

    #show(now) {
        if (this.frozen) return;
        const since = now - this.#phaseMs;
        const flash = since % 1000 < FLASH_MS;
        const second = Math.floor(since / 1000);
        if (flash && !this.flashes.has(second)) this.flashes.set(second, now);
        this.#video.onFrame(this.#painter.paint(now, flash));
    }

    #speak(startMs) {
        const samples = this.#voice.chunk(startMs);
        if (this.silent) return;
        const channelCount = this.#left ? 2 : 1;
        const interleaved = new Int16Array(samples.length * channelCount);
        samples.forEach((value, i) => (interleaved[i * channelCount] = value));
        this.#audio.onData({ samples: interleaved, sampleRate: RATE, bitsPerSample: 16, channelCount, numberOfFrames: samples.length });
    }
}

/** What somebody sees: each frame's moment, size, and what stands in each tile. */
export class Eye {
    frames = []; // {at, width, height, tiles: Map id -> {clock, flash, colour}}
    tiles = WHOLE_FRAME;
    #sink;

    attach(track) {
        this.#sink?.stop();
        this.#sink = new RTCVideoSink(track);
        this.#sink.onframe = ({ frame }) => this.#frame(frame);
    }

    stop() {
        this.#sink?.stop();
    }

    get last() {
        return this.frames[this.frames.length - 1];
    }

    since(ms) {
        return this.frames.filter(({ at }) => at >= ms);
    }

    /** Milliseconds from painting to seeing, for each frame of a tile since then. */
    latencies(id, sinceMs) {
        return this.since(sinceMs)
            .map(({ at, tiles }) => [at, tiles.get(id)?.clock])
            .filter(([, clock]) => clock !== null && clock !== undefined)
            .map(([at, clock]) => at - unwrapClock(clock, at));
    }

    /** second -> ms at which the tile's flash was first seen. */
    flashes(id, phaseMs, sinceMs) {
        const seen = new Map();
        let lit = true;
        for (const { at, tiles } of this.since(sinceMs)) {
            const tile = tiles.get(id);
            if (!tile || tile.clock === null) continue;
            if (tile.flash && !lit) seen.set(Math.floor((unwrapClock(tile.clock, at) - phaseMs) / 1000), at);
            lit = tile.flash;
        }
        return seen;
    }

    #frame(frame) {
        const { width, height } = frame;
        const tiles = new Map();
        const inside = ({ x, y, width: w, height: h }) => x + w <= width && y + h <= height;
        for (const tile of this.tiles) if (inside(tile)) tiles.set(tile.id, readTile(frame, tile));
        this.frames.push({ at: nowMs(), width, height, tiles });
        if (this.frames.length > 60 * FPS) this.frames.splice(0, FPS);
    }
}

/** What somebody hears: the samples (channels averaged), and when each was played. */
export class Ear {
    #chunks = []; // {at, samples}
    #sink;

    attach(track) {
        this.#sink?.stop();
        this.#sink = new RTCAudioSink(track);
        this.#sink.ondata = (data) => this.#data(data);
    }

    stop() {
        this.#sink?.stop();
    }

    /** {samples, startMs}: everything heard since then, and the moment of its first sample. */
    recording(sinceMs) {
        const chunks = this.#chunks.filter(({ at }) => at >= sinceMs);
        const samples = new Int16Array(chunks.length * (RATE / 100));
        let startMs = Infinity;
        chunks.forEach(({ at, samples: part }, i) => {
            samples.set(part, i * part.length);
            // A chunk is asked for when it is to be played; we are told at once or later.
            startMs = Math.min(startMs, at - i * 10);
        });
        return { samples, startMs };
    }

    /** second -> ms at which the beep of that second was heard. */
    beeps({ beepHz, phaseMs }, sinceMs) {
        const { samples, startMs } = this.recording(sinceMs);
        const heard = new Map();
        for (const onset of beepOnsets(samples, beepHz)) {
            const at = startMs + (onset * 1000) / RATE;
            heard.set(Math.floor((at - phaseMs) / 1000), at);
        }
        return heard;
    }

    #data({ samples, sampleRate, channelCount, numberOfFrames }) {
        if (sampleRate !== RATE || numberOfFrames !== RATE / 100) return;
        const mono = new Int16Array(numberOfFrames);
        for (let i = 0; i < numberOfFrames; i++) {
            let sum = 0;
            for (let c = 0; c < channelCount; c++) sum += samples[i * channelCount + c];
            mono[i] = sum / channelCount;
        }
        this.#chunks.push({ at: nowMs(), samples: mono });
        if (this.#chunks.length > 60 * 100) this.#chunks.splice(0, 100);
    }
}

/** Mouth-to-ear in ms for each beep since then. */
export function beepLatencies(ear, person, sinceMs) {
    return [...ear.beeps(person, sinceMs)].map(([second, at]) => at - (second * 1000 + person.phaseMs));
}

/** How much later than its sound a picture comes, in ms, for each second since then. */
export function lipSyncs(eye, ear, tileId, person, sender, sinceMs) {
    const heard = ear.beeps(person, sinceMs);
    const result = [];
    for (const [second, seenAt] of eye.flashes(tileId, person.phaseMs, sinceMs)) {
        const painted = sender.flashes.get(second);
        const spoken = second * 1000 + person.phaseMs;
        if (heard.has(second) && painted !== undefined) result.push(seenAt - painted - (heard.get(second) - spoken));
    }
    return result;
}

/** One participant; what it sends is a Sender or nothing. */
export class WrtcPeer {
    eye = new Eye();
    ear = new Ear();
    sender = null;
    pc = null;

    /** rtc: the configuration of its RTCPeerConnection. */
    constructor(person, { send = true, left = false, rtc = {} } = {}) {
        this.person = person;
        this.rtc = rtc;
        this.left = left;
        if (send) this.sender = new Sender(person, { left });
    }

    /** A connection with our tracks (or none) that feeds eye and ear. */
    makeConnection() {
        const pc = new RTCPeerConnection(this.rtc);
        this.pc = pc;
        pc.ontrack = ({ track }) => (track.kind === 'audio' ? this.ear : this.eye).attach(track);
        const stream = new MediaStream();
        if (this.sender) for (const track of this.sender.tracks) pc.addTrack(track, stream);
        else for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
        return pc;
    }

    close() {
        this.sender?.stop();
        this.eye.stop();
        this.ear.stop();
        this.pc?.close();
    }

    /** The pair that carries everything: {local, remote}, candidates as getStats() has them, or null. */
    async pair() {
        const report = await this.pc.getStats();
        const transport = [...report.values()].find(({ type }) => type === 'transport');
        const pair = report.get(transport?.selectedCandidatePairId);
        return pair ? { local: report.get(pair.localCandidateId), remote: report.get(pair.remoteCandidateId) } : null;
    }

    async inbound(kind) {
        const report = await this.pc.getStats();
        return [...report.values()].find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
    }
}

/** Two peers with nothing between them: what the instruments themselves cost. */
export async function connectDirectly(a, b) {
    const [pa, pb] = [a.makeConnection(), b.makeConnection()];
    const queue = (to) => {
        const held = [];
        return { add: ({ candidate }) => candidate && (held ? held.push(candidate) : 0), flush: () => held.splice(0).forEach((c) => to.addIceCandidate(c)) };
    };
    const [toB, toA] = [queue(pb), queue(pa)];
    pa.onicecandidate = toB.add;
    pb.onicecandidate = toA.add;
    await pa.setLocalDescription(await pa.createOffer());
    await pb.setRemoteDescription(pa.localDescription);
    await pb.setLocalDescription(await pb.createAnswer());
    await pa.setRemoteDescription(pb.localDescription);
    await waitFor('the two peers connect', () => {
        toA.flush();
        toB.flush();
        return pa.connectionState === 'connected' && pb.connectionState === 'connected';
    });
}

/** A participant who joins a room of the server through /ws. */
export class RoomPeer extends WrtcPeer {
    id = null;
    session = null;
    joined = null; // the reply to the join
    layout = null; // what this participant sees
    roomLayout = null;
    view = null; // its choice, with the layout that came of it
    people = new Map();
    events = [];
    errors = [];
    offeredAt = 0;
    firstFrameAt = 0;
    #ws;
    #next = 1;
    #waiting = new Map();

    /** Resolves when the answer is in. token: the server's, unless one is given; join: further members
     *  of the message. */
    async join(server, room, { token = server.token, join = {} } = {}) {
        this.#ws = new WebSocket(server.wsUrl);
        this.#ws.on('message', (text) => this.#receive(JSON.parse(text)));
        await new Promise((resolve, reject) => this.#ws.on('open', resolve).on('error', reject));
        const joined = await this.request({ type: 'join', room, name: this.person.name, publish: true, view: true, ...(token ? { token } : {}), ...join });
        this.joined = joined;
        this.id = joined.id;
        this.session = joined.session;
        for (const person of joined.participants) this.people.set(person.id, person);
        this.view = joined.view ?? null;
        this.roomLayout = joined.layout;
        this.#setLayout(joined.view ?? joined.layout);
        const pc = this.makeConnection();
        pc.onicecandidate = ({ candidate }) => this.send({ type: 'candidate', candidate: candidate ? { candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex } : null });
        await this.offer();
        return this;
    }

    async offer(options) {
        await this.pc.setLocalDescription(await this.pc.createOffer(options));
        this.offeredAt = nowMs();
        const { sdp } = await this.request({ type: 'offer', sdp: this.pc.localDescription.sdp });
        // libwebrtc sends two channels only to who asks for them; the server wants voices cheap.
        const heard = await this.hear(this.left ? sdp.replace(/sprop-stereo=1/g, '$&;stereo=1') : sdp);
        await this.pc.setRemoteDescription({ type: 'answer', sdp: heard });
    }

    /** The answer as this client takes it, or a promise of it; a test may leave candidates out. */
    hear(sdp) {
        return sdp;
    }

    send(message) {
        if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(message));
    }

    request(message) {
        const id = String(this.#next++);
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject });
            this.send({ ...message, id });
        });
    }

    /** Say goodbye and go. */
    leave() {
        this.send({ type: 'leave' });
        this.#ws.close();
        this.close();
    }

    /** Vanish without a word. */
    die() {
        this.#ws.terminate();
        this.close();
    }

    /** Everyone's clock in a tile of the last frame. */
    sees(ids) {
        const { last } = this.eye;
        return Boolean(last) && ids.every((id) => Number.isInteger(last.tiles.get(id)?.clock));
    }

    #setLayout(layout) {
        this.layout = layout;
        this.eye.tiles = layout?.tiles ?? [];
    }

    #setView(view) {
        this.view = view;
        this.#setLayout(view);
    }

    /** Only who follows the room sees its layout. */
    #setRoomLayout(layout) {
        this.roomLayout = layout;
        if (!this.view || (this.view.choice === null && !this.view.without_self)) this.#setLayout(layout);
    }

    #receive(message) {
        if (message.type === 'event') this.#event(message);
        const waiting = this.#waiting.get(message.re) ?? null;
        this.#waiting.delete(message.re);
        if (message.type === 'error') {
            this.errors.push(message);
            waiting?.reject(Object.assign(new Error(message.message), { code: message.code }));
        } else waiting?.resolve(message);
    }

    #event({ event, data }) {
        this.events.push({ event, data, at: nowMs() });
        if (event === 'view') this.#setView(data);
        else if (event === 'layout') this.#setRoomLayout(data);
        else if (event === 'joined' || event === 'updated') this.people.set(data.id, data);
        else if (event === 'left') this.people.delete(data.id);
        else if (this.people.has(data?.id)) Object.assign(this.people.get(data.id), data);
    }
}
