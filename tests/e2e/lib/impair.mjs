// A bad network between the server and its real clients: build/release/tessera_impaired (tests/impair), with
// the model of tests/support/sim_link.h. It acts on SRTP datagrams; on DTLS and STUN only where that is asked.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server, TESSERA_BIN } from './server.mjs';
import { waitFor } from './wait.mjs';

export const IMPAIRED_BIN = path.resolve(process.env.TESSERA_IMPAIRED_BIN ?? path.join(path.dirname(TESSERA_BIN), 'tessera_impaired'));

const IN_FORCE_MS = 5000; // the server looks every 25 ms

const networks = new WeakMap(); // Server -> {file, seed, serial, rules}

/** The server with a network that is perfect until impair() says otherwise. */
export async function startImpaired(settings = {}, { seed = 1 } = {}) {
    const directory = mkdtempSync(path.join(tmpdir(), 'tessera-network-'));
    process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
    const network = { file: path.join(directory, 'rules.json'), seed, serial: 0, rules: {} };
    write(network);
    const server = await Server.start(settings, [], { bin: IMPAIRED_BIN, env: { TESSERA_IMPAIR: network.file } });
    networks.set(server, network);
    return server;
}

/** Returns the number of the writing, which the server tells when the rules are in force. */
function write(network) {
    const { file, seed, rules } = network;
    const serial = ++network.serial;
    writeFileSync(`${file}.new`, JSON.stringify({ seed, serial, rules }));
    renameSync(`${file}.new`, file);
    return serial;
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
 *  Resolves when it is in force. The server looks while it has a connection: without one this fails. */
export async function impair(server, who, network) {
    const state = networks.get(server);
    if (network) state.rules[ufragOf(who)] = network;
    else delete state.rules[ufragOf(who)];
    const from = server.output.length;
    const serials = () => [...server.output.slice(from).matchAll(/rules (\d+) are in force/g)].map(([, serial]) => Number(serial));
    const serial = write(state);
    await waitFor(`the server reads the rules ${serial} of the network`, () => serials().some((read) => read >= serial), IN_FORCE_MS);
}

/** Nothing gets through, in either direction, connectivity checks neither. */
export const CUT = { down: { loss: 1, dtls: true, stun: true }, up: { loss: 1, dtls: true, stun: true } };
