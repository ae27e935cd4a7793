// Bad networks, between the server and real clients.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CUT, impair, startImpaired } from './lib/impair.mjs';
import { assertWentOn, streamFacts } from './lib/streams.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

let server;
let ada;
let bob;

/** What happens to a peer's received packets of sound in that time: {received, lost, rttMs}. */
async function heardIn(peer, ms) {
    const before = await peer.inbound('audio');
    await pause(ms);
    const now = await peer.inbound('audio');
    return { received: now.packetsReceived - before.packetsReceived, lost: now.packetsLost - before.packetsLost };
}

before(async () => {
    server = await startImpaired({}, { seed: 7 });
    const first = await new RoomPeer(PEOPLE.cyd).join(server, 'network'); // the rules outlive who came first
    ada = await new RoomPeer(PEOPLE.ada).join(server, 'network');
    bob = await new RoomPeer(PEOPLE.bob).join(server, 'network');
    for (const peer of [ada, bob]) await waitFor('both are seen', () => peer.sees([ada.id, bob.id]), 15000);
    first.leave();
    await waitFor('who came first has left', () => ada.layout.tiles.length === 2);
});

after(async () => {
    for (const peer of [ada, bob]) peer?.leave();
    await server?.stop();
});

test('a bad network is set for one person, while the other has a good one, and is taken away again', async (t) => {
    await impair(server, bob, { down: { loss: 0.2, delay: 20, jitter: 5 } });
    const [good, bad] = await Promise.all([heardIn(ada, 6000), heardIn(bob, 6000)]);
    t.diagnostic(`ada ${JSON.stringify(good)}, bob ${JSON.stringify(bad)}`);
    assert.equal(good.lost, 0);
    const share = bad.lost / (bad.lost + bad.received);
    assert.ok(share > 0.1 && share < 0.3, `20 % are to be lost: ${(100 * share).toFixed(0)} %`);
    await impair(server, bob, null);
    await pause(1000);
    assert.equal((await heardIn(bob, 1000)).lost, 0);
});

test('a network that is cut carries nothing, and comes back', async () => {
    await impair(server, bob, CUT);
    await waitFor('what was under way has arrived', async () => (await heardIn(bob, 300)).received === 0, 5000);
    assert.equal((await heardIn(bob, 1000)).received, 0);
    await impair(server, bob, null);
    assert.ok((await heardIn(bob, 1000)).received > 30);
});

/** What the others are told of somebody's connection since then. */
const statesOf = (id, since) => ada.events.filter(({ event, data, at }) => event === 'state' && data.id === id && at >= since).map(({ data }) => data.state);

async function waitForMedia(t, peer, what, timeoutMs) {
    const from = nowMs();
    const { packetsReceived } = await peer.inbound('audio');
    await waitFor(`${what}: sound`, async () => (await peer.inbound('audio')).packetsReceived > packetsReceived + 5, timeoutMs);
    t.diagnostic(`${what}: sound after ${(nowMs() - from).toFixed(0)} ms`);
    await waitFor(`${what}: pictures`, () => peer.eye.since(from).length > 3, timeoutMs);
    t.diagnostic(`${what}: pictures after ${(nowMs() - from).toFixed(0)} ms`);
}

test('twenty silent seconds end nobody, and media comes back by itself; thirty do', async (t) => {
    const gone = await new RoomPeer(PEOPLE.cyd).join(server, 'network');
    t.after(() => gone.leave());
    await waitFor('Cyd is seen', () => ada.sees([gone.id]), 15000);
    const since = nowMs();
    const { packetsReceived } = await bob.inbound('audio');
    await Promise.all([impair(server, bob, CUT), impair(server, gone, CUT)]);
    await pause(20000);
    assert.deepEqual(statesOf(bob.id, since), ['disconnected']);
    assert.ok((await bob.inbound('audio')).packetsReceived < packetsReceived + 50, 'the network was cut');
    const { ssrc } = await bob.inbound('video');
    await impair(server, bob, null);
    await waitForMedia(t, bob, 'Bob, whose network was cut for 20 s', 8000);
    await waitFor('Ada sees Bob move again', () => new Set(ada.eye.since(nowMs() - 1000).map(({ tiles }) => tiles.get(bob.id)?.clock)).size > 15, 8000);
    assert.equal((await bob.inbound('video')).ssrc, ssrc);
    await waitFor('Bob is back', () => statesOf(bob.id, since).at(-1) === 'connected');
    await waitFor('Cyd is given up', () => statesOf(gone.id, since).includes('failed'), 20000);
    const after = ada.events.find(({ event, data }) => event === 'state' && data.id === gone.id && data.state === 'failed').at - since;
    t.diagnostic(`Cyd was given up after ${(after / 1000).toFixed(1)} s`);
    assert.ok(after > 29000 && after < 36000, `after ${after.toFixed(0)} ms`);
});

const ufragOf = (sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
const fingerprintOf = (sdp) => /a=fingerprint:(.*)/.exec(sdp)[1];

/** Bob restarts ICE by a new offer; Ada is to notice nothing. Unless lossless, after a second without a network. */
async function restartBob(t, lossless) {
    const answer = bob.pc.remoteDescription.sdp;
    const [before, adaBefore] = await Promise.all([streamFacts(bob), streamFacts(ada)]);
    if (!lossless) {
        await impair(server, bob, CUT);
        await pause(1000);
    }
    const mended = nowMs();
    if (!lossless) await impair(server, bob, null);
    const began = nowMs();
    await bob.offer({ iceRestart: true });
    assert.notEqual(ufragOf(bob.pc.remoteDescription.sdp), ufragOf(answer));
    assert.equal(fingerprintOf(bob.pc.remoteDescription.sdp), fingerprintOf(answer));
    await waitForMedia(t, bob, 'after the restart', 5000);
    t.diagnostic(`restart and media: ${(nowMs() - began).toFixed(0)} ms`);
    await pause(lossless ? 2000 : 1000);
    const [now, adaNow] = await Promise.all([streamFacts(bob), streamFacts(ada)]);
    const since = lossless ? {} : { brokenMs: nowMs() - mended };
    assertWentOn(before, now, since);
    assertWentOn(adaBefore, adaNow, since);
}

test('an ICE restart while nothing is lost changes nothing at all', (t) => restartBob(t, true));

test('an ICE restart after a break goes on with the same streams and one key frame', (t) => restartBob(t, false));
