// Other people's programs as child processes, and what a test asks of their output.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { within } from './wait.mjs';

const children = new Set();

/** A program that runs beside us: { child, done: Promise of { status, stdout (Buffer), stderr } }. */
export function start(program, args, options = {}) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const out = [];
    let stderr = '';
    children.add(child);
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.on('data', (data) => (stderr += data));
    const done = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (status) => {
            children.delete(child);
            resolve({ status, stdout: Buffer.concat(out), stderr });
        });
    });
    return { child, done };
}

/** Those that still run, by their pid. */
export function killAll() {
    for (const child of children) child.kill('SIGKILL');
}

export const ffmpeg = (...args) => start('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...args]);

/** Its standard output. */
export async function succeeds(what, running, timeoutMs = 30000) {
    const result = await within(what, timeoutMs, running.done);
    assert.equal(result.status, 0, `${what}: ${result.stderr}`);
    return result.stdout;
}

/** A certificate for this machine that nobody but its owner trusts: { certificate, key }, two PEM files. */
export function selfSigned(dir) {
    const files = { certificate: path.join(dir, 'tls.pem'), key: path.join(dir, 'tls.key') };
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
        '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', files.key, '-out', files.certificate], { stdio: 'ignore' });
    return files;
}

/** End an encoder in order. */
export async function end(running, signal = 'SIGINT') {
    running.child.kill(signal);
    await within('the encoder ends', 10000, running.done);
}
