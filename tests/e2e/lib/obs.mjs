// OBS Studio on a screen of its own (Xvfb), set up by files: one colour over the whole picture, a tone to
// hear, and where it streams to. It begins to stream at its start; then obs-websocket commands it.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import WebSocket from 'ws';
import { freePorts } from './nginx.mjs';
import { ffmpeg, start, succeeds } from './programs.mjs';
import { waitFor, within } from './wait.mjs';

const NAME = 'Tessera'; // of the profile and of the scene collection
const WIDTH = 640;
const HEIGHT = 360;

/** A source of a scene collection, as OBS writes it. */
const source = (name, id, settings, more = {}) => ({ name, id, versioned_id: id, settings, enabled: true, mixers: 255, volume: 1, ...more });

const ini = (sections) =>
    Object.entries(sections)
        .map(([section, keys]) => [`[${section}]`, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`)].join('\n'))
        .join('\n\n');

const global = (port, password) => ({
    General: { FirstRun: true, LastVersion: 0x7fffffff, EnableAutoUpdates: false },
    Basic: { Profile: NAME, ProfileDir: NAME, SceneCollection: NAME, SceneCollectionFile: NAME, ConfigOnNewProfile: false },
    BasicWindow: { SysTrayEnabled: false, WarnBeforeStartingStream: false, WarnBeforeStoppingStream: false },
    OBSWebSocket: { FirstLoad: false, ServerEnabled: true, ServerPort: port, AuthRequired: true, ServerPassword: password, AlertsEnabled: false },
});

const PROFILE = {
    General: { Name: NAME },
    Output: { Mode: 'Simple', Reconnect: false },
    SimpleOutput: { StreamEncoder: 'x264', VBitrate: 800, ABitrate: 128, Preset: 'ultrafast' },
    Video: { BaseCX: WIDTH, BaseCY: HEIGHT, OutputCX: WIDTH, OutputCY: HEIGHT, FPSType: 0, FPSCommon: 30 },
    Audio: { SampleRate: 48000, ChannelSetup: 'Stereo' },
};

function scenes(rgb, sound) {
    const abgr = 0xff000000 + (rgb[2] << 16) + (rgb[1] << 8) + rgb[0];
    const item = (name, id) => ({ name, id, visible: true, scale: { x: 1, y: 1 }, pos: { x: 0, y: 0 } });
    return {
        name: NAME,
        current_scene: 'Scene',
        current_program_scene: 'Scene',
        scene_order: [{ name: 'Scene' }],
        sources: [
            source('Colour', 'color_source_v3', { color: abgr, width: WIDTH, height: HEIGHT }),
            source('Tone', 'ffmpeg_source', { local_file: sound, is_local_file: true, looping: true }),
            source('Scene', 'scene', { items: [item('Colour', 1), item('Tone', 2)], id_counter: 2 }),
        ],
    };
}

/** A screen that nobody looks at: { running, display: ':99' }. */
async function screen() {
    const running = start('Xvfb', ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp']);
    const number = new Promise((resolve) => {
        let text = '';
        running.child.stdout.on('data', (data) => (text += data).endsWith('\n') && resolve(text.trim()));
    });
    const died = running.done.then(({ stderr }) => {
        throw new Error(`Xvfb ended: ${stderr}`);
    });
    died.catch(() => {});
    return { running, display: `:${await within('Xvfb has a display', 10000, Promise.race([number, died]))}` };
}

const digest = (text) => createHash('sha256').update(text).digest('base64');

/** The commands of obs-websocket, protocol 5. It listens on every address: hence the password. */
class Remote {
    #socket;
    #answers = new Map(); // by number

    static async connect(port, password) {
        const remote = new Remote();
        remote.#socket = await waitFor('OBS can be commanded', () => remote.#open(port, password), 20000, 100);
        return remote;
    }

    #open(port, password) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`);
        return new Promise((resolve) => {
            socket.on('error', () => resolve(null));
            socket.on('message', (text) => {
                const { op, d } = JSON.parse(text);
                if (op === 0) {
                    const authentication = digest(digest(password + d.authentication.salt) + d.authentication.challenge);
                    socket.send(JSON.stringify({ op: 1, d: { rpcVersion: 1, authentication, eventSubscriptions: 0 } }));
                }
                if (op === 2) resolve(socket);
                if (op === 7) this.#answers.get(d.requestId)?.(d);
            });
        });
    }

    async ask(requestType, requestData = {}) {
        const requestId = String(this.#answers.size + 1);
        const answer = new Promise((resolve) => this.#answers.set(requestId, resolve));
        this.#socket.send(JSON.stringify({ op: 6, d: { requestType, requestId, requestData } }));
        const { requestStatus, responseData } = await within(`OBS answers to ${requestType}`, 10000, answer);
        if (!requestStatus.result) throw new Error(`OBS: ${requestType}: ${requestStatus.comment ?? requestStatus.code}`);
        return responseData;
    }

    close() {
        this.#socket.terminate();
    }
}

export class Obs {
    #screen;
    #running;
    #remote;
    log = '';

    /** Streams `rgb` and a tone of 500 Hz to server/key; its files are in `home`. */
    static async start(home, { server, key, rgb }) {
        const obs = new Obs();
        const write = (name, text) => {
            const file = path.join(home, 'config/obs-studio', name);
            mkdirSync(path.dirname(file), { recursive: true });
            writeFileSync(file, text);
        };
        mkdirSync(home, { recursive: true, mode: 0o700 });
        const tone = path.join(home, 'tone.wav');
        await succeeds('a tone', ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=500:sample_rate=48000:duration=10', tone));
        const [port] = await freePorts(1);
        const password = randomBytes(16).toString('hex');
        write('global.ini', ini(global(port, password)));
        write(`basic/profiles/${NAME}/basic.ini`, ini(PROFILE));
        write(`basic/profiles/${NAME}/service.json`, JSON.stringify({ type: 'rtmp_custom', settings: { server, key, use_auth: false } }));
        write(`basic/scenes/${NAME}.json`, JSON.stringify(scenes(rgb, tone)));
        obs.#screen = await screen();
        obs.#running = start('obs', ['--multi', '--startstreaming', '--minimize-to-tray', '--profile', NAME, '--collection', NAME], {
            env: { ...process.env, HOME: home, XDG_CONFIG_HOME: path.join(home, 'config'), XDG_RUNTIME_DIR: home,
                DISPLAY: obs.#screen.display, QT_QPA_PLATFORM: 'xcb', LIBGL_ALWAYS_SOFTWARE: '1', LC_ALL: 'C.UTF-8' },
        });
        obs.#running.child.stdout.on('data', (data) => (obs.log += data));
        obs.#remote = await Remote.connect(port, password);
        return obs;
    }

    startStreaming() {
        return this.#remote.ask('StartStream');
    }

    stopStreaming() {
        return this.#remote.ask('StopStream');
    }

    /** Where the next stream goes. */
    setKey(server, key) {
        return this.#remote.ask('SetStreamServiceSettings', { streamServiceType: 'rtmp_custom', streamServiceSettings: { server, key, use_auth: false } });
    }

    /** { outputActive, outputBytes, outputSkippedFrames ... } */
    status() {
        return this.#remote.ask('GetStreamStatus');
    }

    /** In the middle of whatever it does. */
    async kill() {
        this.#remote?.close();
        this.#running?.child.kill('SIGKILL');
        this.#screen?.running.child.kill('SIGTERM');
        await Promise.all([this.#running?.done, this.#screen?.running.done]);
    }
}
