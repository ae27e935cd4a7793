// Waiting for conditions, with a deadline and a sentence for the one that did not come.

export const nowMs = () => performance.now();

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Poll until the condition holds (its truthy value is returned) or the time is over. */
export async function waitFor(what, condition, timeoutMs = 10000, everyMs = 25) {
    const deadline = nowMs() + timeoutMs;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (nowMs() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
        await pause(everyMs);
    }
}

/** The promise, or an error when it takes longer. */
export function within(what, timeoutMs, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`Not within ${timeoutMs} ms: ${what}`)), timeoutMs);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function quantile(values, q) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : NaN;
}

export const median = (values) => quantile(values, 0.5);
