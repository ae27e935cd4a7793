// A bad network between the server and its real clients: build/release/tessera_impaired (tests/impair), with
// the model of tests/support/sim_link.h. It acts on SRTP datagrams; on DTLS and STUN only where that is asked.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server, TESSERA_BIN } from './server.mjs';
import { pause } from './wait.mjs';

export const IMPAIRED_BIN = path.resolve(process.env.TESSERA_IMPAIRED_BIN ?? path.join(path.dirname(TESSERA_BIN), 'tessera_impaired'));

const networks = new WeakMap(); // Server -> {file, seed, rules}

/** The server with a network that is perfect until impair() says otherwise. */
export async function startImpaired(settings = {}, { seed = 1 } = {}) {
    const directory = mkdtempSync(path.join(tmpdir(), 'tessera-network-'));
    process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
    const network = { file: path.join(directory, 'rules.json'), seed, rules: {} };
    write(network);
    const server = await Server.start(settings, [], { bin: IMPAIRED_BIN, env: { TESSERA_IMPAIR: network.file } });
    networks.set(server, network);
    return server;
}

function write({ file, seed, rules }) {
    writeFileSync(`${file}.new`, JSON.stringify({ seed, rules }));
    renameSync(`${file}.new`, file);
}

/** The ICE ufrag by which the server knows a connection; an ICE restart does not change the answer. */
function ufragOf(who) {
    if (typeof who === 'string') return who;
    who.networkName ??= /a=ice-ufrag:(\S+)/.exec((who.pc ?? who).localDescription.sdp)[1];
    return who.networkName;
}

/** Set the network of one connection (a WrtcPeer, an RTCPeerConnection, or the ufrag of either side), or of all
 *  that have none of their own ('*'). Both directions are replaced: {down, up}, each left out for a perfect one, or
 *  {rate: bit/s, queue: ms, delay: ms, jitter: ms, loss: 0..1, burst: 0..1, burstLen, reorder: 0..1,
 *  duplicate: 0..1, dtls: bool, stun: bool}. down is from the server to the client. With stun, connectivity checks
 *  are lost with the probability `loss`; they are never late. Null forgets the connection's own rules.
 *  Resolves when the server has seen it. */
export async function impair(server, who, network) {
    const state = networks.get(server);
    if (network) state.rules[ufragOf(who)] = network;
    else delete state.rules[ufragOf(who)];
    write(state);
    await pause(100); // the server looks every 25 ms
}

/** Nothing gets through, in either direction, connectivity checks neither. */
export const CUT = { down: { loss: 1, dtls: true, stun: true }, up: { loss: 1, dtls: true, stun: true } };
