// The built server as a child process, on ports of its own.

import './priority.mjs';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SECRET, signToken } from './token.mjs';
import { within } from './wait.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));

export const TESSERA_BIN = path.resolve(
    process.env.TESSERA_BIN ?? path.join(HERE, '../../../build/release/tessera'),
);

export const OUTPUT_DIR = path.join(HERE, '../output');

/** A stretch of 400 UDP ports for this process, away from the ephemeral ones. */
function portRange() {
    const first = 10000 + (process.pid % 50) * 400;
    return `${first}-${first + 399}`;
}

/** Run to the end: { status, stdout, stderr }. */
export function runTessera(args, timeoutMs = 15000) {
    const child = spawn(TESSERA_BIN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const result = { status: null, signal: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => (result.stdout += data));
    child.stderr.on('data', (data) => (result.stderr += data));
    const done = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (status, signal) => resolve(Object.assign(result, { status, signal })));
    });
    return within(`tessera ${args.join(' ')} ends`, timeoutMs, done).catch((error) => {
        child.kill('SIGKILL');
        throw error;
    });
}

export class Server {
    output = '';
    base = '';
    rtmp = ''; // rtmp://127.0.0.1:PORT, where rtmp.listen is set
    rtmps = ''; // the same of rtmp.tls_listen
    token = null; // for everything that asks for one
    #child;
    #exited;
    #state = mkdtempSync(path.join(tmpdir(), 'tessera-e2e-'));

    /** A server that asks for tokens, with one that may do everything. */
    static async startClosed(settings = {}) {
        const server = await Server.start({ 'auth.secret': SECRET, ...settings });
        server.token = signToken();
        return server;
    }

    /** settings: { 'section.key': value } on top of the ones that every test uses. */
    static async start(settings = {}, args = [], { bin = TESSERA_BIN, env = {} } = {}) {
        const server = new Server();
        const all = {
            'http.listen': '127.0.0.1:0',
            'https.listen': '',
            'rtmp.listen': '',
            'ice.port_range': portRange(),
            'server.drain_seconds': 1,
            'video.ladder': '', // the full picture for all, however busy the machine is
            ...settings,
        };
        const flags = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
        await server.#spawn([...flags, ...args], bin, env);
        return server;
    }

    get pid() {
        return this.#child.pid;
    }

    get wsUrl() {
        return `${this.base.replace(/^http/, 'ws')}/ws`;
    }

    /** With this server's token, unless the request brings its own Authorization. */
    fetch(where, options = {}) {
        const headers = new Headers(options.headers);
        if (this.token && !headers.has('authorization')) headers.set('authorization', `Bearer ${this.token}`);
        return fetch(new URL(where, this.base), { ...options, headers });
    }

    /** Without any token. */
    anonymous(where, options) {
        return fetch(new URL(where, this.base), options);
    }

    async json(where, options) {
        const response = await this.fetch(where, options);
        assert.equal(response.status, 200, `${where}: ${response.status}`);
        return response.json();
    }

    /** Name (with labels) -> value. */
    async metrics() {
        const text = await (await this.fetch('/metrics')).text();
        return Object.fromEntries([...text.matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
    }

    /** How often the mix of sound began late, since the start: the machine was busy, or the server is slow. */
    async lateTicks() {
        return (await this.metrics()).tessera_audio_late_ticks_total;
    }

    /** SIGTERM by pid; the server drains and ends with status 0. */
    async stop() {
        if (this.#child.exitCode === null && this.#child.signalCode === null)
            process.kill(this.#child.pid, 'SIGTERM');
        const status = await within('the server ends after SIGTERM', 15000, this.#exited).catch((error) => {
            this.#child.kill('SIGKILL');
            throw error;
        });
        rmSync(this.#state, { recursive: true, force: true });
        assert.deepEqual(status, { code: 0, signal: null }, `the server ends well after SIGTERM\n${this.output.slice(-4000)}`);
    }

    /** SIGKILL by pid: it has no time to end anything. What it keeps on disk stays. */
    async kill() {
        process.kill(this.#child.pid, 'SIGKILL');
        await within('the server is dead', 5000, this.#exited);
    }

    /** What it ended with: {code, signal}. */
    ended(timeoutMs) {
        return within('the server ends', timeoutMs, this.#exited);
    }

    async #spawn(args, bin, env) {
        this.#child = spawn(bin, args, {
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, XDG_STATE_HOME: this.#state, ...env },
        });
        let stdout = '';
        const listening = new Promise((resolve, reject) => {
            this.#child.stdout.on('data', (data) => {
                stdout += data;
                this.output += data;
                const found = /listening (http:\/\/127\.0\.0\.1:\d+)\//.exec(stdout);
                this.rtmp = /listening (rtmp:\/\/127\.0\.0\.1:\d+)\//.exec(stdout)?.[1] ?? '';
                this.rtmps = /listening (rtmps:\/\/127\.0\.0\.1:\d+)\//.exec(stdout)?.[1] ?? '';
                if (found) resolve(found[1]);
            });
            this.#child.stderr.on('data', (data) => (this.output += data));
            this.#child.on('error', reject);
            this.#child.on('exit', (code, signal) =>
                reject(new Error(`The server ended at its start (${code ?? signal}):\n${this.output}`)),
            );
        });
        this.#exited = new Promise((resolve) => {
            this.#child.on('exit', (code, signal) => resolve({ code, signal }));
        });
        process.on('exit', () => this.#child.kill('SIGKILL'));
        this.base = await within('the server listens', 20000, listening);
    }
}
