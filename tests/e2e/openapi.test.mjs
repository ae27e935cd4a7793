// /openapi.yaml against the built server: every operation is asked for so that it answers with every
// status that is described, with and without auth.secret, and each answer is as described: its media
// type, its headers, the members of its JSON.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { Description, parseYaml } from './lib/openapi.mjs';
import { Server } from './lib/server.mjs';
import { signToken } from './lib/token.mjs';
import { waitFor, within } from './lib/wait.mjs';
import { HttpPeer } from './lib/whip.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

// Small enough to be reached, so that each limit answers once.
const LIMITS = {
    'room.auto_create': 'false',
    'room.max_rooms': 4,
    'room.max_scenes': 1,
    'http.max_event_streams': 2,
    'http.requests_per_second': 10000,
    'layout.max_documents': 20,
    'layout.max_images': 1,
    'layout.max_image_bytes': 4096,
    'record.max': 2,
    'record.min_free_mb': 1,
    'broadcast.max': 2,
    'broadcast.allowed_networks': '127.0.0.0/8',
    'source.max': 2,
};
const JSON_TYPE = 'application/json';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const DOCUMENT = JSON.stringify({ name: 'mine', regions: [{ fill: 'rest', width: '1/2' }] });
const OTHER = JSON.stringify({ name: 'mine', regions: [{ fill: 'rest', height: '1/2' }] });
// One grey pixel.
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64');
const NOWHERE = '0'.repeat(32);

const room = '/api/v1/rooms/walk';
// Takes connections and says nothing: what is sent there tries on.
const deaf = net.createServer(() => {}).listen(0, '127.0.0.1').unref();
const deafUrl = () => `rtmp://127.0.0.1:${deaf.address().port}/live/key`;

async function madeAndEnded(w, where, body) {
    const response = await made(w, where, body);
    await w.ask('DELETE', response.headers.get('location'));
    return response;
}

/** One more, as soon as one that ended has given up its place. */
function made(w, where, body) {
    return waitFor(`there is room in ${where}`, async () => {
        const response = await w.json('POST', where, body);
        return response.status === 201 && response;
    });
}

/** What a question to one that runs is answered: made for it, and ended again. */
async function ofANewOne(w, where, body, question) {
    const { headers } = await made(w, where, body);
    const response = await question(headers.get('location'));
    await w.ask('DELETE', headers.get('location'));
    return response;
}

/** What a change is answered once it has ended. */
async function changeOfAnEnded(w, where, body) {
    const path = (await made(w, where, body)).headers.get('location');
    await w.ask('DELETE', path);
    let response;
    await waitFor(`${path} has ended`, async () => (response = await w.json('PATCH', path, {})).status === 409);
    return response;
}

/** Start so many that no more can be, then end them: the refusal. */
async function untilFull(w, where, body) {
    const made = [];
    let response = await w.json('POST', where, body);
    for (; response.status === 201 && made.length < 8; response = await w.json('POST', where, body)) made.push(response.headers.get('location'));
    for (const one of made) await (await w.ask('DELETE', one)).text();
    return response;
}

let description;
const worlds = [];

/** A server with somebody in its room, and what the questions below need to know of it. */
class World {
    whip = new HttpPeer(PEOPLE.bob);
    whep = new HttpPeer({ name: 'Wall' }, { send: false });

    static async make(name, server) {
        const world = Object.assign(new World(), { name, server });
        worlds.push(world);
        await world.json('POST', '/api/v1/rooms', { id: 'walk' });
        world.ada = await new RoomPeer(PEOPLE.ada).join(server, 'walk');
        await waitFor('Ada is connected', () => world.ada.eye.last, 10000);
        world.person = `${room}/participants/${world.ada.id}`;
        for (const [name, body] of [['recording', {}], ['broadcast', { url: deafUrl() }], ['source', { pattern: 0 }]]) {
            const { id } = await (await world.json('POST', `${room}/${name}s`, body)).json();
            Object.assign(world, { [name]: id, [`${name}Path`]: `${room}/${name}s/${id}` });
        }
        await waitFor('it records', async () => (await (await world.get(world.recordingPath)).json()).duration > 1);
        await world.ask('DELETE', world.recordingPath);
        const { files } = await waitFor('it is recorded', async () => {
            const now = await (await world.get(world.recordingPath)).json();
            return now.state === 'finished' && now;
        });
        world.file = `${world.recordingPath}/${files[0].name}`;
        for (const kind of ['whip', 'whep']) {
            const answer = await world[kind].connect(server, `/${kind}/walk?name=${kind}`);
            assert.equal(answer.status, 201);
            await world[kind].connected();
        }
        return world;
    }

    async end() {
        for (const peer of [this.whip, this.whep]) peer.close();
        this.ada?.leave();
        await this.server.stop();
    }

    ask(method, where, { type, body, ...headers } = {}) {
        return this.server.fetch(where, { method, headers: { ...(type ? { 'content-type': type } : {}), ...headers }, body, signal: AbortSignal.timeout(10000) });
    }

    json(method, where, body, headers = {}) {
        return this.ask(method, where, { type: JSON_TYPE, body: typeof body === 'string' ? body : JSON.stringify(body), ...headers });
    }

    get(where, headers = {}) {
        return this.ask('GET', where, headers);
    }

    async etag(where) {
        const response = await this.get(where);
        await response.text();
        return response.headers.get('etag');
    }

    offer(kind, more = '', body = this[kind].pc.localDescription.sdp, type = 'application/sdp') {
        return this.ask('POST', `/${kind}/walk${more}`, { type, body });
    }

    /** While the room has these settings. */
    async during(settings, back, question) {
        await this.json('PATCH', room, settings);
        try {
            return await question();
        } finally {
            await this.json('PATCH', room, back);
        }
    }
}

// --- what is asked, by operation and status. A world is without auth.secret, or with it and a token
// that may do everything; 401 and 403 of tokens, and what is the same for many, are asked further below.

const changed = { 'if-match': '"another"' };

const rooms = {
    'GET /api/v1/rooms': { 200: (w) => w.get('/api/v1/rooms') },
    'POST /api/v1/rooms': {
        201: (w) => w.json('POST', '/api/v1/rooms', { id: 'second', locked: true, layout: 'speaker' }),
        400: (w) => w.json('POST', '/api/v1/rooms', '{"id":'),
        404: (w) => w.json('POST', '/api/v1/rooms', { layout: 'none' }),
        409: (w) => w.json('POST', '/api/v1/rooms', { id: 'walk' }),
        async 503(w) {
            const made = [];
            let response = await w.ask('POST', '/api/v1/rooms');
            for (; response.status === 201 && made.length < 8; response = await w.ask('POST', '/api/v1/rooms')) made.push(response.headers.get('location'));
            for (const where of made) await w.ask('DELETE', where);
            return response;
        },
    },
    'GET /api/v1/rooms/{room}': { 200: (w) => w.get(room) },
    'PATCH /api/v1/rooms/{room}': {
        200: (w) => w.json('PATCH', room, { max_participants: 20 }),
        400: (w) => w.json('PATCH', room, { locked: 'yes' }),
        412: (w) => w.json('PATCH', room, {}, changed),
    },
    'DELETE /api/v1/rooms/{room}': {
        412: (w) => w.ask('DELETE', room, changed),
        204: (w) => w.ask('DELETE', '/api/v1/rooms/second'),
    },
    'GET /api/v1/rooms/{room}/participants': { 200: (w) => w.get(`${room}/participants`) },
    'GET /api/v1/rooms/{room}/participants/{participant}': { 200: (w) => w.get(w.person) },
    'PATCH /api/v1/rooms/{room}/participants/{participant}': {
        200: (w) => w.json('PATCH', w.person, { order: 3, volume: -6, hears: { exclude: ['role:noise'] } }),
        400: (w) => w.json('PATCH', w.person, { volume: 100 }),
        412: (w) => w.json('PATCH', w.person, {}, changed),
        503: (w) => w.json('PATCH', w.person, { layout: 'portrait' }),
    },
    'DELETE /api/v1/rooms/{room}/participants/{participant}': {
        async 204(w) {
            const bob = await new RoomPeer(PEOPLE.bob).join(w.server, 'walk');
            const response = await w.ask('DELETE', `${room}/participants/${bob.id}`);
            bob.close();
            return response;
        },
    },
    'GET /api/v1/rooms/{room}/stats': { 200: (w) => w.get(`${room}/stats`) },
    'GET /api/v1/rooms/{room}/graph': { 200: (w) => w.get(`${room}/graph`) },
    'GET /api/v1/rooms/{room}/events': {
        200: (w) => w.get(`${room}/events`),
        async 503(w) {
            const open = await Promise.all([w.get(`${room}/events`), w.get(`${room}/events`)]);
            const response = await w.get(`${room}/events`);
            for (const { body } of open) await body.cancel();
            return response;
        },
    },
    'GET /api/v1/rooms/{room}/layout': { 200: (w) => w.get(`${room}/layout`) },
    'PUT /api/v1/rooms/{room}/layout': {
        200: (w) => w.json('PUT', `${room}/layout?dry_run=1`, DOCUMENT),
        400: (w) => w.json('PUT', `${room}/layout`, { name: 'x', regions: [{ fill: 'nobody there' }] }),
        412: (w) => w.json('PUT', `${room}/layout`, '"grid"', changed),
    },
    'GET /api/v1/rooms/{room}/snapshot.png': {
        200: (w) => w.get(`${room}/snapshot.png`),
        503: (w) => w.get(`${room}/snapshot.png?layout=portrait`),
    },
    'GET /api/v1/rooms/{room}/snapshot.jpg': {
        200: (w) => w.get(`${room}/snapshot.jpg`),
        503: (w) => w.get(`${room}/snapshot.jpg?layout=portrait`),
    },
};

const media = {
    'GET /api/v1/rooms/{room}/recordings': { 200: (w) => w.get(`${room}/recordings`) },
    'POST /api/v1/rooms/{room}/recordings': {
        201: (w) => madeAndEnded(w, `${room}/recordings`, { video: false, format: 'mkv', hears: { exclude: ['role:noise'] } }),
        400: (w) => w.json('POST', `${room}/recordings`, { format: 'avi' }),
        503: (w) => untilFull(w, `${room}/recordings`, {}),
    },
    'GET /api/v1/rooms/{room}/recordings/{recording}': { 200: (w) => w.get(w.recordingPath) },
    'PATCH /api/v1/rooms/{room}/recordings/{recording}': {
        200: (w) => ofANewOne(w, `${room}/recordings`, {}, (path) => w.json('PATCH', path, {})),
        400: (w) => w.json('PATCH', w.recordingPath, { paused: 'yes' }),
        409: (w) => ofANewOne(w, `${room}/recordings`, { tracks: 'audio' }, (path) => w.json('PATCH', path, { layout: 'grid' })),
    },
    'DELETE /api/v1/rooms/{room}/recordings/{recording}': { 202: (w) => w.ask('DELETE', w.recordingPath) },
    'GET /api/v1/rooms/{room}/recordings/{recording}/{file}': {
        200: (w) => w.get(w.file),
        206: (w) => w.get(w.file, { range: 'bytes=10-19' }),
        304: async (w) => w.get(w.file, { 'if-none-match': await w.etag(w.file) }),
        416: (w) => w.get(w.file, { range: 'bytes=999999999-' }),
    },
    'GET /api/v1/rooms/{room}/broadcasts': { 200: (w) => w.get(`${room}/broadcasts`) },
    'POST /api/v1/rooms/{room}/broadcasts': {
        201: (w) => madeAndEnded(w, `${room}/broadcasts`, { url: deafUrl(), layout: 'grid', audio: true, hears: { include: [] } }),
        400: (w) => w.json('POST', `${room}/broadcasts`, { url: deafUrl(), video: false, audio: false }),
        503: (w) => untilFull(w, `${room}/broadcasts`, { url: deafUrl() }),
    },
    'GET /api/v1/rooms/{room}/broadcasts/{broadcast}': { 200: (w) => w.get(w.broadcastPath) },
    'PATCH /api/v1/rooms/{room}/broadcasts/{broadcast}': {
        200: (w) => ofANewOne(w, `${room}/broadcasts`, { url: deafUrl() }, (path) => w.json('PATCH', path, {})),
        400: (w) => w.json('PATCH', w.broadcastPath, { layout: { name: 'x', regions: [{ fill: 'nobody there' }] } }),
        409: (w) => changeOfAnEnded(w, `${room}/broadcasts`, { url: deafUrl() }),
    },
    'DELETE /api/v1/rooms/{room}/broadcasts/{broadcast}': { 202: (w) => w.ask('DELETE', w.broadcastPath) },
    'GET /api/v1/rooms/{room}/sources': { 200: (w) => w.get(`${room}/sources`) },
    'POST /api/v1/rooms/{room}/sources': {
        201: (w) => madeAndEnded(w, `${room}/sources`, { pattern: 0, name: 'Bars' }),
        400: (w) => w.json('POST', `${room}/sources`, { pattern: 0, url: 'rtmp://a/b/c' }),
        503: (w) => untilFull(w, `${room}/sources`, { pattern: 0 }),
    },
    'GET /api/v1/rooms/{room}/sources/{source}': { 200: (w) => w.get(w.sourcePath) },
    'PATCH /api/v1/rooms/{room}/sources/{source}': {
        200: (w) => w.json('PATCH', w.sourcePath, { volume: -6 }),
        400: (w) => w.json('PATCH', w.sourcePath, { volume: 100 }),
    },
    'DELETE /api/v1/rooms/{room}/sources/{source}': {
        async 204(w) {
            const { id } = await (await w.json('POST', `${room}/sources`, { pattern: 0 })).json();
            return w.ask('DELETE', `${room}/sources/${id}`);
        },
    },
    'GET /hls/{room}/{layout}/{file}': {
        200: (w) =>
            waitFor(
                'HLS has begun',
                async () => {
                    const response = await w.get('/hls/walk/-/index.m3u8');
                    return response.status === 200 && response;
                },
                15000,
                500,
            ),
        503: (w) => w.get('/hls/walk/portrait/index.m3u8'),
    },
};

const layouts = {
    'GET /api/v1/layouts': { 200: (w) => w.get('/api/v1/layouts') },
    'PUT /api/v1/layouts/{name}': {
        201: (w) => w.json('PUT', '/api/v1/layouts/mine', DOCUMENT, { 'if-none-match': '*' }),
        200: (w) => w.json('PUT', '/api/v1/layouts/mine', OTHER),
        400: (w) => w.json('PUT', '/api/v1/layouts/mine', { name: 'mine', regions: [] }),
        412: (w) => w.json('PUT', '/api/v1/layouts/mine', DOCUMENT, changed),
        async 503(w) {
            for (let i = 0; i < 25; i++) {
                const response = await w.json('PUT', `/api/v1/layouts/more-${i}`, DOCUMENT.replace('mine', `more-${i}`));
                if (response.status !== 201) return response;
            }
            return null;
        },
    },
    'GET /api/v1/layouts/{name}': {
        200: (w) => w.get('/api/v1/layouts/grid'),
        304: async (w) => w.get('/api/v1/layouts/grid', { 'if-none-match': await w.etag('/api/v1/layouts/grid') }),
    },
    'GET /api/v1/layouts/{name}/preview': {
        200: (w) => w.get('/api/v1/layouts/1%2B5/preview?people=7&screens=1'),
        400: (w) => w.get('/api/v1/layouts/grid/preview?people=many'),
    },
    'DELETE /api/v1/layouts/{name}': {
        409: (w) => w.ask('DELETE', '/api/v1/layouts/grid'),
        412: (w) => w.ask('DELETE', '/api/v1/layouts/mine', changed),
        204: (w) => w.ask('DELETE', '/api/v1/layouts/mine'),
    },
    'GET /api/v1/images': { 200: (w) => w.get('/api/v1/images') },
    'PUT /api/v1/images/{name}': {
        201: (w) => w.ask('PUT', '/api/v1/images/logo', { type: 'image/png', body: PNG }),
        200: (w) => w.ask('PUT', '/api/v1/images/logo', { type: 'image/png', body: PNG }),
        400: (w) => w.ask('PUT', '/api/v1/images/logo', { type: 'image/png', body: PNG.subarray(0, 45) }),
        422: (w) => w.ask('PUT', '/api/v1/images/logo', { type: 'image/png', body: 'GIF89a, not really' }),
        503: (w) => w.ask('PUT', '/api/v1/images/more', { type: 'image/png', body: PNG }),
    },
    'GET /api/v1/images/{name}': { 200: (w) => w.get('/api/v1/images/logo') },
    'DELETE /api/v1/images/{name}': { 204: (w) => w.ask('DELETE', '/api/v1/images/logo') },
};

const restart = (pwd = 'p'.repeat(22)) => `a=ice-ufrag:u${Math.random().toString(36).slice(2, 8)}\r\na=ice-pwd:${pwd}\r\n`;

/** The same for both: kind is "whip" or "whep". */
function sessions(kind) {
    const patch = (w, body, headers) => w.ask('PATCH', w[kind].location, { type: FRAGMENT, body, ...headers });
    return {
        [`POST /${kind}/{room}`]: {
            async 201(w) {
                const response = await w.offer(kind);
                await w.ask('DELETE', response.headers.get('location'));
                return response;
            },
            400: (w) => w.offer(kind, '', 'junk'),
            403: (w) => w.during({ locked: true }, { locked: false }, () => lockedOut(w, kind)),
            413: (w) => w.offer(kind, '', `v=0\r\n${'a=x\r\n'.repeat(20000)}`),
            422: (w) => w.offer(kind, '?mode=forward'),
            503: (w) => w.during({ max_participants: 1 }, { max_participants: 20 }, () => w.offer(kind)),
        },
        [`PATCH /${kind}/{room}/{session}`]: {
            204: (w) => patch(w, '', { 'if-match': w[kind].etag }),
            200: (w) => w[kind].restart(),
            400: (w) => patch(w, restart('short'), { 'if-match': '*' }),
            409: (w) => atOnce(w, kind),
            412: (w) => patch(w, '', changed),
            413: (w) => patch(w, 'a'.repeat(9000), { 'if-match': '*' }),
            428: (w) => patch(w, ''),
            async 429(w) {
                for (let i = 0; i < 30; i++) {
                    const response = await patch(w, '', { 'if-match': '*' });
                    if (response.status !== 204) return response;
                }
                return null;
            },
        },
        [`DELETE /${kind}/{room}/{session}`]: { 200: (w) => w[kind].delete() },
    };
}

/** A token with control comes in everywhere, so it is asked for one without. */
function lockedOut(w, kind) {
    const token = signToken({ room: 'walk', grants: ['publish', 'view'] });
    return w.ask('POST', `/${kind}/walk`, { type: 'application/sdp', body: w[kind].pc.localDescription.sdp, ...(w.server.token ? { authorization: `Bearer ${token}` } : {}) });
}

/** Restarts of ICE while one is still being answered: of several at once, one comes in time sooner or later. */
async function atOnce(w, kind) {
    for (let i = 0; i < 40; i++) {
        const { headers } = await w.offer(kind);
        const where = headers.get('location');
        const all = await Promise.all(Array.from({ length: 8 }, () => w.ask('PATCH', where, { type: FRAGMENT, body: restart(), 'if-match': '*' })));
        await w.ask('DELETE', where);
        const found = all.find(({ status }) => status === 409);
        if (found) return found;
    }
    return null;
}

/** Answers to a WebSocket handshake, in the shape of a response. */
function upgrade(w, headers = {}) {
    const socket = new WebSocket(w.server.wsUrl, { headers });
    const answer = new Promise((resolve, reject) => {
        socket.on('unexpected-response', (_, response) => {
            let body = '';
            response.on('data', (chunk) => (body += chunk));
            response.on('end', () => resolve(new Response(body, { status: response.statusCode, headers: { 'content-type': response.headers['content-type'] } })));
        });
        socket.on('upgrade', () => resolve({ status: 101, headers: new Headers(), socket }));
        socket.on('error', reject);
    });
    return within('the handshake is answered', 5000, answer);
}

const operations = {
    'GET /ws': {
        async 101(w) {
            const response = await upgrade(w);
            response.socket.close();
            return response;
        },
        403: (w) => upgrade(w, { origin: 'https://elsewhere.example' }),
        426: (w) => w.get('/ws'),
        async 429(w) {
            const strangers = await Promise.all(Array.from({ length: 40 }, () => upgrade(w)));
            for (const { socket } of strangers) socket?.close();
            return strangers.find(({ status }) => status === 429) ?? null;
        },
    },
    'GET /healthz': { 200: (w) => w.get('/healthz') },
    'GET /metrics': { 200: (w) => w.get('/metrics') },
};

const questions = { ...rooms, ...media, ...layouts, ...sessions('whip'), ...sessions('whep'), ...operations };

// --- what is the same for many operations

const large = 'x'.repeat(300000);

/** The path with something that is not there. */
function missing(path) {
    if (path.includes('{participant}')) return path.replace('{room}', 'walk').replace('{participant}', 'nobody');
    if (path.includes('{session}')) return path.replace('{room}', 'walk').replace('{session}', NOWHERE);
    if (/\{(recording|broadcast|source)\}/.test(path)) return path.replace('{room}', 'walk').replace(/\{(recording|broadcast|source)\}/, 'none').replace('{file}', 'none.mp4');
    if (path.includes('{layout}')) return '/hls/walk/none/index.m3u8';
    return path.replace('{room}', 'nowhere').replace('{name}', 'none');
}

const present = (path, w) =>
    path.replace('{room}', 'walk').replace('{participant}', w.ada.id).replace('{session}', w[path.slice(1, 5)]?.location?.split('/').pop()).replace('{name}', 'mine')
        .replace('{recording}', w.recording).replace('{broadcast}', w.broadcast).replace('{source}', w.source)
        .replace('{layout}', '-').replace('{file}', path.startsWith('/hls') ? 'index.m3u8' : w.file.split('/').pop());

function bodyOf({ method, path }) {
    if (method === 'GET' || method === 'DELETE') return {};
    if (path.includes('{session}')) return { type: FRAGMENT, body: '', 'if-match': '*' };
    if (path.startsWith('/wh')) return { type: 'application/sdp', body: 'v=0\r\n' };
    return path.includes('/images/') ? { type: 'image/png', body: PNG } : { type: JSON_TYPE, body: '{}' };
}

const common = {
    404: (w, operation) => w.ask(operation.method, missing(operation.path), bodyOf(operation)),
    413: (w, operation) => w.ask(operation.method, present(operation.path, w), { ...bodyOf(operation), body: large }),
    415: (w, operation) => w.ask(operation.method, present(operation.path, w), { 'if-match': '*', type: 'text/plain', body: 'x' }),
};

/** 401 and 403 of tokens: only where auth.secret is set. */
const forTokens = {
    401: (w, operation) =>
        w.server.anonymous(present(operation.path, w), { method: operation.method, headers: operation.method === 'GET' ? {} : { 'content-type': bodyOf(operation).type ?? '' }, body: bodyOf(operation).body }),
    403: (w, operation) => {
        const { body, type } = bodyOf(operation);
        const authorization = `Bearer ${signToken({ room: 'elsewhere', grants: ['publish', 'view', 'control'] })}`;
        return w.ask(operation.method, present(operation.path, w), { body, type, authorization });
    },
};

/** Those that only a server that is going away gives. */
const whenDraining = new Set(['GET /healthz 503', 'GET /ws 503']);

// --- the walk

async function assertAsDescribed(operation, status, response) {
    const told = `${operation.name} ${status}`;
    assert.ok(response, `${told}: it never came`);
    assert.equal(response.status, Number(status), `${told}: ${response.status} ${response.status >= 400 ? await response.clone().text() : ''}`);
    const { headers = {}, content = {} } = operation.responses[status];
    if (!(operation.method === 'PUT' && response.status === 200))
        for (const [header, { $ref }] of Object.entries(headers))
            assert.ok(response.headers.has(header) || !description.find($ref).required, `${told}: no ${header}`);
    const types = Object.keys(content);
    if (!types.length) return;
    const type = response.headers.get('content-type')?.split(';')[0];
    assert.ok(types.includes(type), `${told}: ${type} is not among ${types}`);
    if (!type.endsWith('json')) return void (response.bodyUsed || (await response.body?.cancel()));
    const value = await response.json();
    assert.deepEqual(description.problems(content[type].schema, value, told), []);
    if (type === 'application/problem+json') assert.equal(value.status, Number(status), told);
}

/** How many answers were looked at; null: nothing here knows how to ask for it. */
async function walk(world, operation, status) {
    const own = questions[operation.name]?.[status];
    const token = world.server.token && !operation.open ? forTokens[status] : null;
    if (!own && status in forTokens && !token) return operation.open ? null : 0; // nobody is asked for a token here
    if (!own && !token && !common[status]) return null;
    if (token) await assertAsDescribed(operation, status, await token(world, operation));
    if (own || !token) await assertAsDescribed(operation, status, await (own ?? common[status])(world, operation));
    return own && token ? 2 : 1;
}

before(async () => {
    const open = await Server.start(LIMITS);
    description = new Description(parseYaml(await (await open.fetch('/openapi.yaml')).text()));
    await World.make('without auth.secret', open);
    await World.make('with auth.secret', await Server.startClosed(LIMITS));
});

after(async () => {
    await Promise.all(worlds.map((world) => world.end()));
});

// What is asked first leaves what is asked later: in the order of `questions`, deletions last.
for (const i of [0, 1])
    test(`every operation answers as described, ${i ? 'with' : 'without'} auth.secret`, async (t) => {
        const world = worlds[i];
        const names = Object.keys(questions);
        const all = description.operations().sort((a, b) => (a.method === 'DELETE') - (b.method === 'DELETE') || names.indexOf(a.name) - names.indexOf(b.name));
        assert.ok(all.length >= 30, `${all.length} operations`);
        let count = 0;
        for (const operation of all) {
            const order = Object.keys(operation.responses).sort((a, b) => rank(operation, a) - rank(operation, b));
            for (const status of order) {
                if (whenDraining.has(`${operation.name} ${status}`)) continue;
                const asked = await walk(world, operation, status);
                assert.notEqual(asked, null, `nothing here asks for ${operation.name} ${status}`);
                count += asked;
            }
        }
        t.diagnostic(`${all.length} operations, ${count} answers`);
    });

/** Objects with whole-number keys are read in numeric order; what has to come first is said here. */
function rank(operation, status) {
    const last = operation.name.endsWith('{session}') ? ['409', '429'] : ['503'];
    if (operation.method === 'DELETE') return status.startsWith('2') ? 2 : 1;
    if (status === '201') return 0;
    return last.includes(status) ? 3 + Number(status) / 1000 : 1;
}

test('a server that is going away says so', async () => {
    const server = await Server.start({ 'server.drain_seconds': 10 });
    const bob = await new RoomPeer(PEOPLE.bob).join(server, 'drain');
    const offer = bob.pc.localDescription.sdp;
    const stopped = server.stop();
    await waitFor('it drains', () => bob.events.some(({ event }) => event === 'draining'), 5000);
    const by = Object.fromEntries(description.operations().map((operation) => [operation.name, operation]));
    await assertAsDescribed(by['GET /healthz'], '503', await server.fetch('/healthz'));
    await assertAsDescribed(by['GET /ws'], '503', await upgrade({ server }));
    for (const kind of ['whip', 'whep']) {
        const response = await server.fetch(`/${kind}/other`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: offer });
        await assertAsDescribed(by[`POST /${kind}/{room}`], '503', response);
    }
    bob.leave();
    await stopped;
});
