// A camera that speaks RTSP (RFC 2326) with its media in the same connection, as ours asks for it; ffmpeg makes the media.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { ffmpeg, end } from './programs.mjs';

const FORMS = [
    { kind: 'video', encode: ['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30'], type: 96, map: 'H264/90000' },
    { kind: 'audio', encode: ['-map', '1:a', '-c:a', 'libopus'], type: 97, map: 'opus/48000/2' },
];

const sdp = [
    'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=camera', 'c=IN IP4 0.0.0.0', 't=0 0',
    ...FORMS.flatMap(({ kind, type, map }, i) => [`m=${kind} 0 RTP/AVP ${type}`, `a=rtpmap:${type} ${map}`, `a=control:track${i}`]),
    '',
].join('\r\n');

/** `pictures` and `sound`: lavfi sources of ffmpeg. */
export class RtspCamera {
    static async start(pictures, sound) {
        const camera = new RtspCamera();
        camera.players = new Set();
        camera.sockets = await Promise.all(FORMS.map((_, track) => camera.#receive(track)));
        camera.listener = createServer((socket) => camera.#serve(socket));
        await new Promise((resolve) => camera.listener.listen(0, '127.0.0.1', resolve));
        camera.url = `rtsp://127.0.0.1:${camera.listener.address().port}/cam`;
        const outputs = FORMS.flatMap(({ encode, type }, i) => [...encode, '-payload_type', String(type), '-f', 'rtp', `rtp://127.0.0.1:${camera.sockets[i].address().port}?pkt_size=1200`]);
        camera.maker = ffmpeg('-re', '-f', 'lavfi', '-i', pictures, '-f', 'lavfi', '-i', sound, ...outputs);
        return camera;
    }

    async #receive(track) {
        const socket = createSocket('udp4');
        socket.on('message', (packet) => {
            const head = Buffer.from([0x24, 2 * track, packet.length >> 8, packet.length & 255]);
            for (const player of this.players) player.write(Buffer.concat([head, packet]));
        });
        await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
        return socket;
    }

    #serve(socket) {
        let text = '';
        socket.on('error', () => {});
        socket.on('close', () => this.players.delete(socket));
        socket.on('data', (data) => {
            text += data.toString('latin1');
            for (let stop; (stop = text.indexOf('\r\n\r\n')) >= 0; text = text.slice(stop + 4)) this.#answer(socket, text.slice(0, stop));
        });
    }

    #answer(socket, request) {
        const method = /([A-Z_]+) rtsp:/.exec(request)?.[1];
        const head = [`RTSP/1.0 ${method ? '200 OK' : '400 Bad Request'}`, `CSeq: ${/CSeq: (\d+)/i.exec(request)?.[1] ?? 0}`, 'Session: 1'];
        if (method === 'OPTIONS') head.push('Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN');
        if (method === 'DESCRIBE') head.push('Content-Type: application/sdp', `Content-Base: ${this.url}/`, `Content-Length: ${sdp.length}`);
        if (method === 'SETUP') head.push(`Transport: ${/Transport: ([^\r]*)/i.exec(request)[1]}`);
        socket.write(`${head.join('\r\n')}\r\n\r\n${method === 'DESCRIBE' ? sdp : ''}`);
        if (method === 'PLAY') this.players.add(socket);
    }

    async stop() {
        await end(this.maker);
        for (const player of this.players) player.destroy();
        for (const socket of this.sockets) socket.close();
        this.listener.close();
    }
}
