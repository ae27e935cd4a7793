// One person leaves, dies or freezes: for the others the sound goes on without a hole and the picture
// keeps its cadence. (Garbage on the wire is sent by the integration tests, which own the packets.)

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './lib/server.mjs';
import { stalledMs, unexplained } from './lib/stalls.mjs';
import { toneHoles, zeroRuns } from './lib/tones.mjs';
import { nowMs, pause, quantile, waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const WATCH_MS = 4000;
const CALM_MS = 3000;
const LONGEST_GAP_MS = 150;
const TRIES = 3; // of what the machine disturbed

let server;
let ada;
let bob;
const guests = [];

/** Both who stay hear each other without a hole, and see pictures and each other's clock go on. */
function assertUndisturbed(t, what, since) {
    const watched = nowMs() - since - stalledMs(since);
    for (const [peer, other] of [
        [ada, bob],
        [bob, ada],
    ]) {
        const recording = peer.ear.recording(since);
        const { samples } = recording;
        const ours = (breaks) => unexplained(breaks, recording);
        assert.deepEqual(ours(toneHoles(samples, other.person.toneHz)), [], `${what}: ${peer.person.name} hears a hole`);
        assert.deepEqual(ours(zeroRuns(samples)), [], `${what}: ${peer.person.name} hears digital silence`);
        const frames = peer.eye.since(since);
        const gaps = frames.slice(1).map(({ at }, i) => at - frames[i].at);
        const fps = (1000 * frames.length) / watched;
        t.diagnostic(`${what}: ${peer.person.name} ${fps.toFixed(1)} fps, longest gap ${Math.max(...gaps).toFixed(0)} ms`);
        assert.ok(fps >= 25, `${what}: ${peer.person.name} sees ${fps.toFixed(1)} fps`);
        assert.ok(quantile(gaps, 0.98) <= LONGEST_GAP_MS, `${what}: ${peer.person.name} waits ${Math.max(...gaps).toFixed(0)} ms`);
        const clocks = new Set(frames.map(({ tiles }) => tiles.get(other.id)?.clock));
        assert.ok(clocks.size > 0.7 * frames.length, `${what}: ${peer.person.name} sees ${other.person.name} move`);
    }
}

/** scene(check) plays something, and calls check(since) when nobody must have noticed. It is played again where the
 *  machine was busy meanwhile: we stood still, or the server's mix was late. */
async function undisturbed(t, what, scene) {
    for (let tries = 1; ; tries++) {
        const late = await server.lateTicks();
        let trouble;
        let began;
        await scene((since) => {
            began = since;
            try {
                assertUndisturbed(t, what, since);
            } catch (error) {
                trouble = error;
            }
        });
        if (!trouble) return;
        const busy = stalledMs(began) > 0 || (await server.lateTicks()) > late;
        if (!busy || tries === TRIES) throw trouble;
        t.diagnostic(`again, the machine was busy: ${trouble.message.slice(0, 200)}`);
    }
}

/** Somebody joins, and everyone who stays sees them. */
async function guest(person) {
    const peer = await new RoomPeer(person).join(server, 'robust');
    guests.push(peer);
    for (const watcher of [ada, bob]) await waitFor(`${person.name} is seen`, () => watcher.sees([peer.id]), 10000);
    await pause(CALM_MS);
    return peer;
}

async function waitForNoTile({ id, person }, timeoutMs) {
    for (const peer of [ada, bob])
        await waitFor(`${person.name} has no tile any more`, () => peer.layout.tiles.every((tile) => tile.id !== id), timeoutMs);
}

before(async () => {
    server = await Server.start({ 'room.rejoin_seconds': 2, 'video.stale_ms': 1000 });
    ada = await new RoomPeer(PEOPLE.ada).join(server, 'robust');
    bob = await new RoomPeer(PEOPLE.bob).join(server, 'robust');
    for (const peer of [ada, bob]) await waitFor('both are seen', () => peer.sees([ada.id, bob.id]), 10000);
    await pause(CALM_MS);
});

after(async () => {
    for (const peer of [...guests, ada, bob]) peer?.close();
    await server?.stop();
});

async function joinAndLeave(check) {
    const since = nowMs();
    const cyd = await guest(PEOPLE.cyd);
    cyd.leave();
    await waitForNoTile(cyd, 5000);
    await pause(WATCH_MS);
    check(since);
}

async function freeze(check) {
    const dan = await guest(PEOPLE.dan);
    const since = nowMs();
    const bright = ada.eye.last.tiles.get(dan.id).colour.y;
    dan.sender.frozen = true;
    await waitFor('the frozen tile looks different', () => Math.abs(ada.eye.last.tiles.get(dan.id).colour.y - bright) > 10, 6000);
    dan.sender.silent = true;
    await pause(WATCH_MS);
    check(since);
    dan.sender.frozen = false;
    dan.sender.silent = false;
    await waitFor('the tile is alive again', () => Math.abs(ada.eye.last.tiles.get(dan.id).colour.y - bright) < 8, 5000);
    dan.leave();
    await waitForNoTile(dan, 5000);
}

async function vanish(check) {
    const cyd = await guest(PEOPLE.cyd);
    const since = nowMs();
    cyd.die();
    await waitForNoTile(cyd, 15000);
    await pause(1000);
    check(since);
}

test('somebody joins and leaves', (t) => undisturbed(t, 'left', joinAndLeave));

test('somebody freezes: no more frames, then no more sound', (t) => undisturbed(t, 'frozen', freeze));

test('somebody vanishes without a word', (t) => undisturbed(t, 'died', vanish));
