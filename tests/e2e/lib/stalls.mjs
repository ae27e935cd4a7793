// When this process itself stood still: the machine was busy elsewhere, or we computed. Nobody speaks,
// paints, sees or hears meanwhile, and no server can make up for it; so the tests that measure leave
// such moments out.

import { nowMs } from './wait.mjs';

const STALL_MS = 40; // less than this, anybody buffers
const ECHO_MS = 500; // what we failed to say is missed this much later

const stalls = []; // {from, to}
let last = nowMs();

setInterval(() => {
    const now = nowMs();
    if (now - last > STALL_MS) stalls.push({ from: last, to: now });
    last = now;
}, 5).unref();

/** How long we have been on time without a break. */
export function steadyMs() {
    return nowMs() - (stalls.length ? stalls[stalls.length - 1].to : 0);
}

/** How long we stood still since then, in all. */
export function stalledMs(sinceMs) {
    return stalls.filter(({ to }) => to > sinceMs).reduce((sum, { from, to }) => sum + to - Math.max(from, sinceMs), 0);
}

/** How long that was without our standing still meanwhile or just before, and without an echo of it. */
export function unstalledMs(fromMs, toMs) {
    const during = stalls.filter(({ from, to }) => from < toMs && to + ECHO_MS > fromMs);
    const stood = during.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, toMs) - Math.max(from, fromMs)), 0);
    return Math.max(0, toMs - fromMs - stood - (during.length ? ECHO_MS : 0));
}

/** The breaks ({atMs, lengthMs} of a recording) that are not an echo of our own. */
export function unexplained(breaks, { startMs }) {
    return breaks.filter(({ atMs, lengthMs }) =>
        stalls.every(({ from, to }) => startMs + atMs + lengthMs < from || startMs + atMs > to + ECHO_MS),
    );
}
