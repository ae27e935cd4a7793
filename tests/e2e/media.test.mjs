// What comes into a room by RTMP and from files, and what goes out of it as RTMP, HLS, recordings and
// broadcasts, with Debian's ffmpeg as encoder and player. The encoder sends a flash and a beep each
// second: whoever gets the room must see and hear them together.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ffmpeg, killAll, start, succeeds } from './lib/programs.mjs';
import { Server } from './lib/server.mjs';
import { signToken } from './lib/token.mjs';
import { beepOnsets, RATE } from './lib/tones.mjs';
import { median, nowMs, pause, waitFor, within } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const ROOM = 'media';
const api = `/api/v1/rooms/${ROOM}`;
const BEEP_HZ = 2600;
const LIP_SYNC_MS = 45;
const FLASH = 'drawbox=x=272:y=170:w=96:h=72:color=white:t=fill:enable=lt(mod(t\\,1)\\,0.1)';
const PICTURE = `color=c=0x204060:size=640x360:rate=30,${FLASH}`;
const SOUND = `aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,0.4*sin(2*PI*${BEEP_HZ}*t)\\,0):s=44100`;
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30', '-c:a', 'aac', '-ac', '2'];

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-media-'));
const media = { 'rtmp.listen': '127.0.0.1:0', 'record.dir': path.join(dir, 'recordings'), 'source.media_dir': dir, 'record.min_free_mb': 1 };
let server;

/** An encoder like OBS: end() stops it in order. */
function publish(url, seconds = 600) {
    const { child, done } = ffmpeg('-re', '-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', SOUND, '-t', String(seconds), ...ENCODE, '-f', 'flv', url);
    const end = async () => {
        child.kill('SIGINT');
        await done;
    };
    return { child, done, end };
}

const send = (method, where, body, on = server) =>
    on.fetch(where, { method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });

async function made(where, body, on = server) {
    const response = await send('POST', where, body, on);
    assert.equal(response.status, 201, await response.clone().text());
    return response.json();
}

async function person(name, on = server, where = api) {
    const response = await on.fetch(`${where}/participants`);
    if (response.status === 404) return undefined; // no such room yet
    return (await response.json()).participants.find((one) => one.name === name);
}

const sends = (name, on, where) => waitFor(`${name} sends`, async () => (await person(name, on, where))?.video.sending, 15000, 100);

async function probe(file) {
    const text = await succeeds(`ffprobe ${file}`, start('ffprobe', ['-loglevel', 'error', '-show_streams', '-show_format', '-of', 'json', file]));
    const { streams, format } = JSON.parse(text);
    const [video, audio] = ['video', 'audio'].map((kind) => streams.find((one) => one.codec_type === kind));
    return { video, audio, seconds: Number(format.duration) };
}

/** Milliseconds by which each flash of a file comes after its beep. */
async function lipSyncs(file) {
    const { video } = await probe(file);
    const [x, y] = [Math.round(video.width / 2 - 8), Math.round((video.height * 206) / 360 - 8)];
    const looks = `crop=16:16:${x}:${y},signalstats,metadata=print:file=-:key=lavfi.signalstats.YAVG`;
    const text = String(await succeeds('the pictures are looked at', ffmpeg('-i', file, '-map', '0:v', '-vf', looks, '-f', 'null', '-')));
    const sound = await succeeds('the sound is listened to', ffmpeg('-i', file, '-map', '0:a', '-af', 'aresample=async=1:min_hard_comp=0.005:first_pts=0', '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'));
    const samples = new Int16Array(sound.buffer.slice(sound.byteOffset, sound.byteOffset + (sound.length & ~1)));
    const beeps = beepOnsets(samples, BEEP_HZ).map((at) => (at * 1000) / RATE);
    const flashes = [];
    let lit = true;
    for (const [, at, luma] of text.matchAll(/pts_time:([\d.]+)\s+lavfi\.signalstats\.YAVG=([\d.]+)/g)) {
        if (Number(luma) > 125 && !lit) flashes.push(Number(at) * 1000);
        lit = Number(luma) > 125;
    }
    return pairs(flashes, beeps);
}

/** How much later than its beep each flash comes; those without a beep within half a second are left out. */
function pairs(flashes, beeps) {
    const found = [];
    for (const flash of flashes) {
        const nearest = beeps.reduce((best, beep) => (Math.abs(beep - flash) < Math.abs(best - flash) ? beep : best), Infinity);
        if (Math.abs(nearest - flash) < 500) found.push(flash - nearest);
    }
    return found;
}

function inStep(t, what, syncs, atLeast) {
    t.diagnostic(`${what}: pictures after sound, median ${median(syncs).toFixed(1)} ms of ${syncs.map((ms) => ms.toFixed(0))}`);
    assert.ok(syncs.length >= atLeast, `${what}: ${syncs.length} flashes with a beep`);
    assert.ok(Math.abs(median(syncs)) <= LIP_SYNC_MS, `${what}: ${median(syncs)} ms`);
}

/** 64 x 36 grey samples of a picture, or of a film's picture at a time. */
const thumbnail = (file, at = []) => succeeds('a small picture', ffmpeg(...at, '-i', file, '-frames:v', '1', '-vf', 'scale=64:36:flags=area,format=gray', '-f', 'rawvideo', '-'));

function difference(a, b) {
    assert.equal(a.length, 64 * 36);
    assert.equal(b.length, a.length);
    return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}

async function waitForEnd(where, on = server) {
    return waitFor(`${where} has ended`, async () => {
        const output = await on.json(where);
        return ['finished', 'failed'].includes(output.state) && output;
    });
}

before(async () => {
    server = await Server.start(media);
});

after(async () => {
    killAll();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('who publishes by RTMP is seen and heard in step, by WebRTC, RTMP and HLS', async (t) => {
    const encoder = publish(`${server.rtmp}/${ROOM}/Cam`);
    const viewer = new RoomPeer(PEOPLE.ada, { send: false });
    try {
        await sends('Cam');
        assert.equal((await person('Cam')).client, 'rtmp');
        await viewer.join(server, ROOM, { join: { publish: false } });
        const cam = await person('Cam');
        await waitFor('the viewer sees Cam', () => viewer.eye.last?.tiles.has(cam.id), 15000);
        const since = nowMs() + 1500;
        await pause(8000);
        const flashes = [];
        let lit = true;
        for (const { at, tiles } of viewer.eye.since(since)) {
            const flash = tiles.get(cam.id)?.flash;
            if (flash && !lit) flashes.push(at);
            lit = flash;
        }
        const { samples, startMs } = viewer.ear.recording(since);
        inStep(t, 'WebRTC', pairs(flashes, beepOnsets(samples, BEEP_HZ).map((at) => startMs + (at * 1000) / RATE)), 4);

        const played = path.join(dir, 'played.mkv');
        await succeeds('an RTMP player', ffmpeg('-i', `${server.rtmp}/${ROOM}/room`, '-t', '6', '-c', 'copy', played));
        const { video, audio } = await probe(played);
        assert.deepEqual([video.codec_name, video.width, video.height, audio.codec_name], ['h264', 1280, 720, 'aac']);
        inStep(t, 'RTMP', await lipSyncs(played), 3);

        const playlist = `${server.base}/hls/${ROOM}/-/index.m3u8`;
        await waitFor('HLS has begun', async () => (await fetch(playlist)).status === 200, 15000, 500);
        const watched = path.join(dir, 'watched.mp4');
        await succeeds('an HLS player', ffmpeg('-i', playlist, '-t', '6', '-c', 'copy', watched), 40000);
        const hls = await probe(watched);
        assert.deepEqual([hls.video.codec_name, hls.audio.codec_name], ['h264', 'aac']);
        inStep(t, 'HLS', await lipSyncs(watched), 3);
    } finally {
        if (viewer.id) viewer.leave();
        else viewer.close();
        await encoder.end();
    }
    await waitFor('Cam has left', async () => !(await person('Cam')));
});

test('an encoder that comes back replaces itself; who has no right is told so', async () => {
    const first = publish(`${server.rtmp}/${ROOM}/Cam`);
    await sends('Cam');
    const before = await person('Cam');
    const second = publish(`${server.rtmp}/${ROOM}/Cam`);
    try {
        await waitFor('another Cam', async () => ![undefined, before.id].includes((await person('Cam'))?.id));
        await within('the first encoder ends', 10000, first.done);
        await sends('Cam');
        assert.equal((await server.json(`${api}/participants`)).participants.filter(({ name }) => name === 'Cam').length, 1);
    } finally {
        await second.end();
    }
    const { status } = await within('a player of no room ends', 10000, ffmpeg('-i', `${server.rtmp}/nobody/room`, '-f', 'null', '-').done);
    assert.notEqual(status, 0);
});

test('tokens open the door for RTMP', async () => {
    const closed = await Server.startClosed(media);
    try {
        const token = signToken({ room: ROOM, grants: ['publish'] });
        const wrong = await within('an encoder without a token ends', 15000, publish(`${closed.rtmp}/${ROOM}/Cam`, 5).done);
        assert.notEqual(wrong.status, 0);
        const encoder = publish(`${closed.rtmp}/${ROOM}/Cam?token=${token}`);
        await sends('Cam', closed);
        const player = await within('a player without the grant ends', 15000, ffmpeg('-i', `${closed.rtmp}/${ROOM}/room?token=${token}`, '-t', '1', '-f', 'null', '-').done);
        assert.notEqual(player.status, 0);
        const view = signToken({ room: ROOM, grants: ['view'] });
        await succeeds('a player', ffmpeg('-i', `${closed.rtmp}/${ROOM}/room?token=${view}`, '-t', '1', '-f', 'null', '-'));
        const playlist = `${closed.base}/hls/${ROOM}/-/index.m3u8?access_token=${view}`;
        await waitFor('HLS has begun', async () => (await fetch(playlist)).status === 200, 15000, 500);
        await succeeds('an HLS player', ffmpeg('-i', playlist, '-t', '1', '-f', 'null', '-'));
        assert.equal((await closed.anonymous(`/hls/${ROOM}/-/index.m3u8`)).status, 401);
        await encoder.end();
    } finally {
        await closed.stop();
    }
});

test('a recording is paused, ended, downloaded, and holds what was shown', async (t) => {
    const encoder = publish(`${server.rtmp}/${ROOM}/Cam`);
    try {
        await sends('Cam');
        await pause(1500);
        const { id } = await made(`${api}/recordings`, { format: 'mp4' });
        const where = `${api}/recordings/${id}`;
        await waitFor('it records', async () => (await server.json(where)).duration > 2);
        const snapshot = path.join(dir, 'snapshot.png');
        writeFileSync(snapshot, Buffer.from(await (await server.fetch(`${api}/snapshot.png`)).arrayBuffer()));
        assert.equal((await send('PATCH', where, { paused: true })).status, 200);
        await waitFor('it pauses', async () => (await server.json(where)).state === 'paused');
        const held = (await server.json(where)).duration;
        await pause(2000);
        assert.ok((await server.json(where)).duration - held < 0.3, 'the pause is left out');
        assert.equal((await send('PATCH', where, { paused: false })).status, 200);
        await waitFor('it goes on', async () => (await server.json(where)).duration > held + 3, 15000);
        assert.equal((await send('DELETE', where)).status, 202);
        const ended = await waitForEnd(where);
        assert.equal(ended.state, 'finished', ended.error);
        const [{ name }] = ended.files;

        const file = `${where}/${name}`;
        const whole = await server.fetch(file);
        assert.equal(whole.headers.get('content-type'), 'video/mp4');
        const bytes = Buffer.from(await whole.arrayBuffer());
        assert.equal(bytes.length, Number(whole.headers.get('content-length')));
        const part = await server.fetch(file, { headers: { range: 'bytes=1000-20999' } });
        assert.equal(part.status, 206);
        assert.equal(part.headers.get('content-range'), `bytes 1000-20999/${bytes.length}`);
        assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1000, 21000)));
        assert.equal((await server.fetch(file, { headers: { range: `bytes=${bytes.length}-` } })).status, 416);

        const kept = path.join(dir, 'kept.mp4');
        writeFileSync(kept, bytes);
        const { video, audio, seconds } = await probe(kept);
        t.diagnostic(`duration: ${seconds} s in the file, ${ended.duration} s told`);
        assert.deepEqual([video.codec_name, video.width, video.height, audio.codec_name], ['h264', 1280, 720, 'aac']);
        assert.ok(Math.abs(seconds - ended.duration) < 0.1, `${seconds} s, told ${ended.duration} s`);
        inStep(t, 'MP4', await lipSyncs(kept), 3);
        const unlike = difference(await thumbnail(snapshot), await thumbnail(kept, ['-ss', '1.5']));
        t.diagnostic(`snapshot and recording differ by ${unlike.toFixed(2)} of 255`);
        assert.ok(unlike < 8, `the recorded picture differs by ${unlike}`);
    } finally {
        await encoder.end();
    }
});

test('everybody is recorded as sent, side by side', async (t) => {
    const room = '/api/v1/rooms/studio';
    const encoder = publish(`${server.rtmp}/studio/Cam`);
    const ada = new RoomPeer(PEOPLE.ada);
    try {
        await sends('Cam', server, room);
        const { id } = await made(`${room}/recordings`, { tracks: ['composite', 'isolated'] });
        const where = `${room}/recordings/${id}`;
        await waitFor('it records', async () => (await server.json(where)).duration > 2);
        await ada.join(server, 'studio', {});
        await waitFor('it records on', async () => (await server.json(where)).duration > 8, 20000);
        assert.equal((await send('DELETE', where)).status, 202);
        const ended = await waitForEnd(where);
        assert.equal(ended.state, 'finished', ended.error);
        const cam = await person('Cam', server, room);
        const kept = async (participant) => {
            const found = ended.files.filter((file) => file.participant === participant);
            assert.equal(found.length, 1, `${found.length} files of ${participant}`);
            const file = path.join(dir, found[0].name);
            const response = await server.fetch(`${where}/${found[0].name}`);
            assert.equal(response.headers.get('content-type'), 'video/x-matroska');
            writeFileSync(file, Buffer.from(await response.arrayBuffer()));
            await succeeds('it decodes', ffmpeg('-xerror', '-i', file, '-f', 'null', '-'));
            return { file, ...found[0], ...(await probe(file)) };
        };
        const published = await kept(cam.id);
        assert.deepEqual([published.video.codec_name, published.video.width, published.audio.codec_name], ['h264', 640, 'aac']);
        inStep(t, 'isolated', await lipSyncs(published.file), 5);
        const joined = await kept(ada.id);
        assert.deepEqual([joined.video.codec_name, joined.audio.codec_name], ['vp8', 'opus']);
        assert.ok(joined.start > 1.5 && joined.start < 8, `who came later begins at ${joined.start} s`);
        const timeline = await waitFor('the sidecar has its end', async () => {
            const { timeline: events } = await server.json(`${where}/${ended.sidecar}`);
            return events.at(-1).event === 'end' && events;
        });
        assert.ok(timeline.some(({ event, participant }) => event === 'join' && participant === ada.id));
    } finally {
        await ada.close();
        await encoder.end();
    }
});

test('what is recorded when its room closes, or of nobody, has its end told too', async () => {
    const room = '/api/v1/rooms/brief';
    await made('/api/v1/rooms', { id: 'brief' });
    await made(`${room}/sources`, { pattern: 0 });
    const nobody = await made(`${room}/recordings`, { tracks: 'isolated' });
    await send('DELETE', `${room}/recordings/${nobody.id}`);
    await waitForEnd(`${room}/recordings/${nobody.id}`);
    const told = (id, name) => server.fetch(`${room}/recordings/${id}/${name}`).then((response) => (response.ok ? response.json() : {}));
    await waitFor('the sidecar of nobody tells the end', async () => (await told(nobody.id, nobody.sidecar)).state === 'finished');

    const { id, sidecar } = await made(`${room}/recordings`, {});
    await waitFor('it records', async () => (await server.json(`${room}/recordings/${id}`)).duration > 1);
    assert.equal((await send('DELETE', room)).status, 204);
    const ending = (await server.json(`${room}/recordings`)).recordings.find((one) => one.id === id);
    assert.ok(['finishing', 'finished'].includes(ending.state), ending.state);
    const last = await waitFor('the sidecar tells the end', async () => {
        const now = await told('-', sidecar);
        return now.state === 'finished' && now;
    });
    assert.equal(last.files.length, 1);
    assert.equal(last.timeline.at(-1).event, 'end');
    const { files } = await server.json(`${room}/recordings`);
    assert.ok(files.some(({ name }) => name === last.files[0].name), 'the file is listed when its room is closed');
});

test('a broadcast to another Tessera is seen there', async () => {
    const wall = await Server.start(media);
    const source = await Server.start({ ...media, 'broadcast.allowed_networks': '127.0.0.0/8' });
    let encoder;
    try {
        encoder = publish(`${source.rtmp}/${ROOM}/Cam`);
        await sends('Cam', source);
        const { id } = await made(`${api}/broadcasts`, { url: `${wall.rtmp}/wall/Show` }, source);
        await sends('Show', wall, '/api/v1/rooms/wall');
        const now = await waitFor('it runs', async () => {
            const told = await source.json(`${api}/broadcasts/${id}`);
            return told.state === 'running' && told.bytes > 0 && told;
        });
        assert.equal(now.error, null);
        const picture = async (on, where) => {
            const file = path.join(dir, 'compared.png');
            writeFileSync(file, Buffer.from(await (await on.fetch(`${where}/snapshot.png`)).arrayBuffer()));
            return thumbnail(file);
        };
        await waitFor('both rooms look alike', async () => difference(await picture(source, api), await picture(wall, '/api/v1/rooms/wall')) < 8, 15000, 500);
        assert.equal((await send('DELETE', `${api}/broadcasts/${id}`, undefined, source)).status, 202);
        assert.equal((await waitForEnd(`${api}/broadcasts/${id}`, source)).state, 'finished');
        await waitFor('Show has left', async () => !(await person('Show', wall, '/api/v1/rooms/wall')));
        // Without broadcast.allowed_networks nothing of our own machine can be reached.
        const refused = await send('POST', '/api/v1/rooms/wall/broadcasts', { url: `${wall.rtmp}/wall/Loop` }, wall);
        assert.equal(refused.status, 403);
        assert.match((await refused.json()).detail, /private or reserved network/);
    } finally {
        await encoder?.end();
        await source.stop();
        await wall.stop();
    }
});

test('a file plays, pauses and goes as a source', async () => {
    const clip = path.join(dir, 'clip.mp4');
    await succeeds('a clip', ffmpeg('-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', SOUND, '-t', '4', ...ENCODE, clip));
    await send('POST', '/api/v1/rooms', { id: ROOM });
    const added = await made(`${api}/sources`, { file: 'clip.mp4', name: 'Clip', loop: true });
    const where = `${api}/sources/${added.id}`;
    await sends('Clip');
    await waitFor('it plays', async () => (await server.json(where)).position > 0.5);
    assert.ok(Math.abs((await server.json(where)).duration - 4) < 0.2);
    assert.equal((await send('PATCH', where, { paused: true })).status, 200);
    await waitFor('it is paused', async () => (await server.json(where)).paused);
    assert.equal((await send('PATCH', where, { position: 1, paused: false })).status, 200);
    assert.equal((await send('DELETE', where)).status, 204);
    assert.equal((await server.fetch(where)).status, 404);
    assert.equal((await send('POST', `${api}/sources`, { file: '../secret.mp4' })).status >= 400, true);
});
