// What is left of a recording when the server ends, in order or not: files that every player takes.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Chromium } from './lib/browsers.mjs';
import { ffmpeg, killAll, start, succeeds } from './lib/programs.mjs';
import { Server } from './lib/server.mjs';
import { waitFor } from './lib/wait.mjs';

const ROOM = 'kept';
const api = `/api/v1/rooms/${ROOM}`;
const KILL_AFTER_S = (process.env.TESSERA_KILL_AFTER_S ?? '1,5').split(',').map(Number);

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-recorded-'));
let browser;

before(async () => {
    browser = await Chromium.launch();
});

after(async () => {
    await browser?.close();
    killAll();
    rmSync(dir, { recursive: true, force: true });
});

async function made(server, where, body) {
    const response = await server.fetch(where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(response.status, 201, await response.clone().text());
    return response.json();
}

/** A server with its own directory of recordings, and its settings, to start it again. */
async function startIn(name) {
    const settings = { 'record.dir': path.join(dir, name), 'record.min_free_mb': 1 };
    return { settings, server: await Server.start(settings) };
}

/** A moving picture is recorded for so long; resolves to how long that was. */
async function recordFor(server, seconds) {
    await made(server, '/api/v1/rooms', { id: ROOM });
    await made(server, `${api}/sources`, { pattern: 0 });
    const { id } = await made(server, `${api}/recordings`, {});
    const { duration } = await waitFor(`${seconds} s are recorded`, async () => {
        const now = await server.json(`${api}/recordings/${id}`);
        return now.duration > seconds + 0.5 && now; // the first fragment is written
    }, (seconds + 15) * 1000);
    return duration;
}

async function probe(file) {
    const { streams, format } = JSON.parse(await succeeds('ffprobe', start('ffprobe', ['-loglevel', 'error', '-show_streams', '-show_format', '-of', 'json', file])));
    return { kinds: streams.map(({ codec_type: kind }) => kind).sort(), seconds: Number(format.duration) };
}

/** Plays what a <video> shows: its size, its length, and whether it can be sought to its end. */
function playInPage(url) {
    return new Promise((resolve, reject) => {
        const video = document.createElement('video');
        document.body.append(video);
        video.muted = true;
        video.onerror = () => reject(new Error(video.error.message));
        video.onloadedmetadata = () => {
            video.currentTime = video.duration - 0.2;
        };
        video.onseeked = () => video.play();
        video.onended = () => resolve({ width: video.videoWidth, seconds: video.duration, frames: video.getVideoPlaybackQuality().totalVideoFrames });
        video.src = url;
    });
}

async function playEverywhere(file, url, server) {
    await succeeds('ffmpeg decodes it', ffmpeg('-xerror', '-i', file, '-f', 'null', '-'));
    await succeeds('mpv plays it', start('mpv', ['--no-config', '--vo=null', '--ao=null', '--ao-null-untimed', '--untimed', '--msg-level=all=error', file]));
    const tab = await browser.tab('player');
    await tab.open(server.base);
    const { width, frames } = await tab.evaluate(playInPage, url);
    assert.equal(width, 1280);
    assert.ok(frames > 0);
    await tab.close();
}

async function download(server, name) {
    const file = path.join(dir, `kept-${name}`);
    const response = await server.fetch(`${api}/recordings/-/${name}`);
    assert.equal(response.status, 200);
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    return file;
}

for (const seconds of KILL_AFTER_S) {
    test(`what was recorded until kill -9 after ${seconds} s is there after the next start`, async (t) => {
        const first = await startIn(`killed-${seconds}`);
        const duration = await recordFor(first.server, seconds);
        await first.server.kill();
        const server = await Server.start(first.settings);
        t.after(() => server.stop());
        const found = await waitFor('it is recovered', async () => {
            const response = await server.fetch(`${api}/recordings`);
            return response.ok && (await response.json()).files[0];
        });
        assert.ok(found.recovered);
        const file = await download(server, found.name);
        const facts = await probe(file);
        t.diagnostic(`${facts.seconds} s of ${duration} s are kept`);
        assert.deepEqual(facts.kinds, ['audio', 'video']);
        assert.ok(facts.seconds > duration - 2, `${facts.seconds} s of ${duration} s are kept`);
        await playEverywhere(file, `${server.base}${api}/recordings/-/${found.name}`, server);
    });
}

test('SIGTERM ends a recording in order', async (t) => {
    const first = await startIn('ended');
    const duration = await recordFor(first.server, 3);
    await first.server.stop(); // it asserts status 0
    const names = readdirSync(first.settings['record.dir']);
    assert.deepEqual(names.filter((name) => name.endsWith('.part')), []);
    const file = path.join(first.settings['record.dir'], names.find((name) => name.endsWith('.mp4')));
    const { kinds, seconds } = await probe(file);
    t.diagnostic(`${seconds} s, ${duration} s of them before SIGTERM`);
    assert.deepEqual(kinds, ['audio', 'video']);
    assert.ok(seconds >= duration - 0.1);
    const server = await Server.start(first.settings);
    t.after(() => server.stop());
    const { files } = await server.json(`${api}/recordings`);
    assert.equal(files[0].recovered, false);
    await playEverywhere(file, `${server.base}${api}/recordings/-/${files[0].name}`, server);
});
