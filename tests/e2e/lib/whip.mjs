// WHIP (RFC 9725) and WHEP clients: one POST instead of a WebSocket.

import { waitFor } from './wait.mjs';
import { WrtcPeer } from './wrtc-peer.mjs';

const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** Lines of the SDP that start like this, each once. */
function lines(sdp, prefix) {
    return [...new Set(sdp.split(/\r?\n/).filter((line) => line.startsWith(prefix)))];
}

export class HttpPeer extends WrtcPeer {
    location = null;
    etag = null;
    #answer = null;

    /** POST our offer, with all candidates in it; returns the response. where: "/whip/room?name=x". */
    async connect(server, where) {
        this.server = server;
        const pc = this.makeConnection();
        if (where.startsWith('/whip')) for (const transceiver of pc.getTransceivers()) transceiver.direction = 'sendonly';
        await pc.setLocalDescription(await pc.createOffer());
        await waitFor('the candidates are gathered', () => pc.iceGatheringState === 'complete');
        const response = await server.fetch(where, {
            method: 'POST',
            headers: { 'content-type': 'application/sdp' },
            body: pc.localDescription.sdp,
        });
        if (response.status === 201) {
            this.location = response.headers.get('location');
            this.etag = response.headers.get('etag');
            this.#answer = await response.text();
            await pc.setRemoteDescription({ type: 'answer', sdp: this.#answer });
        }
        return response;
    }

    async connected() {
        await waitFor('the connection stands', () => ['connected', 'completed'].includes(this.pc.iceConnectionState));
    }

    /** The fragment (RFC 8840) with our present credentials and candidates. */
    fragment() {
        const { sdp } = this.pc.localDescription;
        return [
            ...lines(sdp, 'a=ice-ufrag:').slice(0, 1),
            ...lines(sdp, 'a=ice-pwd:').slice(0, 1),
            ...lines(sdp, 'm=').slice(0, 1),
            ...lines(sdp, 'a=mid:').slice(0, 1),
            ...lines(sdp, 'a=candidate:'),
            'a=end-of-candidates',
            '',
        ].join('\r\n');
    }

    patch(body, headers = {}) {
        return this.server.fetch(this.location, { method: 'PATCH', headers: { 'content-type': FRAGMENT, ...headers }, body });
    }

    /** New ICE credentials on both sides; returns the response of the PATCH. */
    async restart() {
        await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart: true }));
        await waitFor('the candidates are gathered', () => this.pc.iceGatheringState === 'complete');
        const response = await this.patch(this.fragment(), { 'if-match': '*' });
        if (response.status !== 200) return response;
        const fragment = await response.text();
        this.etag = response.headers.get('etag');
        const [ufrag] = lines(fragment, 'a=ice-ufrag:');
        const [pwd] = lines(fragment, 'a=ice-pwd:');
        const candidates = lines(fragment, 'a=candidate:');
        const answer = this.#answer
            .split('\r\n')
            .filter((line) => !line.startsWith('a=candidate:'))
            .map((line) => (line.startsWith('a=ice-ufrag:') ? ufrag : line.startsWith('a=ice-pwd:') ? pwd : line));
        if (candidates.length) {
            const first = answer.findIndex((line) => line.startsWith('a=ice-pwd:') && line === pwd);
            answer.splice(first + 1, 0, ...(answer.findIndex((line) => line.startsWith('m=')) < first ? candidates : []));
        }
        await this.pc.setRemoteDescription({ type: 'answer', sdp: answer.join('\r\n') });
        return Object.assign(response, { changed: ufrag !== lines(this.#answer, 'a=ice-ufrag:')[0] });
    }

    delete() {
        return this.server.fetch(this.location, { method: 'DELETE' });
    }
}
