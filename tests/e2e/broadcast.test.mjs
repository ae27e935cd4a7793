// Broadcasts to Debian's nginx with its RTMP module, which comes late, dies, stands still and refuses:
// the states are right, the stream comes back at a key frame, and the mix never notices.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts, Nginx } from './lib/nginx.mjs';
import { ffmpeg, killAll, selfSigned, start, succeeds } from './lib/programs.mjs';
import { Server } from './lib/server.mjs';
import { pause, waitFor } from './lib/wait.mjs';

const ROOM = 'show';
const api = `/api/v1/rooms/${ROOM}`;
// How long the reader stands still: longer than what the sockets hold, and than a destination may be silent.
const STALL_MS = Number(process.env.TESSERA_STALL_MS ?? 13000);
const OUTAGE_MS = Number(process.env.TESSERA_OUTAGE_MS ?? 3000);

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-broadcast-'));
const tls = selfSigned(dir);
const allowed = { 'broadcast.allowed_networks': '127.0.0.0/8,::1/128' };
let server;
let bystander; // mixes and encodes the same, and broadcasts nothing: what the machine itself is late
let nginx;
const asked = []; // keys that nginx asked about
let verdict = 200; // what it is answered

/** What on_publish of nginx asks. */
const gate = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => (text += data));
    request.on('end', () => {
        asked.push(new URLSearchParams(text).get('name'));
        response.writeHead(verdict).end();
    });
});

const send = (method, where, body, on = server) =>
    on.fetch(where, { method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });

async function broadcast(url, on = server, wish = {}) {
    const response = await send('POST', `${api}/broadcasts`, { url, ...wish }, on);
    assert.equal(response.status, 201, await response.clone().text());
    return `${api}/broadcasts/${(await response.json()).id}`;
}

async function reaches(where, state, timeoutMs = 15000, on = server) {
    let told;
    await waitFor(`${where} is ${state}`, async () => (told = await on.json(where)).state === state, timeoutMs, 50).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(told)}`);
    });
    return told;
}

const flows = async (where) => {
    const { bytes } = await server.json(where);
    await waitFor(`${where} flows`, async () => (await server.json(where)).bytes > bytes + 20000, 15000, 50);
};

const ended = async (where) => {
    assert.equal((await send('DELETE', where)).status, 202);
    return reaches(where, 'finished');
};

const metrics = (on = server) => on.metrics();

/** What the mix missed, and what it takes. */
async function missed() {
    await bystander.fetch(`/hls/${ROOM}/-/index.m3u8`); // it goes on for half a minute after each request
    const [now, other] = [await metrics(), await metrics(bystander)];
    const late = (of) => of.tessera_audio_late_ticks_total + of.tessera_audio_skipped_ticks_total;
    return { late: late(now), machine: late(other), ticks: now.tessera_audio_ticks_total, memory: now.process_resident_memory_bytes };
}

/** Nothing but the noise of the machine: two ticks in a hundred, and twice what the bystander misses. */
function unaffected(t, what, from, to) {
    const [ticks, late, machine] = ['ticks', 'late', 'machine'].map((name) => to[name] - from[name]);
    const grown = (to.memory - from.memory) / 2 ** 20;
    t.diagnostic(`${what}: ${late} of ${ticks} ticks missed, ${machine} by a bystander; ${grown.toFixed(1)} MiB more memory`);
    assert.ok(late <= ticks / 50 + 2 * machine, `${what}: ${late} of ${ticks} ticks were missed, ${machine} by a bystander`);
    assert.ok(grown < 48, `${what}: ${grown} MiB more memory`);
}

/** What a player gets of nginx now: its first picture is a key frame, and it decodes. */
async function plays(url) {
    const file = path.join(dir, 'played.flv');
    await succeeds('nginx is played', ffmpeg('-rw_timeout', '8000000', '-i', url, '-t', '2', '-c', 'copy', file));
    const text = String(await succeeds('ffprobe', start('ffprobe', ['-loglevel', 'error', '-select_streams', 'v', '-show_entries', 'packet=flags', '-of', 'csv=p=0', file])));
    assert.match(text, /^K/, 'the first picture is a key frame');
    await succeeds('it decodes', ffmpeg('-xerror', '-i', file, '-f', 'null', '-'));
}

/** The kinds of streams that ffmpeg takes, and that decode. */
async function kinds(input) {
    const file = path.join(dir, 'taken.mkv');
    await succeeds('it is taken', ffmpeg(...input, '-t', '2', '-c', 'copy', file));
    await succeeds('it decodes', ffmpeg('-xerror', '-i', file, '-f', 'null', '-'));
    const text = String(await succeeds('ffprobe', start('ffprobe', ['-loglevel', 'error', '-show_entries', 'stream=codec_type', '-of', 'csv=p=0', file])));
    return text.trim().split(/\s+/).sort();
}

before(async () => {
    const [rtmp, rtmps] = await freePorts(2);
    await new Promise((resolve) => gate.listen(0, '127.0.0.1', resolve));
    nginx = new Nginx(path.join(dir, 'nginx'), { rtmp, rtmps }, tls, `http://127.0.0.1:${gate.address().port}/`);
    server = await Server.start({ ...allowed, 'broadcast.ca_file': tls.certificate });
    bystander = await Server.start();
    for (const on of [server, bystander]) {
        assert.equal((await send('POST', '/api/v1/rooms', { id: ROOM }, on)).status, 201);
        assert.equal((await send('POST', `${api}/sources`, { pattern: 0 }, on)).status, 201);
    }
    await missed();
});

after(async () => {
    await nginx?.remove();
    killAll();
    gate.close();
    await server?.stop();
    await bystander?.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('a destination that is not there fails at once, with the reason', async () => {
    const told = await reaches(await broadcast(`${nginx.url}/live/early`), 'failed');
    assert.match(told.error, /refused|connect/i);
    assert.equal(told.reconnects, 0);
});

test('a refused key is told, and not tried for ever', async () => {
    await nginx.start();
    const told = await reaches(await broadcast(`${nginx.url}/closed/secret-key`), 'failed');
    assert.match(told.error, /closed the connection .*; check the stream key\.$/);
    assert.ok(!JSON.stringify(told).includes('secret-key'), 'the key is not shown');
    assert.ok(!server.output.includes('secret-key'), 'the key is not logged');
});

test('nginx asks somebody (on_publish), who says no: that is told, and not tried again', async () => {
    verdict = 403;
    const told = await reaches(await broadcast(`${nginx.url}/asked/secret-key`), 'failed');
    assert.equal(told.error, 'The destination closed the connection instead of accepting the stream; check the stream key.');
    assert.deepEqual(asked.splice(0), ['secret-key']);
    assert.equal(told.reconnects, 0);
    assert.ok(!JSON.stringify(told).includes('secret-key'), 'the key is not shown');
    assert.ok(!server.output.includes('secret-key'), 'the key is not logged');

    verdict = 200;
    const where = await broadcast(`${nginx.url}/asked/good-key`);
    await reaches(where, 'running');
    await flows(where);
    assert.deepEqual(asked.splice(0), ['good-key']);
    await ended(where);
});

for (const [left, wish] of [['audio', { video: false }], ['video', { audio: false }]]) {
    test(`RTMP of ${left} alone`, async () => {
        const where = await broadcast(`${nginx.url}/live/${left}`, server, wish);
        const told = await reaches(where, 'running');
        assert.deepEqual([told.video, told.audio], [left === 'video', left === 'audio']);
        await flows(where);
        assert.deepEqual(await kinds(['-rw_timeout', '8000000', '-i', `${nginx.url}/live/${left}`]), [left]);
        const patched = await send('PATCH', where, { layout: 'grid' });
        assert.equal(patched.status, left === 'video' ? 200 : 409, await patched.text());
        await ended(where);
    });

    test(`SRT of ${left} alone`, async () => {
        const [port] = await freePorts(1);
        const taken = kinds(['-i', `srt://127.0.0.1:${port}?mode=listener&timeout=15000000`]);
        await pause(1000); // until it listens: a broadcast that never worked is not tried again
        const where = await broadcast(`srt://127.0.0.1:${port}`, server, wish);
        assert.deepEqual(await taken, [left]);
        await send('DELETE', where);
    });
}

test('a destination that dies is connected again and resumes at a key frame', async (t) => {
    const where = await broadcast(`${nginx.url}/live/show`);
    await reaches(where, 'running');
    await flows(where);
    await plays(`${nginx.url}/live/show`);
    await pause(2500); // it counts as one that works
    const from = await missed();
    await nginx.kill();
    await reaches(where, 'retrying');
    assert.equal((await metrics())['tessera_outputs{kind="broadcast",state="retrying"}'], 1);
    await pause(OUTAGE_MS);
    assert.equal((await server.json(where)).state, 'retrying');
    await nginx.start();
    const told = await reaches(where, 'running', 40000);
    assert.ok(told.reconnects >= 1);
    await flows(where);
    await plays(`${nginx.url}/live/show`);
    unaffected(t, `killed for ${OUTAGE_MS} ms`, from, await missed());
    t.diagnostic(`${told.reconnects} reconnects, ${told.dropped} packets dropped`);
    await ended(where);
});

test('a destination that stands still costs its own stream only', async (t) => {
    const where = await broadcast(`${nginx.url}/live/slow`);
    await reaches(where, 'running');
    await pause(3500);
    const from = await missed();
    nginx.signal('SIGSTOP');
    try {
        await pause(STALL_MS);
    } finally {
        nginx.signal('SIGCONT');
    }
    const during = await server.json(where);
    unaffected(t, `stopped for ${STALL_MS} ms`, from, await missed());
    t.diagnostic(`then ${during.state}, ${during.dropped} packets dropped`);
    assert.ok(['running', 'retrying'].includes(during.state), JSON.stringify(during));
    await reaches(where, 'running', 40000);
    await flows(where);
    await plays(`${nginx.url}/live/slow`);
    await ended(where);
});

test('RTMPS: a certificate that is trusted, and one that is not', async () => {
    const good = await broadcast(`rtmps://localhost:${nginx.ports.rtmps}/live/safe`);
    await reaches(good, 'running');
    await flows(good);
    await ended(good);
    const strict = await Server.start(allowed);
    try {
        assert.equal((await send('POST', '/api/v1/rooms', { id: ROOM }, strict)).status, 201);
        const bad = await broadcast(`rtmps://localhost:${nginx.ports.rtmps}/live/unsafe`, strict);
        const told = await reaches(bad, 'failed', 15000, strict);
        assert.match(told.error, /certificate/i);
    } finally {
        await strict.stop();
    }
});
