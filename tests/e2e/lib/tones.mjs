// What a sender sounds like, and how to measure it in what somebody hears: a steady tone of its
// own, and a beep of its own each second. Tones are multiples of 100 Hz and beeps of 200 Hz, so that
// short windows hold whole periods of them and they don't leak into each other.

export const RATE = 48000;
export const BEEP_MS = 80;

const TONE_AMPLITUDE = 0.08;
const BEEP_AMPLITUDE = 0.25;
const RAMP = 96; // samples of the beep's soft start and end

/** Makes the samples of one person, chunk by chunk. */
export class Voice {
    #toneHz;
    #beepHz;
    #phaseMs;
    #index = 0;

    /** A beep starts whenever the clock is phaseMs after a full second. */
    constructor({ toneHz, beepHz, phaseMs }) {
        this.#toneHz = toneHz;
        this.#beepHz = beepHz;
        this.#phaseMs = phaseMs;
    }

    /** The next 10 ms; startMs: the moment of its first sample. */
    chunk(startMs) {
        const samples = new Int16Array(RATE / 100);
        const sinceBeep = ((((startMs - this.#phaseMs) % 1000) + 1000) % 1000) * (RATE / 1000);
        for (let i = 0; i < samples.length; i++) {
            const value =
                TONE_AMPLITUDE * Math.sin((2 * Math.PI * this.#toneHz * this.#index++) / RATE) +
                this.#beep((sinceBeep + i) % RATE);
            samples[i] = Math.round(value * 32767);
        }
        return samples;
    }

    #beep(n) {
        const length = (BEEP_MS * RATE) / 1000;
        if (n >= length) return 0;
        const ramp = Math.min(1, n / RAMP, (length - n) / RAMP);
        return BEEP_AMPLITUDE * ramp * Math.sin((2 * Math.PI * this.#beepHz * n) / RATE);
    }
}

/** Amplitude (1 = full scale) of a frequency in samples[from, to), with a Hann window if asked. */
export function amplitude(samples, from, to, hz, hann = false) {
    const n = to - from;
    const step = (2 * Math.PI * hz) / RATE;
    const coefficient = 2 * Math.cos(step);
    let s1 = 0;
    let s2 = 0;
    let weight = 0;
    for (let i = 0; i < n; i++) {
        const w = hann ? 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / n) : 1;
        weight += w;
        const s = w * samples[from + i] + coefficient * s1 - s2;
        s2 = s1;
        s1 = s;
    }
    const power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    return (2 * Math.sqrt(Math.max(0, power))) / weight / 32768;
}

export const decibel = (value) => 20 * Math.log10(Math.max(value, 1e-7));

/** Level of a tone in dBFS: the median of windows of one second. */
export function toneLevel(samples, hz) {
    const levels = [];
    for (let from = 0; from + RATE <= samples.length; from += RATE / 2)
        levels.push(decibel(amplitude(samples, from, from + RATE, hz, true)));
    levels.sort((a, b) => a - b);
    return levels.length ? levels[levels.length >> 1] : -Infinity;
}

/** Holes in a steady tone: runs of 10 ms windows more than 6 dB below its usual level.
 *  [{atMs, lengthMs}]; from 20 ms on, one window alone may be a transient of the codec. */
export function toneHoles(samples, hz) {
    const size = RATE / 100;
    const levels = [];
    for (let from = 0; from + size <= samples.length; from += size)
        levels.push(amplitude(samples, from, from + size, hz));
    const usual = [...levels].sort((a, b) => a - b)[levels.length >> 1];
    const holes = [];
    let start = -1;
    for (let i = 0; i <= levels.length; i++) {
        const low = i < levels.length && levels[i] < usual / 2;
        if (low && start < 0) start = i;
        if (!low && start >= 0) {
            if (i - start >= 2) holes.push({ atMs: start * 10, lengthMs: (i - start) * 10 });
            start = -1;
        }
    }
    return holes;
}

/** Runs of digital silence of 3 ms and more: [{atMs, lengthMs}]. */
export function zeroRuns(samples) {
    const runs = [];
    let start = -1;
    for (let i = 0; i <= samples.length; i++) {
        const zero = i < samples.length && samples[i] >= -1 && samples[i] <= 1;
        if (zero && start < 0) start = i;
        if (!zero && start >= 0) {
            if (i - start >= RATE * 0.003)
                runs.push({ atMs: (start * 1000) / RATE, lengthMs: ((i - start) * 1000) / RATE });
            start = -1;
        }
    }
    return runs;
}

/** Positions (in samples) at which a beep of that frequency begins: its envelope's half height. */
export function beepOnsets(samples, hz) {
    const size = RATE / 200;
    const hop = RATE / 1000;
    const envelope = [];
    for (let from = 0; from + size <= samples.length; from += hop)
        envelope.push(amplitude(samples, from, from + size, hz));
    const peak = [...envelope].sort((a, b) => b - a)[Math.floor(envelope.length * 0.02)] ?? 0;
    const onsets = [];
    if (peak < 0.01) return onsets;
    for (let i = 40; i < envelope.length; i++) {
        if (envelope[i] < peak / 2 || envelope[i - 1] >= peak / 2) continue;
        if (envelope.slice(i - 40, i).every((value) => value < peak / 2)) onsets.push(i * hop + size / 2);
    }
    return onsets;
}
