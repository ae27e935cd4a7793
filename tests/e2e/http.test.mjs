// The HTTP side: every operation of /openapi.yaml answers as it is described there, errors are
// problem+json, and the program starts, refuses to start, and ends as an operator expects.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { runTessera, Server } from './lib/server.mjs';
import { waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

let server;
let ada;

/** [{ path, method, statuses }] of the description. It is ours, so its indentation is known. */
function operations(yaml) {
    const found = [];
    const anchors = new Map(); // responses that are written once and named elsewhere
    let section = '';
    let where = '';
    for (const line of yaml.split('\n')) {
        const top = /^(\w+):/.exec(line);
        const pathLine = /^ {2}["']?(\/[^"':]*)["']?:\s*$/.exec(line);
        const method = /^ {4}(get|post|put|patch|delete|head|options):\s*$/.exec(line);
        const responses = /^ {6}responses: ([&*])(\w+)\s*$/.exec(line);
        const status = /^ {8}["']?(\d{3}|default)["']?:/.exec(line);
        if (top) [, section] = top;
        if (section !== 'paths') continue;
        if (pathLine) [, where] = pathLine;
        else if (method) found.push({ path: where, method: method[1].toUpperCase(), statuses: [] });
        else if (responses?.[1] === '&') anchors.set(responses[2], found[found.length - 1].statuses);
        else if (responses) found[found.length - 1].statuses = anchors.get(responses[2]);
        else if (status && found.length) found[found.length - 1].statuses.push(status[1]);
    }
    return found;
}

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

test('every operation of the description answers with a status that it names', async (t) => {
    const yaml = await (await server.fetch('/openapi.yaml')).text();
    const all = operations(yaml);
    assert.ok(all.length >= 8, `${all.length} operations described`);
    const values = { room: 'http', r: 'http', participant: ada.id, p: ada.id };
    // What takes somebody out comes last.
    all.sort((a, b) => (a.method === 'DELETE') - (b.method === 'DELETE') || b.path.length - a.path.length);
    for (const { path: pattern, method, statuses } of all) {
        const where = pattern.replace(/\{(\w+)(?:\.\.\.)?\}/g, (_, name) => values[name] ?? 'unknown');
        const response = await server.fetch(where, {
            method,
            headers: method === 'GET' ? { accept: 'application/json, */*' } : { 'content-type': 'application/json' },
            ...(method === 'GET' || method === 'HEAD' ? {} : { body: method === 'DELETE' ? undefined : '{}' }),
            signal: AbortSignal.timeout(5000),
        });
        t.diagnostic(`${method} ${pattern}: ${response.status}`);
        assert.ok(
            statuses.includes(String(response.status)) || statuses.includes('default'),
            `${method} ${where}: ${response.status} is not among ${statuses}`,
        );
        assert.ok(response.status < 500, `${method} ${where}: ${response.status}`);
        if (response.status >= 400) assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
        await response.body?.cancel();
    }
    ada.close();
    ada = await new RoomPeer(PEOPLE.ada).join(server, 'http');
    await waitFor('Ada is back', () => ada.eye.last, 10000);
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

test('with auth.secret the API asks for the token', async () => {
    const secret = await Server.start({ 'auth.secret': 'open-sesame' });
    try {
        const refused = await secret.fetch('/api/v1/rooms');
        assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
        await assertProblem(refused, 401);
        await assertProblem(await secret.fetch('/api/v1/rooms', { headers: { authorization: 'Bearer wrong' } }), 401);
        assert.equal((await secret.fetch('/api/v1/rooms', { headers: { authorization: 'Bearer open-sesame' } })).status, 200);
        assert.equal((await secret.fetch('/healthz')).status, 200);
        const stranger = new RoomPeer(PEOPLE.bob);
        await assert.rejects(stranger.join(secret, 'http'), { code: 'unauthorized' });
        stranger.close();
        const friend = new RoomPeer(PEOPLE.bob);
        await friend.join(secret, 'http', { token: 'open-sesame' });
        friend.leave();
    } finally {
        await secret.stop();
    }
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
