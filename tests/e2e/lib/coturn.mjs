// coturn (Debian's package) as a TURN server on loopback, with one user.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { within } from './wait.mjs';

async function freePort() {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    await new Promise((resolve) => socket.close(resolve));
    return port;
}

export class Coturn {
    user = 'tessera';
    password = 'loopback-only';
    output = '';
    #child;
    #directory = mkdtempSync(path.join(tmpdir(), 'tessera-turn-'));

    static async start() {
        const turn = new Coturn();
        turn.port = await freePort();
        await turn.#spawn();
        return turn;
    }

    get uri() {
        return `turn:127.0.0.1:${this.port}?transport=udp`;
    }

    /** For an RTCPeerConnection. */
    get iceServer() {
        return { urls: this.uri, username: this.user, credential: this.password };
    }

    async #spawn() {
        this.#child = spawn(
            'turnserver',
            [
                ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--no-multicast-peers', '--allow-loopback-peers', '--verbose'],
                ...['--listening-ip', '127.0.0.1', '--listening-port', String(this.port), '--relay-ip', '127.0.0.1'],
                ...['--lt-cred-mech', '--realm', 'tessera', '--user', `${this.user}:${this.password}`],
                ...['--log-file', 'stdout', '--simple-log', '--pidfile', path.join(this.#directory, 'pid')],
                ...['--userdb', path.join(this.#directory, 'db')],
            ],
            { stdio: ['ignore', 'pipe', 'pipe'] },
        );
        process.on('exit', () => this.#child.kill('SIGKILL'));
        const listening = new Promise((resolve, reject) => {
            const take = (data) => {
                this.output += data;
                if (/UDP listener opened on/.test(this.output)) resolve();
            };
            this.#child.stdout.on('data', take);
            this.#child.stderr.on('data', take);
            this.#child.on('error', () => reject(new Error('coturn is not installed: apt-get install coturn')));
            this.#child.on('exit', (code) => reject(new Error(`coturn ended (${code}):\n${this.output}`)));
        });
        await within('coturn listens', 10000, listening);
    }

    async stop() {
        const ended = new Promise((resolve) => this.#child.on('exit', resolve));
        assert.equal(this.#child.exitCode, null, `coturn lives until it is stopped:\n${this.output.slice(-2000)}`);
        this.#child.kill('SIGKILL');
        await ended;
        rmSync(this.#directory, { recursive: true, force: true });
    }
}
