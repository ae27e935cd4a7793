// Ten viewers with libwebrtc, behind lines from 5 Mbit/s to 40 kbit/s: each gets what its line carries, from at
// most three encodes, and those with good lines notice nothing of the others.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CUT, impair, startImpaired } from './lib/impair.mjs';
import { unstalledMs } from './lib/stalls.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';
import { RoomPeer } from './lib/wrtc-peer.mjs';

const ROOM = 'ladder';
const api = `/api/v1/rooms/${ROOM}`;
const LINES = [5e6, 5e6, 600e3, 600e3, 200e3, 200e3, 100e3, 100e3, 40e3, 40e3];
const SETTLE_MS = 8000;
const WATCH_MS = 12000;
const TRIES = 3; // the machine may be too busy for ten clients
const MAX_GAP_MS = 500;
const MAX_CONCEALED = 0.05;

let server;
const viewers = [];

const line = (rate) => ({ down: { rate, queue: 300, delay: 20 }, up: { delay: 20 } });

async function join(rate, number) {
    const viewer = new RoomPeer({ name: `V${number}` }, { send: false });
    viewer.rate = rate;
    viewer.eye.tiles = []; // only when frames come, and how large they are
    await viewer.join(server, ROOM, { join: { publish: false } });
    viewer.eye.tiles = [];
    await impair(server, viewer, line(rate));
    return viewer;
}

/** The longest time without a frame since then, the end included, in ms; not where we stood still ourselves. */
function longestGap(viewer, sinceMs) {
    const times = [sinceMs, ...viewer.eye.since(sinceMs).map(({ at }) => at), nowMs()];
    return Math.max(...times.slice(1).map((at, i) => unstalledMs(times[i], at)));
}

const stats = async () => (await server.json(`${api}/stats`)).participants;

/** The renditions that somebody takes. */
async function taken() {
    const { scenes } = await server.json(`${api}/graph`);
    return scenes.flatMap(({ renditions }) => renditions).filter((rendition) => rendition.viewers > 0);
}

before(async () => {
    server = await startImpaired({ 'video.ladder': '360p30=400000,180p15=120000' }, { seed: 3 });
    const response = await server.fetch('/api/v1/rooms', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id: ROOM }),
    });
    assert.equal(response.status, 201);
    const source = await server.fetch(`${api}/sources`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ pattern: 0 }),
    });
    assert.equal(source.status, 201, await source.text());
    for (const [i, rate] of LINES.entries()) viewers.push(await join(rate, i));
});

after(async () => {
    for (const viewer of viewers) viewer.leave();
    await server?.stop();
});

/** What each plays in WATCH_MS, and what encodes there are at their end. */
async function watch() {
    const sinceMs = nowMs();
    const before = await Promise.all(viewers.map((viewer) => viewer.inbound('audio')));
    await pause(WATCH_MS);
    const after = await Promise.all(viewers.map((viewer) => viewer.inbound('audio')));
    const lines = await stats();
    const encodes = await taken();
    const seen = viewers.map((viewer, i) => {
        const frames = viewer.eye.since(sinceMs);
        const concealed = after[i].concealedSamples - before[i].concealedSamples;
        const samples = after[i].totalSamplesReceived - before[i].totalSamplesReceived;
        return {
            rate: viewer.rate,
            fps: (frames.length * 1000) / WATCH_MS,
            size: frames.length ? `${frames[frames.length - 1].width}x${frames[frames.length - 1].height}` : 'none',
            gapMs: longestGap(viewer, sinceMs),
            concealed: concealed / samples,
            ...lines[viewer.id].sent.line,
        };
    });
    return { seen, encodes };
}

const playsWell = ({ rate, concealed, gapMs }) => concealed < MAX_CONCEALED && (rate < 100e3 || gapMs < MAX_GAP_MS);

function tell(t, { seen, encodes }) {
    for (const one of seen)
        t.diagnostic(`${one.rate / 1000} kbit/s: ${one.size} at ${one.fps.toFixed(1)} fps, longest gap ${one.gapMs.toFixed(0)} ms, ` +
            `concealed ${(100 * one.concealed).toFixed(1)} %, estimate ${(one.estimate / 1000).toFixed(0)}, rung ${one.rung}`);
    t.diagnostic(`encodes: ${encodes.map(({ width, height, fps, target, viewers: n }) => `${width}x${height}@${fps} ${target / 1000}k for ${n}`).join(', ')}`);
}

test('each plays what its line carries, from at most three encodes', async (t) => {
    await pause(SETTLE_MS);
    let watched;
    for (let i = 0; i < TRIES && !watched?.seen.every(playsWell); i++) {
        watched = await watch();
        tell(t, watched);
    }
    const { seen, encodes } = watched;
    assert.ok(encodes.length <= 3, `${encodes.length} encodes`);
    for (const one of seen) {
        assert.ok(one.concealed < MAX_CONCEALED, `${one.rate}: ${(100 * one.concealed).toFixed(1)} % of the sound is made up`);
        if (one.rate >= 100e3) assert.ok(one.gapMs < MAX_GAP_MS, `${one.rate}: ${one.gapMs.toFixed(0)} ms without a picture`);
        if (one.rate >= 5e6) assert.equal(one.size, '1280x720');
    }
});

test('the good lines notice nothing when the others vanish and leave', async (t) => {
    const good = viewers.slice(0, 2);
    const sinceMs = nowMs();
    await impair(server, viewers[4], CUT);
    await impair(server, viewers[6], CUT);
    await pause(2000);
    for (const viewer of viewers.slice(7)) {
        viewer.leave();
        await pause(300); // its end holds us up
    }
    await pause(3000);
    for (const viewer of good) {
        const frames = viewer.eye.since(sinceMs);
        const fps = (frames.length * 1000) / (nowMs() - sinceMs);
        t.diagnostic(`${fps.toFixed(1)} fps, longest gap ${longestGap(viewer, sinceMs).toFixed(0)} ms`);
        assert.ok(longestGap(viewer, sinceMs) < 250);
        assert.ok(frames.every(({ width }) => width === 1280), 'the full picture');
    }
});

test('who comes back to a good line gets the full picture again', async (t) => {
    const viewer = viewers[5];
    const sinceMs = nowMs();
    await impair(server, viewer, line(5e6));
    await waitFor('the full picture', () => viewer.eye.last?.width === 1280, 30000, 100);
    t.diagnostic(`after ${((nowMs() - sinceMs) / 1000).toFixed(1)} s`);
});
