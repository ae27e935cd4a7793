// Clients that no UDP datagram reaches directly: through TURN, on either side, and over TCP.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Chromium, mixFacts } from './lib/browsers.mjs';
import { Coturn } from './lib/coturn.mjs';
import { Server } from './lib/server.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const JOINS = 20;

let turn;
let server;

/** The answer without the candidates that are not of this kind. */
const only = (pattern) => (sdp) =>
    sdp
        .split('\r\n')
        .filter((line) => !line.startsWith('a=candidate:') || pattern.test(line))
        .join('\r\n');

/** The server hears of none of its candidates, so that it cannot come by UDP. */
function hidden(peer) {
    const send = peer.send.bind(peer);
    peer.send = (message) => {
        if (message.type === 'candidate' && message.candidate) return;
        send(message.sdp ? { ...message, sdp: only(/^$/)(message.sdp) } : message);
    };
    return peer;
}

async function seesItself(peer) {
    await waitFor(`${peer.person.name} sees itself`, () => peer.sees([peer.id]), 15000);
}

const fds = () => readdirSync(`/proc/${server.pid}/fd`).length;

before(async () => {
    turn = await Coturn.start();
    server = await Server.start({
        'ice.interfaces': '127.0.0.5', // not where coturn's relays are: it tells them apart by address
        'ice.tcp': true,
        'ice.turn_server': turn.uri,
        'ice.turn_user': turn.user,
        'ice.turn_password': turn.password,
    });
});

after(async () => {
    await server?.stop();
    await turn?.stop();
});

test('a client that has only its TURN relay', async () => {
    const peer = new RoomPeer(PEOPLE.ada, { rtc: { iceTransportPolicy: 'relay', iceServers: [turn.iceServer] } });
    peer.hear = only(/ UDP .* typ host/i);
    await peer.join(server, 'relay');
    await seesItself(peer);
    const { local, remote } = await peer.pair();
    assert.equal(local.candidateType, 'relay');
    assert.equal(remote.candidateType, 'host');
    peer.leave();
});

test("a client that reaches only the server's TURN relay", async () => {
    const peer = new RoomPeer(PEOPLE.bob, { rtc: { iceTransportPolicy: 'relay', iceServers: [turn.iceServer] } });
    // Its own relay lets nobody in but coturn's relays: the server cannot come directly.
    peer.hear = only(/ typ relay/i);
    await peer.join(server, 'relay');
    await seesItself(peer);
    assert.equal((await peer.pair()).remote.candidateType, 'relay');
    peer.leave();
});

test('a client without UDP connects by TCP, and nothing of it stays', async (t) => {
    const join = async () => {
        const peer = hidden(new RoomPeer(PEOPLE.cyd));
        peer.hear = only(/ TCP /i);
        await peer.join(server, 'relay');
        await seesItself(peer);
        const { local, remote } = await peer.pair();
        assert.equal(remote.protocol, 'tcp');
        assert.equal(local.protocol, 'tcp');
        peer.leave();
    };
    await join();
    await pause(1000); // the sockets of the first one are closed
    const before = fds();
    for (let i = 0; i < JOINS; i++) await join();
    t.diagnostic(`${JOINS} joins: ${before} descriptors before, ${fds()} at once after`);
    await waitFor('all descriptors are given back', () => fds() <= before, 15000);
});

/** A TCP forwarder that can fall silent without an end, as a phone's network does. */
async function startForwarder(toPort, toHost) {
    const sockets = [];
    const listener = net.createServer((near) => {
        const far = net.connect(toPort, toHost);
        near.pipe(far).pipe(near);
        for (const socket of [near, far]) socket.on('error', () => {});
        sockets.push(near, far);
    });
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return {
        port: listener.address().port,
        silence() {
            for (const socket of sockets) socket.unpipe().pause();
        },
        stop() {
            for (const socket of sockets) socket.destroy();
            listener.close();
        },
    };
}

test('a TCP connection that fell silent is noticed like any other', async (t) => {
    const watcher = await new RoomPeer(PEOPLE.ada).join(server, 'relay');
    const peer = hidden(new RoomPeer(PEOPLE.cyd));
    let forwarder;
    t.after(() => {
        peer.leave();
        watcher.leave();
        forwarder?.stop();
    });
    peer.hear = async (sdp) => {
        const [, host, port] = / TCP \d+ (\S+) (\d+) typ host/i.exec(sdp);
        forwarder = await startForwarder(Number(port), host);
        return only(/ TCP /i)(sdp).replaceAll(` ${host} ${port} typ host`, ` 127.0.0.1 ${forwarder.port} typ host`);
    };
    await peer.join(server, 'relay');
    await seesItself(peer);
    const told = () => watcher.events.filter(({ event, data }) => event === 'state' && data.id === peer.id).map(({ data }) => data.state);
    await pause(3000);
    assert.equal(told().at(-1), 'connected');
    const since = nowMs();
    forwarder.silence();
    await waitFor('it is noticed', () => told().at(-1) === 'disconnected', 20000);
    t.diagnostic(`noticed after ${((nowMs() - since) / 1000).toFixed(1)} s`);
    await waitFor('it is given up', () => told().at(-1) === 'failed', 40000);
    const gaveUpMs = nowMs() - since;
    t.diagnostic(`given up after ${(gaveUpMs / 1000).toFixed(1)} s`);
    assert.ok(gaveUpMs < 36000, `given up after ${gaveUpMs.toFixed(0)} ms`);
});

/** A UDP forwarder that can fall silent. */
async function startUdpForwarder(toPort) {
    const near = createSocket('udp4');
    const fars = new Map();
    let silent = false;
    near.on('message', (data, from) => {
        if (silent) return;
        if (!fars.has(from.port)) {
            const far = createSocket('udp4');
            far.on('message', (back) => silent || near.send(back, from.port, from.address));
            fars.set(from.port, far);
        }
        fars.get(from.port).send(data, toPort, '127.0.0.1');
    });
    await new Promise((resolve) => near.bind(0, '127.0.0.1', resolve));
    return {
        port: near.address().port,
        silence() {
            silent = true;
        },
        stop() {
            for (const socket of [near, ...fars.values()]) socket.close();
        },
    };
}

test("a client behind the server's TURN relay that fell silent is noticed like any other", async (t) => {
    const watcher = await new RoomPeer(PEOPLE.ada).join(server, 'relay');
    const forwarder = await startUdpForwarder(turn.port);
    const iceServer = { ...turn.iceServer, urls: `turn:127.0.0.1:${forwarder.port}?transport=udp` };
    const peer = new RoomPeer(PEOPLE.bob, { rtc: { iceTransportPolicy: 'relay', iceServers: [iceServer] } });
    t.after(() => {
        peer.leave();
        watcher.leave();
        forwarder.stop();
    });
    peer.hear = only(/ typ relay/i);
    await peer.join(server, 'relay');
    await seesItself(peer);
    const told = () => watcher.events.filter(({ event, data }) => event === 'state' && data.id === peer.id).map(({ data }) => data.state);
    await pause(8000);
    assert.equal(told().at(-1), 'connected');
    assert.equal(told().includes('disconnected'), false);
    const since = nowMs();
    forwarder.silence();
    await waitFor('it is noticed', () => told().at(-1) === 'disconnected', 10000);
    t.diagnostic(`noticed after ${((nowMs() - since) / 1000).toFixed(1)} s`);
    await waitFor('it is given up', () => told().at(-1) === 'failed', 40000);
    const gaveUpMs = nowMs() - since;
    t.diagnostic(`given up after ${(gaveUpMs / 1000).toFixed(1)} s`);
    assert.ok(gaveUpMs < 36000, `given up after ${gaveUpMs.toFixed(0)} ms`);
});

/** The candidates of the pair that the page's connection uses. */
async function usedPair() {
    const report = await window.tessera.pc.getStats();
    const transport = [...report.values()].find(({ type }) => type === 'transport');
    const pair = report.get(transport?.selectedCandidatePairId);
    return { local: report.get(pair?.localCandidateId), remote: report.get(pair?.remoteCandidateId) };
}

test('Chromium where a company lets no UDP out', async (t) => {
    const browser = await Chromium.launch(['--webrtc-ip-handling-policy=disable_non_proxied_udp']);
    t.after(() => browser.close());
    const tab = await browser.tab('no UDP');
    await tab.open(`${server.base}/r/relay?auto=1&name=Tcp&audio=1&video=1`);
    await waitFor('the page shows the mix', async () => (await tab.evaluate(mixFacts)).framesDecoded > 30, 30000);
    const { local, remote } = await tab.evaluate(usedPair);
    assert.equal(local.protocol, 'tcp');
    assert.equal(remote.protocol, 'tcp');
    const { width, height } = await tab.evaluate(mixFacts);
    assert.deepEqual([width, height], [1280, 720]);
});
