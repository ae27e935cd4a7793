// Lengths of layout documents: whole pixels (320) or fractions ("2/3"). In the editor a length is a
// number: its share of the canvas's side. Pure.

const LENGTH = /^(\d{1,5})\/(\d{1,5})$/;
const EXACT = 1e-9;
const MAX_DENOMINATOR = 9999;

/** The fraction n/d that is nearest to the value, among those with d up to the limit. */
export function nearestFraction(value, maxDenominator = MAX_DENOMINATOR) {
    let [lowN, lowD, highN, highD] = [0, 1, 1, 0];
    let best = [Math.round(value), 1];
    const better = (n, d) => Math.abs(n / d - value) < Math.abs(best[0] / best[1] - value);
    for (let i = 0; i < 20000; i++) {
        const [n, d] = [lowN + highN, lowD + highD];
        if (d > maxDenominator) break;
        if (better(n, d)) best = [n, d];
        if (Math.abs(n / d - value) < EXACT) return [n, d];
        if (n / d < value) [lowN, lowD] = [n, d];
        else [highN, highD] = [n, d];
    }
    return best;
}

/** 0.6666666 -> "2/3"; 0 -> 0. Values outside of 0..1 are brought inside. */
export function toLength(value) {
    const inside = Math.min(1, Math.max(0, value));
    const [n, d] = nearestFraction(inside);
    return n === 0 ? 0 : `${n}/${d}`;
}

/** The share of a side of `pixels`, or null for what is no length. */
export function lengthShare(length, pixels) {
    if (typeof length === 'number') return Number.isFinite(length) ? length / pixels : null;
    const found = LENGTH.exec(length ?? '');
    return found && Number(found[2]) ? Number(found[1]) / Number(found[2]) : null;
}

/** A share written in the way in which the length was written before: pixels stay pixels. */
export function shareAs(previous, share, pixels) {
    const wasPixels = typeof previous === 'number' && previous !== 0;
    return wasPixels ? Math.max(0, Math.round(share * pixels)) : toLength(share);
}

/** What a person types ("320", "2/3", "50 %", "0.25") as a length; undefined for nothing, null for nonsense. */
export function parseLength(text) {
    const typed = text.trim().replace(',', '.');
    if (typed === '') return undefined;
    if (/^\d{1,5}$/.test(typed)) return Number(typed);
    if (LENGTH.test(typed)) return lengthShare(typed, 1) === null ? null : typed;
    const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(typed);
    if (percent) return Number(percent[1]) <= 100 ? toLength(Number(percent[1]) / 100) : null;
    return /^0?\.\d+$/.test(typed) ? toLength(Number(typed)) : null;
}

/** "16/9", "16:9" -> 1.777...; null for what is no shape. */
export function parseAspect(text) {
    const found = /^(\d{1,5})[/:](\d{1,5})$/.exec(text ?? '');
    return found && Number(found[1]) && Number(found[2]) ? Number(found[1]) / Number(found[2]) : null;
}

/** The canvas that the editor works on: the shape of the document with a shorter side of 720. */
export function canvasSize(aspect) {
    const shape = parseAspect(aspect) ?? 16 / 9;
    const even = (value) => Math.min(1920, 2 * Math.round(value / 2));
    return shape >= 1 ? { width: even(720 * shape), height: 720 } : { width: 720, height: even(720 / shape) };
}
