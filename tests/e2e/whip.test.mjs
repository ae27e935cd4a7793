// WHIP brings somebody in, WHEP takes the mix out, both over plain HTTP.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { colourDistance } from './lib/painting.mjs';
import { Server } from './lib/server.mjs';
import { assertWentOn, streamFacts } from './lib/streams.mjs';
import { signToken } from './lib/token.mjs';
import { toneLevel } from './lib/tones.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';
import { HttpPeer } from './lib/whip.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

let server;
const publisher = new HttpPeer(PEOPLE.ada);
const viewer = new HttpPeer({ name: 'Viewer' }, { send: false });
let witness;

async function assertProblem(response, status) {
    assert.equal(response.status, status);
    assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
    const problem = await response.json();
    assert.equal(problem.status, status);
    assert.ok(problem.title && problem.detail, JSON.stringify(problem));
}

const post = (where, body, type = 'application/sdp') =>
    server.fetch(where, { method: 'POST', headers: { 'content-type': type }, body });

before(async () => {
    server = await Server.start();
});

after(async () => {
    for (const peer of [publisher, viewer]) peer.close();
    witness?.leave();
    await server?.stop();
});

test('WHIP answers 201 with Location and ETag, and the publisher is in the room', async () => {
    const response = await publisher.connect(server, '/whip/studio?name=Ada');
    assert.equal(response.status, 201);
    assert.match(response.headers.get('content-type'), /^application\/sdp/);
    assert.ok(publisher.location, 'Location');
    assert.ok(publisher.etag, 'ETag');
    await publisher.connected();
    witness = await new RoomPeer(PEOPLE.bob).join(server, 'studio');
    const ada = [...witness.people.values()].find(({ name }) => name === 'Ada');
    assert.ok(ada, 'Ada is listed');
    assert.equal(ada.client, 'whip');
    await waitFor('Bob sees Ada', () => witness.sees([ada.id]), 10000);
    assert.ok(colourDistance(witness.eye.last.tiles.get(ada.id).colour, PEOPLE.ada.colour) <= 16);
});

test('WHEP takes the mix, with everyone in it and without a place in the room', async () => {
    const response = await viewer.connect(server, '/whep/studio');
    assert.equal(response.status, 201);
    assert.ok(viewer.location);
    await viewer.connected();
    viewer.eye.tiles = witness.layout.tiles;
    const ids = [...witness.people.values()].filter(({ name }) => ['Ada', 'Bob'].includes(name)).map(({ id }) => id);
    assert.equal(ids.length, 2);
    await waitFor('the viewer sees both', () => viewer.eye.last && ids.every((id) => Number.isInteger(viewer.eye.last.tiles.get(id)?.clock)), 10000);
    const since = nowMs();
    await pause(3000);
    const { samples } = viewer.ear.recording(since);
    for (const person of [PEOPLE.ada, PEOPLE.bob])
        assert.ok(toneLevel(samples, person.toneHz) > -32, `the viewer hears ${person.name}: ${toneLevel(samples, person.toneHz).toFixed(1)} dBFS`);
    assert.equal(witness.layout.tiles.length, 2, 'a viewer has no tile');
    assert.deepEqual([...witness.people.values()].map(({ name }) => name).sort(), ['Ada', 'Bob']);
});

test('PATCH takes candidates, and refuses what is stale or lacks a condition', async () => {
    const candidates = publisher.fragment();
    const trickled = await publisher.patch(candidates, { 'if-match': publisher.etag });
    assert.equal(trickled.status, 204);
    await assertProblem(await publisher.patch(candidates, { 'if-match': '"of-another-session"' }), 412);
    await assertProblem(await publisher.patch(candidates), 428);
    await assertProblem(await publisher.patch('{}', { 'if-match': publisher.etag, 'content-type': 'application/json' }), 415);
});

test('PATCH restarts ICE for publisher and viewer, and media go on', async () => {
    const [seenBefore, witnessBefore] = await Promise.all([streamFacts(viewer), streamFacts(witness)]);
    for (const peer of [publisher, viewer]) {
        const before = peer.etag;
        const response = await peer.restart();
        assert.equal(response.status, 200);
        assert.match(response.headers.get('content-type'), /^application\/trickle-ice-sdpfrag/);
        assert.ok(response.changed, 'the server has new credentials');
        assert.ok(peer.etag && peer.etag !== before, 'the session has a new ETag');
        await peer.connected();
    }
    const ada = [...witness.people.values()].find(({ name }) => name === 'Ada');
    const since = nowMs();
    await waitFor("Ada's clock goes on", () => new Set(witness.eye.since(since).map(({ tiles }) => tiles.get(ada.id)?.clock)).size > 30, 10000);
    await waitFor('the viewer still sees it', () => new Set(viewer.eye.since(since).map(({ tiles }) => tiles.get(ada.id)?.clock)).size > 30, 10000);
    assertWentOn(seenBefore, await streamFacts(viewer));
    assertWentOn(witnessBefore, await streamFacts(witness));
});

test('what is wrong is refused with a problem that says why', async () => {
    await assertProblem(await post('/whip/studio', 'v=0', 'text/plain'), 415);
    await assertProblem(await post('/whip/studio', 'this is no SDP'), 400);
    await assertProblem(await post('/whep/studio', ''), 400);
    await assertProblem(await post('/whip/studio', `v=0\r\n${'a=x\r\n'.repeat(20000)}`), 413);
    await assertProblem(await post('/whip/not%20a%20room', publisher.pc.localDescription.sdp), 400);
    await assertProblem(await server.fetch('/whip/studio/0123456789abcdef0123456789abcdef', { method: 'DELETE' }), 404);
    const get = await server.fetch('/whip/studio');
    await assertProblem(get, 405);
    assert.match(get.headers.get('allow'), /POST/);
});

test('OPTIONS tells what may be posted', async () => {
    const response = await server.fetch('/whip/studio', { method: 'OPTIONS' });
    assert.ok([200, 204].includes(response.status), `${response.status}`);
    assert.match(response.headers.get('accept-post') ?? '', /application\/sdp/);
});

test('DELETE ends it, once', async () => {
    assert.equal((await viewer.delete()).status, 200);
    assert.equal((await publisher.delete()).status, 200);
    await assertProblem(await publisher.delete(), 404);
    await waitFor('Ada is gone', () => witness.people.size === 1 && witness.layout.tiles.length === 1, 5000);
});

test('tokens are asked for, and say who somebody is', async () => {
    const closed = await Server.startClosed();
    const peer = new HttpPeer({ name: 'Viewer' }, { send: false });
    try {
        const { token } = closed;
        closed.token = null;
        const refused = await peer.connect(closed, '/whep/studio');
        assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
        await assertProblem(refused, 401);
        const { sdp } = peer.pc.localDescription;
        const as = (where, claims) =>
            closed.fetch(where, {
                method: 'POST',
                headers: { 'content-type': 'application/sdp', authorization: `Bearer ${signToken(claims)}` },
                body: sdp,
            });
        await assertProblem(await as('/whep/studio', { room: 'studio', grants: ['publish'] }), 403);
        await assertProblem(await as('/whep/studio', { room: 'elsewhere', grants: ['view'] }), 403);
        const accepted = await as('/whep/studio', { room: 'studio', grants: ['view'], role: 'guest', name: 'Wall' });
        assert.equal(accepted.status, 201);
        closed.token = token;
        const { participants } = await closed.json('/api/v1/rooms/studio/participants');
        assert.deepEqual([participants[0].name, participants[0].role], ['Wall', 'guest']);
        assert.equal((await closed.anonymous(accepted.headers.get('location'), { method: 'DELETE' })).status, 401);
        assert.equal((await closed.fetch(accepted.headers.get('location'), { method: 'DELETE' })).status, 200);
    } finally {
        peer.close();
        await closed.stop();
    }
});
