// The HTTP side: who is let in, what is refused and how, what is told, and the program starts,
// refuses to start, and ends as an operator expects. openapi.test.mjs walks through /openapi.yaml.

import assert from 'node:assert/strict';
import { get, request } from 'node:http';
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Description } from './lib/openapi.mjs';
import { runTessera, Server } from './lib/server.mjs';
import { SECRET, signToken } from './lib/token.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const QUICK_MS = 50;

let server;
let ada;

async function assertProblem(response, status) {
    assert.equal(response.status, status, response.url);
    assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
    const problem = await response.json();
    assert.equal(problem.status, status);
    for (const key of ['title', 'detail', 'code']) assert.ok(problem[key], `${key} in ${JSON.stringify(problem)}`);
    return problem;
}

/** The status of a GET whose path goes out as it is (fetch() would tidy it). */
function rawStatus(where) {
    const { hostname, port } = new URL(server.base);
    return new Promise((resolve, reject) => {
        get({ hostname, port, path: where }, (response) => {
            response.resume();
            resolve(response.statusCode);
        }).on('error', reject);
    });
}

before(async () => {
    server = await Server.start();
    ada = await new RoomPeer(PEOPLE.ada).join(server, 'http');
    await waitFor('Ada is connected', () => ada.eye.last, 10000);
});

after(async () => {
    ada?.leave();
    await server?.stop();
});

test('the API tells who is in which room', async () => {
    const rooms = await server.json('/api/v1/rooms');
    const list = Array.isArray(rooms) ? rooms : rooms.rooms;
    assert.ok(list.some(({ id }) => id === 'http'));
    const room = await server.json('/api/v1/rooms/http');
    assert.equal(room.id, 'http');
    const me = room.participants.find(({ id }) => id === ada.id);
    assert.equal(me.name, 'Ada');
    assert.equal(me.state, 'connected');
    assert.deepEqual([room.video.width, room.video.height, room.video.fps], [1280, 720, 30]);
    const person = await server.json(`/api/v1/rooms/http/participants/${ada.id}`);
    assert.equal(person.id, ada.id);
});

test('graph and stats show the live objects', async () => {
    const graph = await server.json('/api/v1/rooms/http/graph');
    for (const key of ['inputs', 'mixer', 'scenes']) assert.ok(key in graph, `${key} in the graph`);
    assert.equal(graph.inputs.length, 1);
    const [scene] = graph.scenes;
    assert.deepEqual([scene.width, scene.height, scene.fps, scene.tiles], [1280, 720, 30, 1]);
    const [rendition] = scene.renditions;
    assert.deepEqual([rendition.codec, rendition.viewers], ['VP8', 1]);
    assert.equal(typeof (await server.json('/api/v1/rooms/http/stats')), 'object');
});

test('errors are problems that name the thing', async () => {
    await assertProblem(await server.fetch('/api/v1/rooms/nobody-here'), 404);
    await assertProblem(await server.fetch('/api/v1/rooms/http/participants/nobody'), 404);
    await assertProblem(await server.fetch('/no/such/page'), 404);
    await assertProblem(await server.fetch('/api/v1/rooms/http/graph', { method: 'DELETE' }), 405);
    await assertProblem(await server.fetch('/ws'), 426);
});

test('pages, scripts and styles are served; nothing else is', async () => {
    const page = /^text\/html/;
    for (const [where, type] of [
        ['/', page],
        ['/r/some-room', page],
        ['/js/room.js', /^(text|application)\/javascript/],
        ['/css/base.css', /^text\/css/],
        ['/css/icon.svg', /^image\/svg\+xml/],
    ]) {
        const response = await server.fetch(where);
        assert.equal(response.status, 200, where);
        assert.match(response.headers.get('content-type'), type, where);
        if (type === page) assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'/, where);
        assert.equal(response.headers.get('x-content-type-options'), 'nosniff', where);
        await response.text();
    }
    for (const where of ['/js/../../CMakeLists.txt', '/js/%2e%2e/%2e%2e/CMakeLists.txt', '/js//etc/passwd', '/js/', '/js/none.js'])
        assert.ok((await rawStatus(where)) >= 400, where);
});

test('/healthz and /metrics', async () => {
    assert.equal((await server.fetch('/healthz')).status, 200);
    const response = await server.fetch('/metrics');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/plain/);
    const text = await response.text();
    assert.match(text, /^# TYPE tessera_\w+ (gauge|counter)$/m);
    for (const line of text.split('\n')) assert.match(line, /^$|^#|^[a-zA-Z_:][\w:]*(\{[^}]*\})? -?[\d.eE+-]+( \d+)?$|^[a-zA-Z_:][\w:]*(\{[^}]*\})? (NaN|[+-]Inf)$/);
});

test('with auth.secret the API asks for signed tokens', async () => {
    const closed = await Server.startClosed();
    try {
        const get = (where, token) => closed.anonymous(where, token ? { headers: { authorization: `Bearer ${token}` } } : {});
        const refused = await get('/api/v1/rooms');
        assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
        await assertProblem(refused, 401);
        const now = Math.floor(Date.now() / 1000);
        for (const wrong of [SECRET, signToken({ exp: now - 3600 }), signToken({ exp: undefined }), signToken({}, `${SECRET}x`)])
            await assertProblem(await get('/api/v1/rooms', wrong), 401);
        assert.equal((await get('/api/v1/rooms', signToken())).status, 200);
        assert.equal((await get('/healthz')).status, 200);
        assert.equal((await get(`/api/v1/rooms?access_token=${signToken()}`)).status, 200, 'a GET may carry it in its address');

        const stranger = new RoomPeer(PEOPLE.bob);
        await assert.rejects(stranger.join(closed, 'http', { token: null }), { code: 'unauthorized' });
        stranger.close();
        const watcher = new RoomPeer(PEOPLE.bob);
        await assert.rejects(watcher.join(closed, 'http', { token: signToken({ room: 'http', grants: ['view'] }) }), { code: 'forbidden' });
        watcher.close();
        const friend = new RoomPeer(PEOPLE.bob);
        await friend.join(closed, 'http', { token: signToken({ room: 'http', grants: ['publish', 'view'], role: 'teacher', name: 'Ms. Frizzle' }) });
        assert.deepEqual(friend.joined.grants, ['publish', 'view']);
        assert.equal(friend.joined.role, 'teacher');
        assert.equal(friend.people.get(friend.id).name, 'Ms. Frizzle');
        friend.leave();
        assert.ok(!closed.output.includes(closed.token), 'no token stands in the log');
    } finally {
        await closed.stop();
    }
});

test('`tessera token` makes a token that the server takes', async () => {
    const closed = await Server.startClosed();
    try {
        const { status, stdout, stderr } = await runTessera(['token', '--set', `auth.secret=${SECRET}`, '--room', 'http', '--grant', 'view', '--hours', '1']);
        assert.equal(status, 0, stderr);
        const authorization = `Bearer ${stdout.trim()}`;
        await closed.fetch('/api/v1/rooms', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"http"}' });
        assert.equal((await closed.anonymous('/api/v1/rooms/http', { headers: { authorization } })).status, 200);
        assert.equal((await closed.anonymous('/api/v1/rooms/other', { headers: { authorization } })).status, 403);
        assert.equal((await closed.anonymous('/api/v1/rooms/http', { method: 'DELETE', headers: { authorization } })).status, 403);
    } finally {
        await closed.stop();
    }
});

/** In ms, of up to twenty times until it is quick: the machine may be busy with other things. */
async function quickest(action) {
    const times = [];
    while (!(Math.min(...times) <= QUICK_MS) && times.length < 20) {
        if (times.length) await pause(20);
        const began = nowMs();
        await action();
        times.push(nowMs() - began);
    }
    return Math.min(...times);
}

test('what is hostile is refused at once', async () => {
    const regions = (count) => JSON.stringify({ name: 'x', regions: Array(count).fill({ fill: 'rest' }) });
    const bodies = [regions(10000), regions(20000), `{"name":"x","regions":${'['.repeat(100)}`, '{"name":"x","regions":[{"fill":"rest","x":NaN}]}', '{"name":"x","regions":[{"fill":"rest","width":1e999}]}'];
    for (const where of ['/api/v1/layouts/x', '/api/v1/layouts/x?dry_run=1', '/api/v1/rooms/http/layout', '/api/v1/rooms/http/layout?dry_run=1'])
        for (const body of bodies) {
            const took = await quickest(async () => {
                const response = await server.fetch(where, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
                assert.ok([400, 413].includes(response.status), `${where}: ${response.status}`);
                await assertProblem(response, response.status);
            });
            assert.ok(took <= QUICK_MS, `${where} with ${body.slice(0, 60)}: ${took} ms`);
        }
    const { hostname, port } = new URL(server.base);
    const claimOneGigabyte = () =>
        new Promise((resolve, reject) => {
            const headers = { 'content-type': 'image/png', 'content-length': 1e9 };
            const asked = request({ hostname, port, method: 'PUT', path: '/api/v1/images/x', headers });
            asked.on('response', (response) => {
                resolve([response.statusCode, response.headers['content-type']]);
                asked.on('error', () => {}).destroy();
            });
            asked.on('error', reject);
            asked.write(Buffer.alloc(1000));
        });
    const took = await quickest(async () => assert.deepEqual(await claimOneGigabyte(), [413, 'application/problem+json']));
    assert.ok(took <= QUICK_MS, `a gigabyte: ${took} ms`);
});

test('events tell what happens in a room', async () => {
    const stop = new AbortController();
    const response = await server.fetch('/api/v1/rooms/http/events', { signal: stop.signal });
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    let text = '';
    const reading = (async () => {
        for await (const chunk of response.body) text += Buffer.from(chunk).toString();
    })().catch(() => {});
    const events = () =>
        [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)].map(([, id, event, data]) => ({ id: Number(id), event, data: JSON.parse(data) }));
    await waitFor('the first event', () => events().length >= 1, 5000);
    const [first] = events();
    assert.equal(first.event, 'room');
    assert.ok(first.data.participants.some(({ id }) => id === ada.id));
    const patch = (where, body) => server.fetch(where, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify(body) });
    await patch('/api/v1/rooms/http', { locked: true });
    await patch(`/api/v1/rooms/http/participants/${ada.id}`, { pinned: true });
    await patch(`/api/v1/rooms/http/participants/${ada.id}`, { without_self: true });
    await waitFor('all is told', () => ['room', 'updated', 'view'].every((name) => events().slice(1).some(({ event }) => event === name)), 5000);
    assert.ok(events().some(({ event, data }) => event === 'room' && data.locked === true));
    assert.ok(events().some(({ event, data }) => event === 'updated' && data.id === ada.id && data.pinned));
    assert.ok(events().some(({ event, data }) => event === 'view' && data.id === ada.id && data.without_self));
    assert.deepEqual(events().map(({ id }) => id), events().map((_, i) => i + 1), 'ids count');
    await patch('/api/v1/rooms/http', { locked: false });
    await patch(`/api/v1/rooms/http/participants/${ada.id}`, { pinned: false, without_self: false });
    stop.abort();
    await reading;
});

test('/ws: everybody chooses what to see, and all that is told is as signalling.schema.json says', async () => {
    const schema = new Description(JSON.parse(readFileSync(new URL('../../docs/signalling.schema.json', import.meta.url), 'utf8')));
    const assertTold = (message) => assert.deepEqual(schema.problems({ $ref: '#/$defs/server' }, message, 'message'), []);
    const bob = new RoomPeer(PEOPLE.bob);
    await assert.rejects(bob.join(server, 'views', { join: { layout: 'none' } }), { code: 'not-found' });
    await bob.join(server, 'views', { join: { layout: 'speaker-side', withoutSelf: true } });
    const { view, layout, grants, role } = bob.joined;
    assert.deepEqual([view.layout, view.choice, view.without_self, view.fallback], ['speaker-side', 'speaker-side', true, false]);
    assert.deepEqual([layout.layout, role, grants.length], ['grid', null, 5]);
    assertTold(bob.joined);
    const guest = await new RoomPeer(PEOPLE.ada).join(server, 'views');
    const viewed = () => bob.events.filter(({ event }) => event === 'view').at(-1)?.data;
    await waitFor('Bob sees Ada and not himself', () => viewed()?.tiles.map(({ id }) => id).join() === guest.id, 5000);
    bob.send({ type: 'update', layout: null, withoutSelf: false });
    await waitFor('Bob sees what all see', () => viewed()?.choice === null && viewed().tiles.length === 2, 5000);
    await assert.rejects(bob.request({ type: 'update', layout: 'none' }), { code: 'not-found' });
    await server.fetch('/api/v1/rooms/views', { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"layout":"side-by-side","ducking":true}' });
    await waitFor('all is told', () => ['layout', 'room'].every((name) => bob.events.some(({ event }) => event === name)), 5000);
    assert.ok(!guest.events.some(({ event, data }) => event === 'view' && data.choice), 'what Bob sees is not told to Ada');
    guest.leave();
    await waitFor('Ada is gone', () => bob.people.size === 1, 5000);
    for (const { event, data } of bob.events) assertTold({ type: 'event', event, data });
    bob.leave();
});

test('the resume of a session is honoured, and an unknown one is not somebody else', async () => {
    const { session, id } = ada;
    assert.match(session, /^[0-9a-f]{32}$/);
    const rooms = await server.json('/api/v1/rooms/http');
    assert.ok(!JSON.stringify(rooms).includes(session), 'sessions are not told');
    assert.ok(rooms.participants.some((person) => person.id === id));
});

// --- start and end of the program

/** Ends with status 2 and one sentence on stderr, fitting the pattern. */
async function assertRefuses(args, pattern) {
    const { status, stderr } = await runTessera(args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, pattern);
    assert.equal(stderr.trim().split('\n').length, 1, `one line, not: ${stderr}`);
}

test('a port in use is told in one sentence, status 2', async () => {
    const taken = createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    try {
        await assertRefuses(['--set', `http.listen=127.0.0.1:${port}`, '--set', 'https.listen='], new RegExp(`${port}.*in use|in use.*${port}`));
    } finally {
        taken.close();
    }
});

test('--check-config tells what is wrong, in one sentence, status 2', async () => {
    const set = (...settings) => ['--check-config', ...settings.flatMap((setting) => ['--set', setting])];
    await assertRefuses(set('video.widht=640'), /video\.widht/);
    await assertRefuses(set('video.fps=0'), /video\.fps/);
    await assertRefuses(set('video.width=641'), /even/);
    await assertRefuses(set('http.listen=0.0.0.0:8080'), /auth\.secret/);
    await assertRefuses(set('ice.port_range=5-1'), /ice\.port_range/);
    await assertRefuses(set('https.certificate=/nowhere.pem'), /https\.private_key/);
    await assertRefuses(['--check-config', '--config', '/nowhere/tessera.conf'], /\/nowhere\/tessera\.conf/);
    assert.equal((await runTessera(set('video.fps=25'))).status, 0);
});

test('--print-config makes a file that --config reads', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tessera-config-'));
    try {
        const printed = await runTessera(['--print-config', '--set', 'video.fps=24']);
        assert.equal(printed.status, 0);
        assert.match(printed.stdout, /^fps=24$/m);
        const file = path.join(folder, 'tessera.conf');
        writeFileSync(file, printed.stdout);
        assert.equal((await runTessera(['--check-config', '--config', file])).status, 0);
        writeFileSync(file, '[video]\nfps=many\n');
        await assertRefuses(['--check-config', '--config', file], /fps/);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});

test('--version tells it', async () => {
    const { status, stdout } = await runTessera(['--version']);
    assert.equal(status, 0);
    assert.match(stdout, /\d+\.\d+/);
});

test('SIGTERM tells everyone and ends with status 0', async () => {
    const short = await Server.start();
    const peer = await new RoomPeer(PEOPLE.bob).join(short, 'drain');
    await waitFor('Bob is connected', () => peer.eye.last, 10000);
    const stopped = short.stop();
    await waitFor('Bob is told', () => peer.events.some(({ event }) => event === 'draining'), 5000);
    peer.leave();
    await stopped;
});
