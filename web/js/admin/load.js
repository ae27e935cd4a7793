// What a room costs, from two pictures of its graph (GET /rooms/{r}/graph). Pure.

const number = (value) => (Number.isFinite(value) ? value : 0);

/** Per second between two counters; null where there is nothing to compare with, or it began anew. */
function rate(now, before, key, seconds) {
    if (!before || !(seconds > 0)) return null;
    const difference = number(now[key]) - number(before[key]);
    return difference >= 0 ? difference / seconds : null;
}

const cpuPercent = (now, before, key, seconds) => {
    const ms = rate(now, before, key, seconds);
    return ms === null ? null : ms / 10;
};

/** Milliseconds of CPU per tick stay countable as text: "3.2 %". null: not known yet. */
export function percent(value) {
    if (value === null || value === undefined) return '–';
    return value < 9.95 ? `${value.toFixed(1)} %` : `${Math.round(value)} %`;
}

export function kbits(value) {
    if (value === null || value === undefined) return '–';
    return value < 1000 ? `${Math.round(value)} kbit/s` : `${(value / 1000).toFixed(1)} Mbit/s`;
}

const sceneKey = (scene, i) => scene.key ?? `${scene.width}x${scene.height}#${i}`;
const renditionKey = (rendition) =>
    [rendition.codec, rendition.width, rendition.height, rendition.fps, rendition.bitrate].join('/');

function renditionLoad(rendition, before, seconds) {
    const bytes = rate(rendition, before, 'bytes', seconds);
    return {
        codec: rendition.codec ?? '?',
        size: `${rendition.width} × ${rendition.height}`,
        target: number(rendition.bitrate) / 1000,
        viewers: number(rendition.viewers),
        cpu: cpuPercent(rendition, before, 'encode_cpu_ms', seconds),
        kbps: bytes === null ? null : (bytes * 8) / 1000,
        fps: rate(rendition, before, 'encoded', seconds),
        wanted: rendition.fps ?? null,
        keyframes: number(rendition.keyframes),
    };
}

function sceneLoad(scene, key, before, seconds) {
    const renditions = scene.renditions ?? [];
    const old = new Map((before?.renditions ?? []).map((rendition) => [renditionKey(rendition), rendition]));
    const loads = renditions.map((rendition) => renditionLoad(rendition, old.get(renditionKey(rendition)), seconds));
    return {
        key,
        layouts: scene.layouts ?? (scene.layout ? [scene.layout] : []),
        size: `${scene.width} × ${scene.height}`,
        tiles: number(scene.tiles),
        viewers: scene.viewers ?? loads.reduce((sum, { viewers }) => sum + viewers, 0),
        cpu: cpuPercent(scene, before, 'compose_cpu_ms', seconds),
        fps: rate(scene, before, 'ticks', seconds),
        wanted: scene.fps ?? null,
        late: number(scene.late_ticks),
        skipped: number(scene.skipped_ticks),
        lateNow: before ? Math.max(0, number(scene.late_ticks) - number(before.late_ticks)) : 0,
        renditions: loads,
    };
}

/** Costs between two graphs that were taken `seconds` apart; before null: what can be said of one. */
export function roomLoad(graph, before, seconds) {
    const old = new Map((before?.scenes ?? []).map((scene, i) => [sceneKey(scene, i), scene]));
    const scenes = (graph.scenes ?? []).map((scene, i) =>
        sceneLoad(scene, sceneKey(scene, i), old.get(sceneKey(scene, i)), seconds),
    );
    const mix = cpuPercent(graph.mixer ?? {}, before?.mixer, 'cpu_ms', seconds);
    const parts = [mix, ...scenes.flatMap(({ cpu, renditions }) => [cpu, ...renditions.map((rendition) => rendition.cpu)])];
    const all = scenes.flatMap(({ renditions }) => renditions);
    const known = parts.filter((value) => value !== null);
    return {
        cpu: known.length ? known.reduce((sum, value) => sum + value, 0) : null,
        mix,
        voices: number(graph.mixer?.own_voices),
        submixes: graph.mixer?.submixes?.length ?? 0,
        scenes,
        renditions: all.length,
        kbps: all.some(({ kbps }) => kbps !== null) ? all.reduce((sum, { kbps }) => sum + (kbps ?? 0), 0) : null,
        late: scenes.reduce((sum, { late }) => sum + late, 0),
    };
}

/** Keeps the last graph of each room. */
export class LoadMeter {
    #last = new Map();

    take(room, graph, nowMs) {
        const before = this.#last.get(room);
        const load = roomLoad(graph, before?.graph, before ? (nowMs - before.at) / 1000 : 0);
        this.#last.set(room, { graph, at: nowMs });
        return load;
    }

    keep(rooms) {
        for (const room of this.#last.keys()) if (!rooms.includes(room)) this.#last.delete(room);
    }
}

/** Prometheus' text as Map of name -> value; labels are part of the name as they are written. */
export function parseMetrics(text) {
    const values = new Map();
    for (const line of text.split('\n')) {
        const found = /^([A-Za-z_:][\w:]*(?:\{[^}]*\})?)\s+(\S+)/.exec(line);
        if (found) values.set(found[1], Number(found[2]));
    }
    return values;
}
