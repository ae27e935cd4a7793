// The RTCPeerConnection to the server: sends our microphone, camera and screen, receives the mix.
// We always offer, the server always answers, and one offer is under way at a time.
//
// Events: "track" (detail: the track of the mix), "state" (detail: "connecting", "connected",
// "broken": nothing arrives, it is being repaired), "problem" (detail: Error of an offer that the
// server refused).

import { addCamera, fitEncodings } from './camera-layers.js';

const DISCONNECTED_MS = 3000;
const RESTART_MS = 8000;

/** Asks for the mix in stereo: Chromium's own offer is for one channel, and it decodes no other. */
function withStereo(sdp) {
    const types = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2/gim)].map(([, type]) => type);
    return types.reduce((text, type) => text.replace(new RegExp(`^a=fmtp:${type} (?!.*\\bstereo=).*$`, 'm'), '$&;stereo=1'), sdp);
}

export class Connection extends EventTarget {
    pc = null;
    state = 'connecting';
    #signalling;
    #iceServers = [];
    #ownStream = new MediaStream(); // names sound and camera as belonging together
    #tracks = { audio: null, video: null, screen: null };
    #senders = { audio: null, video: null, screen: null }; // transceivers
    #offering = false;
    #wanted = null; // null, or {iceRestart} of the next offer
    #candidates = null; // held back until their offer is sent
    #repairTimer = 0;
    #closed = false;

    constructor(signalling) {
        super();
        this.#signalling = signalling;
    }

    /** Start, or start again from nothing with the same tracks. */
    open(iceServers = this.#iceServers) {
        this.#iceServers = iceServers;
        this.#dispose();
        const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
        this.pc = pc;
        pc.onicecandidate = ({ candidate }) => this.#sendCandidate(pc, candidate);
        pc.oniceconnectionstatechange = () => pc === this.pc && this.#iceChanged();
        pc.onconnectionstatechange = () => pc === this.pc && this.#transportChanged();
        pc.ontrack = ({ track }) => {
            if (pc === this.pc) this.#emit('track', track);
        };
        this.#senders = {
            audio: this.#addSender('audio', this.#tracks.audio),
            video: this.#addSender('video', this.#tracks.video),
            screen: null,
        };
        if (this.#tracks.screen) this.#addScreen();
        this.#setState('connecting');
        this.#watch(RESTART_MS * 2, () => this.#reopen());
        this.#negotiate();
    }

    close() {
        this.#closed = true;
        this.#dispose();
    }

    /** kind: "audio", "video", "screen". track null: send nothing. Renegotiates where needed. */
    async setTrack(kind, track) {
        this.#tracks[kind] = track;
        if (!this.pc) return;
        if (kind === 'screen' && !this.#senders.screen) {
            if (track) {
                this.#addScreen();
                await this.#negotiate();
            }
            return;
        }
        const transceiver = this.#senders[kind];
        const direction = this.#direction(kind, track, transceiver.direction);
        await transceiver.sender.replaceTrack(track);
        if (kind === 'video' && track) await fitEncodings(transceiver.sender, track);
        if (direction === transceiver.direction) return;
        transceiver.direction = direction;
        await this.#negotiate();
    }

    /** The camera's picture has another size now. */
    async fitLayers() {
        const { sender } = this.#senders.video ?? {};
        if (sender?.track) await fitEncodings(sender, sender.track);
    }

    /** The signalling is back after a break: say again what was not answered. */
    resumed() {
        if (this.state === 'connected') this.#wanted && this.#negotiate();
        else if (this.pc.remoteDescription) this.restart();
        else this.open();
    }

    /** New ICE credentials on the same connection; a whole new connection where that fails. */
    restart() {
        this.#watch(RESTART_MS, () => this.#reopen());
        this.#negotiate({ iceRestart: true });
    }

    #addSender(kind, track) {
        const options = { direction: track ? 'sendrecv' : 'recvonly', streams: [this.#ownStream] };
        const transceiver = kind === 'video' ? addCamera(this.pc, track ?? kind, options) : this.pc.addTransceiver(track ?? kind, options);
        if (kind === 'video' && track) fitEncodings(transceiver.sender, track);
        return transceiver;
    }

    #addScreen() {
        const track = this.#tracks.screen;
        this.#senders.screen = this.pc.addTransceiver(track, {
            direction: 'sendonly',
            streams: [new MediaStream([track])],
        });
    }

    /** A camera that is off keeps its line, so that switching it asks for no new offer. */
    #direction(kind, track, now) {
        if (kind === 'screen') return track ? 'sendonly' : 'inactive';
        return track ? 'sendrecv' : now;
    }

    async #negotiate({ iceRestart = false } = {}) {
        this.#wanted = { iceRestart: iceRestart || this.#wanted?.iceRestart || false };
        if (this.#offering) return;
        this.#offering = true;
        const { pc } = this;
        try {
            while (this.#wanted && pc === this.pc) await this.#offerOnce(pc);
        } catch (error) {
            // Without signalling the offer waits until resumed(); otherwise the server said no.
            if (pc === this.pc && error.code !== 'offline') {
                this.#wanted = null;
                this.#emit('problem', error);
            }
        } finally {
            this.#offering = false;
        }
        if (pc !== this.pc && this.#wanted && !this.#closed) this.#negotiate();
    }

    async #offerOnce(pc) {
        const { iceRestart } = this.#wanted;
        this.#candidates = [];
        const offer = await pc.createOffer({ iceRestart });
        await pc.setLocalDescription({ type: 'offer', sdp: withStereo(offer.sdp) });
        if (pc !== this.pc) return;
        const wanted = this.#wanted;
        const answered = this.#signalling.request({ type: 'offer', sdp: pc.localDescription.sdp });
        for (const candidate of this.#candidates) this.#signalling.send({ type: 'candidate', candidate });
        this.#candidates = null;
        const answer = await answered;
        if (pc !== this.pc) return;
        if (this.#wanted === wanted) this.#wanted = null;
        await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    }

    #sendCandidate(pc, candidate) {
        if (pc !== this.pc) return;
        const json = candidate?.candidate ? candidate.toJSON() : null;
        if (this.#candidates) this.#candidates.push(json);
        else this.#signalling.send({ type: 'candidate', candidate: json });
    }

    #iceChanged() {
        const state = this.pc.iceConnectionState;
        if (state === 'connected' || state === 'completed') {
            this.#watch(0);
            this.#setState('connected');
        } else if (state === 'failed') {
            this.#setState('broken');
            this.#repair();
        } else if (state === 'disconnected') {
            this.#watch(DISCONNECTED_MS, () => {
                this.#setState('broken');
                this.#repair();
            });
        }
    }

    #transportChanged() {
        const { connectionState, iceConnectionState } = this.pc;
        if (connectionState !== 'failed' || iceConnectionState === 'failed') return;
        this.#setState('broken'); // DTLS failed: new ICE credentials would not help
        this.#watch(DISCONNECTED_MS, () => this.#reopen());
    }

    #reopen() {
        if (this.#signalling.joined && !this.#closed) this.open(); // else resumed() goes on
    }

    #repair() {
        if (this.#signalling.joined) this.restart();
        else this.#watch(0); // resumed() goes on
    }

    /** One watch at a time: what to do when the connection did not recover in that time. */
    #watch(ms, action) {
        clearTimeout(this.#repairTimer);
        if (ms) this.#repairTimer = setTimeout(action, ms);
    }

    #setState(state) {
        if (state === this.state) return;
        this.state = state;
        this.#emit('state', state);
    }

    #dispose() {
        this.#watch(0);
        this.#candidates = null;
        this.#wanted = null;
        const { pc } = this;
        this.pc = null;
        pc?.close();
    }

    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }
}
