// What a sender's picture looks like, and how to read it back out of a tile of the mix: a flat
// colour, a clock in binary blocks, and a block that flashes. Everything that is read stands in the
// middle 64 % of the width, so that a tile of another shape may crop the sides.

export const WIDTH = 640;
export const HEIGHT = 360;

const BLOCK = 24;
const COLUMNS = 16;
const CLOCK_X = (WIDTH - COLUMNS * BLOCK) / 2;
const CLOCK_Y = 60; // two rows: 24 bits of milliseconds, 8 bits of check
const FLASH = { x: 272, y: 170, width: 96, height: 72 };
const COLOUR_POINTS = [
    [180, 206],
    [460, 206],
];

export const COLOURS = {
    red: { y: 90, u: 90, v: 220 },
    green: { y: 130, u: 70, v: 60 },
    blue: { y: 60, u: 210, v: 110 },
    yellow: { y: 180, u: 40, v: 150 },
};

function check(ms) {
    return ((ms >> 16) ^ (ms >> 8) ^ ms ^ 0xa5) & 0xff;
}

function fill(plane, stride, { x, y, width, height }, value) {
    for (let row = y; row < y + height; row++) plane.fill(value, row * stride + x, row * stride + x + width);
}

/** Paints I420 frames of one colour; each call returns the same buffer with a new clock. */
export class Painter {
    #data = new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2);
    #luma = this.#data.subarray(0, WIDTH * HEIGHT);
    #colour;

    constructor(colour) {
        this.#colour = colour;
        const chroma = (WIDTH * HEIGHT) / 4;
        this.#luma.fill(colour.y);
        this.#data.fill(colour.u, WIDTH * HEIGHT, WIDTH * HEIGHT + chroma);
        this.#data.fill(colour.v, WIDTH * HEIGHT + chroma);
        const grey = { x: CLOCK_X / 2, y: CLOCK_Y / 2, width: (COLUMNS * BLOCK) / 2, height: BLOCK };
        const flash = { x: FLASH.x / 2, y: FLASH.y / 2, width: FLASH.width / 2, height: FLASH.height / 2 };
        for (const start of [WIDTH * HEIGHT, WIDTH * HEIGHT + chroma]) {
            fill(this.#data.subarray(start), WIDTH / 2, grey, 128);
            fill(this.#data.subarray(start), WIDTH / 2, flash, 128);
        }
    }

    /** ms: the clock to paint; flash: whether the block is lit. */
    paint(ms, flash) {
        const time = Math.floor(ms) & 0xffffff;
        const bits = [time >> 16, (time >> 8) & 0xff, time & 0xff, check(time)];
        for (let i = 0; i < 2 * COLUMNS; i++) {
            const lit = (bits[i >> 3] >> (7 - (i & 7))) & 1;
            const place = { x: CLOCK_X + (i % COLUMNS) * BLOCK, y: CLOCK_Y + (i < COLUMNS ? 0 : BLOCK), width: BLOCK, height: BLOCK };
            fill(this.#luma, WIDTH, place, lit ? 235 : 16);
        }
        fill(this.#luma, WIDTH, FLASH, flash ? 235 : 16);
        return { width: WIDTH, height: HEIGHT, data: this.#data };
    }
}

/** Where a point of the sender's picture stands in the frame: the tile is covered, centred. */
function place(tile, x, y) {
    const scale = Math.max(tile.width / WIDTH, tile.height / HEIGHT);
    return [
        Math.round(tile.x + tile.width / 2 + (x - WIDTH / 2) * scale),
        Math.round(tile.y + tile.height / 2 + (y - HEIGHT / 2) * scale),
    ];
}

/** Mean of the 5 x 5 samples around a point. */
function sample(plane, stride, x, y) {
    let sum = 0;
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) sum += plane[(y + dy) * stride + x + dx];
    return sum / 25;
}

/** Read a tile of a frame: { clock (ms, low 24 bits) or null, flash, colour {y,u,v} }. */
export function readTile(frame, tile) {
    const { width, height, data } = frame;
    const chroma = (width * height) / 4;
    const planeU = data.subarray(width * height);
    const planeV = data.subarray(width * height + chroma);
    const bytes = [0, 0, 0, 0];
    for (let i = 0; i < 2 * COLUMNS; i++) {
        const [x, y] = place(
            tile,
            CLOCK_X + (i % COLUMNS) * BLOCK + BLOCK / 2,
            CLOCK_Y + (i < COLUMNS ? 0 : BLOCK) + BLOCK / 2,
        );
        bytes[i >> 3] = (bytes[i >> 3] << 1) | (sample(data, width, x, y) > 125 ? 1 : 0);
    }
    const time = (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
    const [flashX, flashY] = place(tile, FLASH.x + FLASH.width / 2, FLASH.y + FLASH.height / 2);
    const colour = { y: 0, u: 0, v: 0 };
    for (const [px, py] of COLOUR_POINTS) {
        const [x, y] = place(tile, px, py);
        colour.y += sample(data, width, x, y) / COLOUR_POINTS.length;
        colour.u += sample(planeU, width / 2, x >> 1, y >> 1) / COLOUR_POINTS.length;
        colour.v += sample(planeV, width / 2, x >> 1, y >> 1) / COLOUR_POINTS.length;
    }
    return { clock: check(time) === bytes[3] ? time : null, flash: sample(data, width, flashX, flashY) > 125, colour };
}

/** A clock's 24 bits made whole again: the moment closest before `nowMs`. */
export function unwrapClock(clock, nowMs) {
    const base = Math.floor(nowMs);
    return base - ((base - clock) & 0xffffff);
}

export function colourDistance(a, b) {
    return Math.max(Math.abs(a.y - b.y), Math.abs(a.u - b.u), Math.abs(a.v - b.v));
}
