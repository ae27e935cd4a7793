// RTMP with the programs that people use: ffmpeg and GStreamer as encoders, ffprobe, mpv, VLC, rtmpdump and
// GStreamer as players.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { end, ffmpeg, killAll, selfSigned, start, succeeds } from './lib/programs.mjs';
import { Server } from './lib/server.mjs';
import { nowMs, waitFor, within } from './lib/wait.mjs';

const ROOM = 'peers';
const api = `/api/v1/rooms/${ROOM}`;
const PICTURE = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'];
const sound = (rate) => ['-re', '-f', 'lavfi', '-i', `sine=frequency=500:sample_rate=${rate}`];
const h264 = (...more) => ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', ...more];
const aac = (channels) => ['-c:a', 'aac', '-ac', String(channels)];
const GST_PICTURE = 'videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 ! h264parse ! queue ! mux.';
const GST_SOUND = 'audiotestsrc is-live=true ! audio/x-raw,rate=44100,channels=2 ! avenc_aac ! aacparse ! queue ! mux.';

const ENCODERS = [
    { name: 'ffmpeg with B-frames, 44.1 kHz, stereo', video: true, audio: true, run: (url) => ffmpeg(...PICTURE, ...sound(44100), ...h264('-bf', '2', '-b_strategy', '0'), ...aac(2), '-f', 'flv', url) },
    { name: 'ffmpeg, 48 kHz, mono', video: true, audio: true, run: (url) => ffmpeg(...PICTURE, ...sound(48000), ...h264('-tune', 'zerolatency'), ...aac(1), '-f', 'flv', url) },
    { name: 'ffmpeg, pictures only', video: true, audio: false, run: (url) => ffmpeg(...PICTURE, ...h264(), '-an', '-f', 'flv', url) },
    { name: 'ffmpeg, sound only', video: false, audio: true, run: (url) => ffmpeg(...sound(44100), '-vn', ...aac(2), '-f', 'flv', url) },
    { name: 'GStreamer rtmp2sink', video: true, audio: true, run: (url) => gst(`flvmux name=mux streamable=true ! rtmp2sink location=${url} ${GST_PICTURE} ${GST_SOUND}`) },
];

const dir = mkdtempSync(path.join(tmpdir(), 'tessera-peers-'));
chmodSync(dir, 0o777);
const tls = selfSigned(dir);
const TRUST = ['-tls_verify', '1', '-ca_file', tls.certificate];
let server;

const gst = (pipeline) => start('gst-launch-1.0', ['-q', '-e', ...pipeline.split(' ')]);

/** VLC does not run as root: then it is nobody. */
const vlc = (url, file) =>
    start('vlc', ['-I', 'dummy', '--no-one-instance', '--play-and-exit', url, `--sout=#std{access=file,mux=ts,dst=${file}}`], {
        ...(process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}),
        env: { ...process.env, HOME: dir, XDG_RUNTIME_DIR: dir },
    });

const people = async () => {
    const response = await server.fetch(`${api}/participants`);
    return response.status === 404 ? [] : (await response.json()).participants;
};
const person = async (name) => (await people()).find((one) => one.name === name);

/** The streams of a file: { video, audio } of ffprobe, with how many packets were read. */
async function streams(file) {
    const text = await succeeds(`ffprobe ${file}`, start('ffprobe', ['-loglevel', 'error', '-count_packets', '-show_streams', '-of', 'json', file]));
    const found = JSON.parse(text).streams;
    return Object.fromEntries(['video', 'audio'].map((kind) => [kind, found.find((one) => one.codec_type === kind)]));
}

function complete({ video, audio }, what) {
    assert.deepEqual([video?.codec_name, audio?.codec_name], ['h264', 'aac'], what);
    assert.ok(Number(video.nb_read_packets) >= 30, `${what}: ${video.nb_read_packets} pictures`);
    assert.ok(Number(audio.nb_read_packets) >= 30, `${what}: ${audio.nb_read_packets} packets of sound`);
}

before(async () => {
    server = await Server.start({
        'rtmp.listen': '127.0.0.1:0', 'rtmp.tls_listen': '127.0.0.1:0',
        'https.certificate': tls.certificate, 'https.private_key': tls.key,
    });
});

after(async () => {
    killAll();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
});

for (const { name, video, audio, run } of ENCODERS) {
    test(`${name} publishes`, async () => {
        const encoder = run(`${server.rtmp}/${ROOM}/Cam`);
        const one = await waitFor('Cam sends', async () => {
            const cam = await person('Cam');
            return cam?.video.sending === video && cam?.audio.sending === audio && cam;
        }, 15000, 100);
        // A snapshot is of what is shown: the pictures are decoded for it.
        const shows = async () => {
            await (await server.fetch(`${api}/snapshot.png`)).arrayBuffer();
            const { feed } = (await server.json(`${api}/stats`)).participants[one.id];
            return (!video || feed.video.decoded > 0) && (!audio || feed.audio.packets > 20) && feed;
        };
        const feed = await waitFor('its pictures are decoded', shows, 10000, 200);
        assert.equal(feed.damaged, 0);
        assert.deepEqual([feed.video.codec, feed.audio.codec], [video ? 'h264' : '', audio ? 'aac' : '']);
        await end(encoder);
        await waitFor('Cam has left', async () => !(await person('Cam')));
    });
}

test('ffprobe, rtmpdump, mpv, VLC and GStreamer play the room', async (t) => {
    const encoder = ENCODERS[1].run(`${server.rtmp}/${ROOM}/Cam`);
    await waitFor('Cam sends', async () => (await person('Cam'))?.video.sending, 15000, 100);
    const url = `${server.rtmp}/${ROOM}/room`;
    const file = (name) => path.join(dir, name);
    try {
        const probed = JSON.parse(await succeeds('ffprobe', start('ffprobe', ['-loglevel', 'error', '-show_streams', '-of', 'json', url])));
        assert.deepEqual(probed.streams.map((one) => one.codec_name).sort(), ['aac', 'h264']);

        const players = [
            ['rtmpdump', start('rtmpdump', ['-q', '-v', '-r', url, '-B', '4', '-o', file('rtmpdump.flv')]), 'rtmpdump.flv'],
            ['mpv', start('mpv', ['--no-config', '--really-quiet', '--vo=null', '--ao=null', '--length=3', `--stream-record=${file('mpv.mkv')}`, url]), 'mpv.mkv'],
            ['VLC', vlc(url, file('vlc.ts')), 'vlc.ts'],
            ['GStreamer', gst(`rtmp2src location=${url} ! filesink location=${file('gst.flv')}`), 'gst.flv'],
        ];
        const kept = (name) => statSync(file(name), { throwIfNoEntry: false })?.size ?? 0;
        await waitFor('all have got something', () => players.every(([, , name]) => kept(name) > 200e3), 30000, 100).catch(() => {}); // who has not is told below
        for (const [name, running, kept] of players) {
            running.child.kill('SIGINT');
            const { status, stderr } = await within(`${name} ends`, 15000, running.done);
            const size = statSync(file(kept), { throwIfNoEntry: false })?.size;
            assert.ok(size, `${name} got nothing (${status}): ${stderr}`);
            t.diagnostic(`${name}: ${size} bytes`);
            complete(await streams(file(kept)), name);
        }
    } finally {
        await end(encoder);
    }
});

const RTMPS_ENCODERS = [
    ['ffmpeg', (url) => ffmpeg(...PICTURE, ...sound(48000), ...h264('-tune', 'zerolatency'), ...aac(2), ...TRUST, '-f', 'flv', url)],
    ['GStreamer', (url) => gst(`flvmux name=mux streamable=true ! rtmp2sink location=${url} tls-validation-flags=no-flags ${GST_PICTURE} ${GST_SOUND}`)],
];

for (const [name, run] of RTMPS_ENCODERS) {
    test(`${name} publishes by RTMPS, and ffmpeg plays it by RTMPS`, async (t) => {
        const encoder = run(`${server.rtmps}/${ROOM}/Safe`);
        try {
            const sends = async () => {
                const safe = await person('Safe');
                return safe?.video.sending && safe?.audio.sending;
            };
            await Promise.race([
                waitFor('Safe sends', sends, 15000, 100),
                encoder.done.then(({ stderr }) => assert.fail(`the encoder ended: ${stderr}`)),
            ]);
            const file = path.join(dir, `${name}.flv`);
            await succeeds('it is played', ffmpeg(...TRUST, '-i', `${server.rtmps}/${ROOM}/room`, '-t', '2', '-c', 'copy', file));
            complete(await streams(file), `RTMPS, ${name}`);
            t.diagnostic(`${statSync(file).size} bytes`);
        } finally {
            await end(encoder);
        }
        await waitFor('Safe has left', async () => !(await person('Safe')));
    });
}

test('who does not trust the certificate does not publish by RTMPS', async () => {
    const other = selfSigned(mkdtempSync(path.join(dir, 'other-')));
    const encoder = ffmpeg(...PICTURE, ...h264(), '-tls_verify', '1', '-ca_file', other.certificate, '-f', 'flv', `${server.rtmps}/${ROOM}/Wary`);
    const { status, stderr } = await within('the encoder gives up', 15000, encoder.done);
    assert.notEqual(status, 0);
    assert.match(stderr, /certificate/i);
    assert.equal(await person('Wary'), undefined);
});

test('who publishes or plays while the server stops is told so, in time', async (t) => {
    const seconds = 2;
    const other = await Server.start({ 'rtmp.listen': '127.0.0.1:0', 'server.drain_seconds': seconds });
    const encoder = ENCODERS[1].run(`${other.rtmp}/${ROOM}/Cam`);
    const sends = async () => {
        const response = await other.fetch(`${api}/participants`);
        return response.status === 200 && (await response.json()).participants[0]?.video.sending;
    };
    await waitFor('Cam sends', sends, 15000, 100);
    const played = path.join(dir, 'drained.flv');
    const player = start('rtmpdump', ['-q', '-v', '-r', `${other.rtmp}/${ROOM}/room`, '-o', played]);
    await waitFor('it is played', () => statSync(played, { throwIfNoEntry: false })?.size > 50000, 10000, 50);
    const from = nowMs();
    await other.stop();
    const took = nowMs() - from;
    t.diagnostic(`stopped after ${took.toFixed(0)} ms`);
    assert.ok(took > seconds * 1000 - 200 && took < seconds * 1000 + 4000, `the server stopped after ${took} ms`);
    assert.equal((await within('the player ends', 5000, player.done)).status, 0, 'the stream was ended, not cut');
    await within('the encoder ends', 5000, encoder.done);
    complete(await streams(played), 'what was played');
});
