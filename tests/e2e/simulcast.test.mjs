// The server takes no more than it shows: of senders with several sizes the one that fits the tile, of
// others no more bits than the tile needs. What libwebrtc makes of it, alone and in a browser.

import wrtc from '@roamhq/wrtc';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium, mixFacts } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer, RTCPeerConnection } from './lib/wrtc-peer.mjs';

const { RTCAudioSource, RTCVideoSource } = wrtc.nonstandard;

const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 15;
const PICTURES = 10;
const BLOCK = 16;

// Of 1280x720; "none" has no place for anybody who is here.
const LAYOUTS = {
    big: [{ fill: 'rest' }],
    small: [{ fill: 'rest', width: '1/4', height: '1/4' }],
    none: [{ fill: 'join:9' }],
};

let server;
let chromium;

before(async () => {
    server = await Server.start({ 'video.width': WIDTH, 'video.height': HEIGHT });
    chromium = await Chromium.launch();
    for (const [name, regions] of Object.entries(LAYOUTS)) {
        const body = JSON.stringify({ name, transition_ms: 0, gap: 0, regions });
        const { ok } = await server.fetch(`/api/v1/layouts/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
        assert.ok(ok, name);
    }
});

after(async () => {
    await chromium?.close();
    await server?.stop();
});

/** A camera of blocks that change all the time (every bit is used), and a microphone that hums. */
class Blocks {
    #video = new RTCVideoSource();
    #audio = new RTCAudioSource();
    #timers = [];

    constructor() {
        const pictures = Array.from({ length: PICTURES }, (_, i) => this.#paint(i + 1));
        let next = 0;
        this.videoTrack = this.#video.createTrack();
        this.audioTrack = this.#audio.createTrack();
        this.#timers.push(setInterval(() => this.#video.onFrame({ width: WIDTH, height: HEIGHT, data: pictures[next++ % PICTURES] }), 1000 / FPS));
        this.#timers.push(setInterval(() => this.#hum(), 10));
    }

    stop() {
        this.#timers.forEach(clearInterval);
        this.videoTrack.stop();
        this.audioTrack.stop();
    }

    #paint(seed) {
        const data = new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2).fill(128);
        let state = seed * 7919;
        for (let y = 0; y < HEIGHT; y += BLOCK)
            for (let x = 0; x < WIDTH; x += BLOCK) {
                state = (state * 1103515245 + 12345) & 0x7fffffff;
                const luma = 90 + ((state >> 16) % 76);
                for (let row = y; row < y + BLOCK; row++) data.fill(luma, row * WIDTH + x, row * WIDTH + x + BLOCK);
            }
        return data;
    }

    #hum() {
        const samples = Int16Array.from({ length: 480 }, (_, i) => 4000 * Math.sin((2 * Math.PI * i) / 48));
        this.#audio.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }
}

class BlocksPeer extends RoomPeer {
    blocks = new Blocks();

    constructor(encodings) {
        super(PEOPLE.ada, { send: false });
        this.encodings = encodings;
    }

    makeConnection() {
        const pc = new RTCPeerConnection({});
        this.pc = pc;
        pc.ontrack = ({ track }) => (track.kind === 'audio' ? this.ear : this.eye).attach(track);
        pc.addTransceiver(this.blocks.audioTrack, { direction: 'sendrecv' });
        pc.addTransceiver(this.blocks.videoTrack, { direction: 'sendrecv', ...(this.encodings ? { sendEncodings: this.encodings } : {}) });
        return pc;
    }

    close() {
        this.blocks.stop();
        super.close();
    }
}

async function show(room, layout) {
    const { ok } = await server.fetch(`/api/v1/rooms/${room}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ layout }) });
    assert.ok(ok, layout);
}

/** What the server receives of the only one in the room. */
async function received(room) {
    const { participants } = await server.json(`/api/v1/rooms/${room}/stats`);
    return Object.values(participants)[0]?.received;
}

const text = ({ camera, granted_bitrate: granted }) =>
    `granted ${granted}; decodes ${camera?.width}x${camera?.height}; ${camera?.layers.map(({ rid, width, height, bitrate, decoded }) => `${rid || '-'} ${width}x${height} ${bitrate}${decoded ? ' *' : ''}`).join(', ')}`;

/** Wait until the server says what `condition` wants; the last word on the way is told. */
async function until(t, what, room, condition) {
    let last = null;
    try {
        return await waitFor(what, async () => {
            last = await received(room);
            return last?.camera && condition(last.camera, last) && last;
        }, 25000, 250);
    } finally {
        if (last) t.diagnostic(`${what}: ${text(last)}`);
    }
}

const layer = (camera, rid) => camera.layers.find((one) => one.rid === rid) ?? { bitrate: 0, decoded: false };

/** From a large tile to a small one, to none, and back. */
async function followTile(t, room, name) {
    await show(room, 'big');
    await until(t, `${name}: a large tile gets the largest size`, room, (camera) => layer(camera, 'f').decoded && camera.height === HEIGHT);
    await show(room, 'small');
    await until(t, `${name}: a small tile gets the smallest, and the others rest`, room, (camera) => layer(camera, 'q').decoded && camera.height === HEIGHT / 4 && layer(camera, 'h').bitrate === 0 && layer(camera, 'f').bitrate === 0);
    await show(room, 'none');
    const away = await until(t, `${name}: off stage little is sent`, room, (camera, all) => all.granted_bitrate <= 200000 && layer(camera, 'q').bitrate <= 180000);
    const decoded = away.camera.decoded;
    await show(room, 'big');
    await until(t, `${name}: promoted`, room, (camera) => camera.decoded > decoded);
    await until(t, `${name}: the largest size again`, room, (camera) => camera.height === HEIGHT);
    const last = await received(room);
    assert.equal(last.camera.decode_errors, 0);
    assert.equal(last.unknown_ssrc, 0);
}

test('libwebrtc with three layers: the one that fits the tile is decoded, the others rest', async (t) => {
    const peer = new BlocksPeer([{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f', scaleResolutionDownBy: 1 }]);
    try {
        await peer.join(server, 'layers');
        await followTile(t, 'layers', 'libwebrtc');
    } finally {
        peer.leave();
    }
});

test('libwebrtc with one layer: it sends what its tile needs, and its sound stays', async (t) => {
    const peer = new BlocksPeer(null);
    try {
        await peer.join(server, 'plain');
        await show('plain', 'big');
        await until(t, 'a large tile gets more than 700 kbit/s', 'plain', (camera) => camera.layers[0].bitrate > 700000);
        await show('plain', 'small');
        await until(t, 'a small tile gets less than 380 kbit/s', 'plain', (camera, all) => all.granted_bitrate === 350000 && camera.layers[0].bitrate < 380000);
        await show('plain', 'none');
        const first = await until(t, 'off stage less than 230 kbit/s', 'plain', (camera, all) => all.granted_bitrate === 200000 && camera.layers[0].bitrate < 230000);
        const later = await until(t, 'a hundred packets of sound later', 'plain', (camera, all) => all.audio.packets >= first.audio.packets + 100);
        assert.equal(later.audio.lost, first.audio.lost, 'no sound is lost');
    } finally {
        peer.leave();
    }
});

test('Chromium through the page: the layer follows the tile', async (t) => {
    const tab = await chromium.tab('Ada');
    await tab.open(`${server.base}/r/page?auto=1&name=Ada&audio=1&video=1`);
    await waitFor('Ada plays the mix', async () => (await tab.evaluate(mixFacts)).framesDecoded > 0, 20000, 250);
    await followTile(t, 'page', 'Chromium');
    await tab.close();
});
