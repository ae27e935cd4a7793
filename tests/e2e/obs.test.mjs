// OBS Studio, as Debian has it, streams into a room: it is seen and heard, it may stop and come back, a key
// that is refused is told to it, and its sudden end is noticed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Obs } from './lib/obs.mjs';
import { ffmpeg, killAll, succeeds } from './lib/programs.mjs';
import { Server } from './lib/server.mjs';
import { signToken } from './lib/token.mjs';
import { nowMs, waitFor } from './lib/wait.mjs';

const ROOM = 'studio';
const NAME = 'Studio';
const RGB = [200, 40, 90];
const api = `/api/v1/rooms/${ROOM}`;

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-obs-'));
let server;
let obs;

async function studio() {
    const response = await server.fetch(`${api}/participants`);
    return response.status === 404 ? undefined : (await response.json()).participants.find((one) => one.name === NAME);
}

const sends = () => waitFor(`${NAME} sends`, async () => {
    const one = await studio();
    return one?.video.sending && one?.audio.sending && one;
}, 15000, 50);

const hasLeft = () => waitFor(`${NAME} has left`, async () => !(await studio()), 10000, 50);

/** Red, green and blue in the middle of what the room shows. */
async function shown() {
    const file = path.join(dir, 'snapshot.png');
    writeFileSync(file, Buffer.from(await (await server.fetch(`${api}/snapshot.png`)).arrayBuffer()));
    const middle = 'crop=iw/4:ih/4,scale=1:1:flags=area,format=rgb24';
    return [...await succeeds('the middle', ffmpeg('-i', file, '-frames:v', '1', '-vf', middle, '-f', 'rawvideo', '-'))];
}

const looksRight = (pixel) => pixel.every((value, i) => Math.abs(value - RGB[i]) <= 12);

before(async () => {
    server = await Server.startClosed({ 'rtmp.listen': '127.0.0.1:0' });
});

after(async () => {
    await obs?.kill();
    killAll();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('OBS streams into a room, in picture and sound', async (t) => {
    const from = nowMs();
    obs = await Obs.start(path.join(dir, 'home'), { server: `${server.rtmp}/${ROOM}`, key: `${NAME}?token=${server.token}`, rgb: RGB });
    const one = await sends();
    t.diagnostic(`in the room ${((nowMs() - from) / 1000).toFixed(1)} s after its start`);
    assert.equal(one.client, 'rtmp');
    let pixel;
    await waitFor('its colour is shown', async () => looksRight((pixel = await shown())), 10000, 200).catch((error) => {
        throw new Error(`${error.message}: ${pixel}`);
    });
    const { feed } = await waitFor('it is heard and decoded', async () => {
        const stats = (await server.json(`${api}/stats`)).participants[one.id];
        return stats.feed.video.decoded > 0 && stats.feed.audio.packets > 20 && stats;
    });
    assert.deepEqual([feed.video.codec, feed.audio.codec, feed.damaged], ['h264', 'aac', 0]);
    t.diagnostic(`shown as ${pixel}, ${JSON.stringify(feed)}`);
});

test('OBS stops, and streams again', async (t) => {
    const before = (await studio()).id;
    await obs.stopStreaming();
    await hasLeft();
    await waitFor('OBS has stopped', async () => !(await obs.status()).outputActive);
    const from = nowMs();
    await obs.startStreaming();
    const one = await sends();
    t.diagnostic(`back after ${(nowMs() - from).toFixed(0)} ms`);
    assert.notEqual(one.id, before);
    await waitFor('its colour is shown', async () => looksRight(await shown()), 10000, 200);
});

test('a key that is refused is told to OBS', async () => {
    await obs.stopStreaming();
    await waitFor('OBS has stopped', async () => !(await obs.status()).outputActive);
    await hasLeft();
    await obs.setKey(`${server.rtmp}/${ROOM}`, `${NAME}?token=${signToken({ grants: ['view'] })}`);
    await obs.startStreaming();
    await waitFor('OBS is told', () => /NetStream\.Publish\.Denied \(The token does not allow this here.*\)/.test(obs.log));
    assert.equal(await studio(), undefined);
});

test('the sudden end of OBS is noticed', async () => {
    await obs.setKey(`${server.rtmp}/${ROOM}`, `${NAME}?token=${server.token}`);
    await obs.startStreaming();
    await sends();
    await obs.kill();
    await hasLeft();
});
