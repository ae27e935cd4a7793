// SRT out and in, and RTSP in, with Debian's ffmpeg at the other end.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts } from './lib/nginx.mjs';
import { end, ffmpeg, killAll, start, succeeds } from './lib/programs.mjs';
import { RtspCamera } from './lib/rtsp.mjs';
import { Server } from './lib/server.mjs';
import { pause, waitFor } from './lib/wait.mjs';

const ROOM = 'contribution';
const api = `/api/v1/rooms/${ROOM}`;
const PICTURE = 'testsrc2=size=640x360:rate=30';
const SOUND = 'sine=frequency=500:sample_rate=48000';
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30', '-c:a', 'aac'];

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-srt-'));
let server;

const post = (where, body) => server.fetch(where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

async function made(where, body) {
    const response = await post(where, body);
    assert.equal(response.status, 201, await response.clone().text());
    return response.json();
}

before(async () => {
    server = await Server.start({ 'broadcast.allowed_networks': '127.0.0.0/8', 'source.allowed_networks': '127.0.0.0/8' });
    await made('/api/v1/rooms', { id: ROOM });
    await made(`${api}/sources`, { pattern: 0 });
});

after(async () => {
    await server?.stop();
    killAll();
    rmSync(dir, { recursive: true, force: true });
});

test('a broadcast by SRT is received and decodes', async (t) => {
    const [port] = await freePorts(1);
    const file = path.join(dir, 'received.ts');
    const receiver = ffmpeg('-i', `srt://127.0.0.1:${port}?mode=listener`, '-t', '4', '-c', 'copy', file);
    await pause(500); // it listens
    const { id } = await made(`${api}/broadcasts`, { url: `srt://127.0.0.1:${port}` });
    await succeeds('ffmpeg receives it', receiver);
    const { state, bytes } = await server.json(`${api}/broadcasts/${id}`);
    t.diagnostic(`${state}, ${bytes} bytes`);
    const { streams } = JSON.parse(await succeeds('ffprobe', start('ffprobe', ['-loglevel', 'error', '-show_streams', '-of', 'json', file])));
    assert.deepEqual(streams.map(({ codec_name: name }) => name).sort(), ['aac', 'h264']);
    assert.equal(streams.find(({ width }) => width).width, 1280);
    await succeeds('it decodes', ffmpeg('-i', file, '-f', 'null', '-'));
    assert.equal((await server.fetch(`${api}/broadcasts/${id}`, { method: 'DELETE' })).status, 202);
});

/** It is seen and heard as a participant. */
async function takes(url) {
    const { id } = await made(`${api}/sources`, { url });
    await waitFor(`${url} sends`, async () => {
        const { participants } = await server.json(`${api}/participants`);
        const source = participants.find((one) => one.id === id);
        return source?.video.sending && source.audio.sending;
    }, 20000, 100);
    assert.equal((await server.fetch(`${api}/sources/${id}`, { method: 'DELETE' })).status, 204);
}

test('a source by SRT joins in', async () => {
    const [port] = await freePorts(1);
    const sender = ffmpeg('-re', '-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', SOUND, ...ENCODE, '-f', 'mpegts', `srt://127.0.0.1:${port}?mode=listener`);
    await pause(1000); // it listens
    await takes(`srt://127.0.0.1:${port}`);
    await end(sender);
});

test('a source by RTSP joins in', async (t) => {
    const camera = await RtspCamera.start(PICTURE, SOUND);
    t.after(() => camera.stop());
    await takes(camera.url);
});
