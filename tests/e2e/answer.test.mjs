// A client that can only answer: the server offers.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { colourDistance } from './lib/painting.mjs';
import { Server } from './lib/server.mjs';
import { nowMs, waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

class Answerer extends RoomPeer {
    async offer() {
        const { sdp } = await this.request({ type: 'offer-request' });
        await this.pc.setRemoteDescription({ type: 'offer', sdp });
        await this.pc.setLocalDescription(await this.pc.createAnswer());
        this.offeredAt = nowMs();
        this.send({ type: 'answer', sdp: this.pc.localDescription.sdp });
    }
}

let server;
const ada = new Answerer(PEOPLE.ada);
const bob = new RoomPeer(PEOPLE.bob);

before(async () => {
    server = await Server.start();
});

after(async () => {
    for (const peer of [ada, bob]) peer.leave();
    await server?.stop();
});

test('who answers the server is seen, and sees the others', async () => {
    await ada.join(server, 'answers');
    await bob.join(server, 'answers');
    await waitFor('Ada and Bob see each other', () => bob.sees([ada.id, bob.id]) && ada.sees([ada.id, bob.id]), 15000);
    assert.ok(colourDistance(bob.eye.last.tiles.get(ada.id).colour, PEOPLE.ada.colour) <= 16);
    assert.ok(colourDistance(ada.eye.last.tiles.get(bob.id).colour, PEOPLE.bob.colour) <= 16);
});

test('a second offer of the server is refused', async () => {
    await assert.rejects(ada.request({ type: 'offer-request' }), { code: 'conflict' });
    await assert.rejects(bob.request({ type: 'answer', sdp: 'v=0\r\n' }), { code: 'conflict' });
});
