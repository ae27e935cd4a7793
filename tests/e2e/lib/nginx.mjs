// nginx with its RTMP module as a destination of broadcasts, in a directory and on ports of its own.

import { createSocket } from 'node:dgram';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { start } from './programs.mjs';
import { pause, waitFor, within } from './wait.mjs';

const MODULES = '/usr/lib/nginx/modules';

/** What keeps a port for TCP and UDP until it is closed: {port, close()}. */
async function holdPort() {
    for (;;) {
        const server = await new Promise((resolve) => {
            const one = createServer().listen(0, '127.0.0.1', () => resolve(one));
        });
        const { port } = server.address();
        const udp = createSocket('udp4');
        const isFree = await new Promise((resolve) => {
            udp.once('error', () => resolve(false));
            udp.bind(port, '127.0.0.1', () => resolve(true));
        });
        const close = async () => {
            await new Promise((resolve) => server.close(resolve));
            await new Promise((resolve) => udp.close(resolve));
        };
        if (isFree) return { port, close };
        await close();
    }
}

/** Ports that nobody listens on now, by TCP or UDP. */
export async function freePorts(n) {
    const held = await Promise.all(Array.from({ length: n }, holdPort));
    await Promise.all(held.map((one) => one.close()));
    return held.map(({ port }) => port);
}

const listens = (port) =>
    new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
    });

export class Nginx {
    #dir;
    #running;

    /** ports: { rtmp, rtmps }; tls: { certificate, key } for rtmps. Live streams: /live/KEY; none may be
     *  published under /closed/; gate, a URL, is asked about those under /asked/ (on_publish). */
    constructor(dir, ports, tls, gate) {
        this.#dir = dir;
        this.ports = ports;
        mkdirSync(dir, { recursive: true });
        writeFileSync(path.join(dir, 'nginx.conf'), `
load_module ${MODULES}/ngx_rtmp_module.so;
load_module ${MODULES}/ngx_stream_module.so;
daemon off;
master_process off;
pid ${dir}/pid;
error_log stderr warn;
events { worker_connections 64; }
rtmp {
    server {
        listen 127.0.0.1:${ports.rtmp};
        application live { live on; drop_idle_publisher 3s; allow publish 127.0.0.1; }
        application closed { live on; deny publish all; }
        application asked { live on; on_publish ${gate}; }
    }
}
stream {
    server {
        listen 127.0.0.1:${ports.rtmps} ssl;
        ssl_certificate ${tls.certificate};
        ssl_certificate_key ${tls.key};
        proxy_pass 127.0.0.1:${ports.rtmp};
    }
}
`);
    }

    get url() {
        return `rtmp://127.0.0.1:${this.ports.rtmp}`;
    }

    get pid() {
        return this.#running.child.pid;
    }

    async start() {
        this.#running = start('/usr/sbin/nginx', ['-p', this.#dir, '-c', path.join(this.#dir, 'nginx.conf')]);
        const died = this.#running.done.then(({ stderr }) => {
            throw new Error(`nginx ended: ${stderr}`);
        });
        died.catch(() => {});
        await Promise.race([died, waitFor('nginx listens', () => listens(this.ports.rtmp), 10000, 50)]);
    }

    signal(name) {
        process.kill(this.pid, name);
    }

    async kill() {
        if (!this.#running) return;
        this.signal('SIGKILL');
        await within('nginx ends', 5000, this.#running.done);
        this.#running = undefined;
        await pause(50);
    }

    async remove() {
        await this.kill();
        rmSync(this.#dir, { recursive: true, force: true });
    }
}
