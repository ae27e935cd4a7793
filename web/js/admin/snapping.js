// Moving and resizing rectangles {x, y, width, height} in shares of the canvas (0..1), drawn to a grid,
// to the edges of other rectangles and to the canvas's middle. Pure.

export const MIN_SIZE = 1 / 48;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const AXES = { x: ['x', 'width'], y: ['y', 'height'] };

/** Lines of one axis that draw an edge to them: borders, middle, and the edges of the others. */
function lines(axis, others) {
    const [start, size] = AXES[axis];
    const all = [0, 0.5, 1, ...others.flatMap((rect) => [rect[start], rect[start] + rect[size]])];
    return [...new Set(all.map((value) => Math.round(value * 1e9) / 1e9))];
}

/** The line nearest to one of these positions: {line, delta}, or null if none is near enough. */
function nearestLine(positions, candidates, reach) {
    let best = null;
    for (const position of positions) {
        for (const line of candidates) {
            const delta = line - position;
            if (Math.abs(delta) <= reach && (!best || Math.abs(delta) < Math.abs(best.delta))) best = { line, delta };
        }
    }
    return best;
}

const toGrid = (value, grid) => (grid ? Math.round(value * grid) / grid : value);

function moveAxis(rect, axis, { others, grid, reach }) {
    const [start, size] = AXES[axis];
    const from = rect[start];
    const length = rect[size];
    const found = nearestLine([from, from + length / 2, from + length], lines(axis, others), reach[axis]);
    const moved = found ? from + found.delta : toGrid(from, grid);
    const value = clamp(moved, 0, 1 - length);
    const touches = found && Math.abs(value - moved) < 1e-9;
    return { value, guide: touches ? found.line : null };
}

/** The rectangle as it was dragged, drawn to what is near: {rect, guides: {x, y}}. options: {others,
 *  grid: steps per side or 0, reach: {x, y} in shares}. */
export function snapMove(rect, options) {
    const x = moveAxis(rect, 'x', options);
    const y = moveAxis(rect, 'y', options);
    return { rect: { ...rect, x: x.value, y: y.value }, guides: { x: x.guide, y: y.guide } };
}

function resizeAxis(rect, axis, side, { others, grid, reach }) {
    const [start, size] = AXES[axis];
    const [low, high] = [rect[start], rect[start] + rect[size]];
    const edge = side < 0 ? low : high;
    const found = nearestLine([edge], lines(axis, others), reach[axis]);
    const drawn = found ? found.line : toGrid(edge, grid);
    const value = side < 0 ? clamp(drawn, 0, high - MIN_SIZE) : clamp(drawn, low + MIN_SIZE, 1);
    const span = side < 0 ? [value, high - value] : [low, value - low];
    return { [start]: span[0], [size]: span[1], guide: found && value === drawn ? found.line : null };
}

/** The same for a rectangle whose edges were dragged: side {x, y} is -1 (left, top), 1 (right, bottom) or 0. */
export function snapResize(rect, side, options) {
    const result = { rect: { ...rect }, guides: { x: null, y: null } };
    for (const axis of ['x', 'y']) {
        if (!side[axis]) continue;
        const { guide, ...span } = resizeAxis(rect, axis, side[axis], options);
        Object.assign(result.rect, span);
        result.guides[axis] = guide;
    }
    return result;
}

/** One step by the keyboard, kept inside of the canvas. */
export function nudgeMove(rect, dx, dy) {
    return { ...rect, x: clamp(rect.x + dx, 0, 1 - rect.width), y: clamp(rect.y + dy, 0, 1 - rect.height) };
}

/** One step of the right or lower edge by the keyboard. */
export function nudgeResize(rect, dx, dy) {
    return {
        ...rect,
        width: clamp(rect.width + dx, MIN_SIZE, 1 - rect.x),
        height: clamp(rect.height + dy, MIN_SIZE, 1 - rect.y),
    };
}

export function overlap(a, b) {
    const least = 1e-6;
    const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return across > least && down > least;
}

/** A place for a new rectangle: the largest one of some common shapes that overlaps nobody, or the middle. */
export function freePlace(others) {
    for (const part of [1, 1 / 2, 1 / 3, 1 / 4, 1 / 6]) {
        const steps = Math.round(1 / part);
        for (let row = 0; row < steps; row++) {
            for (let column = 0; column < steps; column++) {
                const rect = { x: column * part, y: row * part, width: part, height: part };
                if (!others.some((other) => overlap(rect, other))) return rect;
            }
        }
    }
    return { x: 1 / 4, y: 1 / 4, width: 1 / 2, height: 1 / 2 };
}
