// The server itself: the key numbers of /metrics.

import { kbits, parseMetrics, percent } from './load.js';
import { getText } from './server-api.js';
import { Poller, el, linkButton, pageHead } from './widgets.js';

const POLL_MS = 2000;

const whole = (value) => (value === undefined ? '–' : Math.round(value).toLocaleString('en-GB'));
const megabytes = (value) => (value === undefined ? '–' : `${(value / 1048576).toFixed(0)} MiB`);
const milliseconds = (value) => (value === undefined ? '–' : `${(value * 1000).toFixed(1)} ms`);

/** "name{a="b",...}" with that name: [labels, value]. */
function labelled(metrics, name) {
    return [...metrics]
        .filter(([key]) => key.startsWith(`${name}{`))
        .map(([key, value]) => [key.slice(name.length + 1, -1), value]);
}

function requests(metrics, from, to) {
    const all = labelled(metrics, 'tessera_http_requests_total').map(([labels, value]) => [
        Number(/status="(\d+)"/.exec(labels)?.[1]),
        value,
    ]);
    return all.filter(([status]) => status >= from && status < to).reduce((sum, [, value]) => sum + value, 0);
}

class ServerPage {
    #before = null;

    constructor(place) {
        this.version = el('span', { class: 'chip', hidden: true });
        this.state = el('span', { class: 'chip accent', hidden: true });
        this.problem = el('p', { class: 'problem', role: 'alert', hidden: true });
        this.grid = el('div', { class: 'tiles' });
        const links = [
            linkButton('All metrics', '/metrics', { icon: 'stats', target: '_blank' }),
            linkButton('API description', '/openapi.yaml', { icon: 'open', target: '_blank' }),
        ];
        place.append(pageHead('Server', [this.version, this.state], links), this.problem, this.grid);
        this.poller = new Poller(() => this.#poll(), POLL_MS);
    }

    stop() {
        this.poller.stop();
    }

    async #poll() {
        try {
            const metrics = parseMetrics(await getText('/metrics'));
            const now = { metrics, at: performance.now() };
            this.#show(metrics, this.#before, this.#before ? (now.at - this.#before.at) / 1000 : 0);
            this.#before = now;
            this.problem.hidden = true;
        } catch (error) {
            this.problem.textContent = error.message;
            this.problem.hidden = false;
        }
    }

    #show(metrics, before, seconds) {
        const value = (name) => metrics.get(name);
        const rate = (name) =>
            before && seconds > 0 && before.metrics.has(name) ? (value(name) - before.metrics.get(name)) / seconds : null;
        const sent = rate('tessera_http_sent_bytes_total');
        const cpu = rate('process_cpu_seconds_total');
        const late = value('tessera_audio_late_ticks_total');
        const [info] = [...metrics.keys()]
            .map((key) => /^tessera_(?:build_)?info\{.*version="([^"]+)"/.exec(key))
            .filter(Boolean);
        this.version.hidden = !info;
        this.version.textContent = info?.[1] ?? '';
        this.state.hidden = false;
        this.state.textContent = value('tessera_draining') ? 'draining' : 'running';
        this.grid.replaceChildren(
            ServerPage.#group('People', [
                ['Rooms', whole(value('tessera_rooms'))],
                ['People', whole(value('tessera_participants'))],
                ['WebSockets', whole(value('tessera_ws_connections'))],
                ['WHIP sessions', whole(value('tessera_whip_sessions_total'))],
                ['WHEP sessions', whole(value('tessera_whep_sessions_total'))],
            ]),
            ServerPage.#group('Sound', [
                ['Ticks of 20 ms', whole(value('tessera_audio_ticks_total'))],
                ['Late', whole(late), late > 0],
                ['Left out', whole(value('tessera_audio_skipped_ticks_total'))],
                ['The latest ever', milliseconds(value('tessera_audio_worst_late_seconds'))],
            ]),
            ServerPage.#group('Process', [
                ['CPU, of one core', percent(cpu === null ? null : cpu * 100)],
                ['Memory', megabytes(value('process_resident_memory_bytes'))],
                ['Open files', whole(value('process_open_fds'))],
            ]),
            ServerPage.#group('HTTP', [
                ['Connections', whole(value('tessera_http_connections'))],
                ['Sent', kbits(sent === null ? null : (sent * 8) / 1000)],
                ['Answered well', whole(requests(metrics, 200, 400))],
                ['Refused', whole(requests(metrics, 400, 500))],
                ['Failed', whole(requests(metrics, 500, 600)), requests(metrics, 500, 600) > 0],
                ['Too many', whole(value('tessera_http_rate_limited_total'))],
                ['Wrong tokens', whole(value('tessera_http_auth_failures_total'))],
            ]),
        );
    }

    static #group(title, rows) {
        const list = el(
            'dl',
            { class: 'numbers' },
            ...rows.map(([label, text, warn]) =>
                el('div', { class: warn ? 'warn' : '' }, el('dt', {}, label), el('dd', {}, text)),
            ),
        );
        return el('section', { class: 'card panel' }, el('h2', {}, title), list);
    }
}

export const serverPage = (place) => new ServerPage(place);
