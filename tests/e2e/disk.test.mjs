// A disk that answers no more: whoever records on it waits, and nobody else.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { IMPAIRED_BIN } from './lib/impair.mjs';
import { Server } from './lib/server.mjs';
import { nowMs, pause, waitFor, within } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const api = '/api/v1/rooms/disk';
const dir = mkdtempSync(path.join(tmpdir(), 'tessera-disk-'));
const sign = path.join(dir, 'hangs');
const settings = { 'record.dir': path.join(dir, 'recordings'), 'record.min_free_mb': 1 };
const GAP_MS = 2000; // the disk hangs for twice as long

after(() => rmSync(dir, { recursive: true, force: true }));

const post = (server, where, body) =>
    server.fetch(where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

async function record(server, tracks) {
    const response = await post(server, `${api}/recordings`, { tracks });
    assert.equal(response.status, 201, await response.clone().text());
    const where = `${api}/recordings/${(await response.json()).id}`;
    await waitFor('it records', async () => (await server.json(where)).duration > 4, 20000);
    return where;
}

test('a disk that hangs holds up neither the room, nor the API, nor the end of the process', async (t) => {
    const server = await Server.start(settings, [], { bin: IMPAIRED_BIN, env: { TESSERA_IMPAIR_DISK: sign } });
    const ada = new RoomPeer(PEOPLE.ada);
    const bob = new RoomPeer(PEOPLE.bob, { send: false });
    let kept;
    try {
        await ada.join(server, 'disk');
        await bob.join(server, 'disk', { join: { publish: false } });
        await waitFor('Bob sees the room', () => bob.eye.last, 15000);
        const whole = await record(server, 'composite');
        await server.fetch(whole, { method: 'DELETE' });
        const { files } = await waitFor('it has ended', async () => {
            const now = await server.json(whole);
            return now.state === 'finished' && now;
        });
        await record(server, ['composite', 'isolated']);

        writeFileSync(sign, '');
        const since = nowMs();
        const download = server.fetch(`${whole}/${files[0].name}`).then((response) => response.arrayBuffer());
        download.catch(() => {});
        let slowest = 0;
        while (nowMs() - since < 4000) {
            const asked = nowMs();
            await server.json(`${api}/recordings`);
            await server.json('/healthz');
            slowest = Math.max(slowest, nowMs() - asked);
            await pause(100);
        }
        const seen = [since, ...bob.eye.since(since).map(({ at }) => at), nowMs()];
        const gap = Math.max(...seen.slice(1).map((at, i) => at - seen[i]));
        t.diagnostic(`API answers after at most ${slowest.toFixed(0)} ms, longest gap of the pictures ${gap.toFixed(0)} ms`);
        assert.ok(slowest < GAP_MS, `the API answered after ${slowest} ms`);
        assert.ok(gap < GAP_MS, `no picture for ${gap} ms`);
        assert.equal(await Promise.race([download.then(() => 'came'), pause(50).then(() => 'waits')]), 'waits');

        process.kill(server.pid, 'SIGTERM');
        await waitFor('it stops', () => server.output.includes('stops'));
        process.kill(server.pid, 'SIGTERM');
        const ended = await server.ended(15000);
        assert.deepEqual(ended, { code: 1, signal: null }, server.output.slice(-2000));
        kept = /The recording (\S+) stays unfinished/.exec(server.output)?.[1];
        assert.ok(kept, server.output.slice(-2000));
    } finally {
        ada.close();
        bob.close();
        rmSync(sign, { force: true });
        await server.kill().catch(() => {});
    }
    const next = await Server.start(settings);
    try {
        await post(next, '/api/v1/rooms', { id: 'disk' });
        const mine = () => next.json(`${api}/recordings`).then(({ files }) => files.filter(({ name }) => name.startsWith(kept)));
        const files = await waitFor('what was left is made whole', async () => {
            const found = await mine();
            return found.length >= 2 && found;
        });
        assert.ok(files.every(({ recovered }) => recovered));
        const file = await within('it is downloaded', 5000, next.fetch(`${api}/recordings/-/${files[0].name}`).then((response) => response.arrayBuffer()));
        assert.equal(file.byteLength, files[0].bytes);
    } finally {
        await next.stop();
    }
});
