// A plan of the solver (layout_plan_json() of the API) as a small drawing: the canvas with its
// tiles. Drawn in pixels of the page, so that lines and letters stay sharp at every size.

import { initials } from './ui.js';

const SVG = 'http://www.w3.org/2000/svg';

// The colours that the mixer itself gives to people without a picture.
const COLOURS = [
    '#4f6d9e', '#3f7f86', '#4b8063', '#6f7f45', '#95733c', '#a0613f',
    '#a2565c', '#96568a', '#7a5ea6', '#5a63b0', '#5c7285', '#7d6a5d',
];
const BACKDROP = '#1d232a';
const PAPER = '#dfe4ea';
const INK = '#5d6875';
const LETTERS = '#f4f6f8';
const SMALLEST_TEXT = 7; // letters below this are dirt, not text

function shape(tag, attributes, text) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
}

/** The mixer's choice of a colour: FNV-1a of the id, folded. */
export function personColour(id) {
    let hash = 2166136261;
    for (const byte of new TextEncoder().encode(id ?? '')) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
    return COLOURS[((hash ^ (hash >>> 15)) >>> 0) % COLOURS.length];
}

function luminance(rgb) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(rgb.slice(at, at + 2), 16) / 255);
    return 0.299 * r + 0.587 * g + 0.114 * b;
}

/** A letter or two in the middle of a box, as large as it has room; nothing where it has none. */
function letters(text, box, { most = 22, fill = LETTERS } = {}) {
    const size = Math.min(box.height * 0.54, (box.width * 0.9) / (text.length * 0.86), most);
    if (!text || size < SMALLEST_TEXT) return null;
    return shape(
        'text',
        {
            x: box.x + box.width / 2,
            y: box.y + box.height / 2,
            'text-anchor': 'middle',
            'dominant-baseline': 'central',
            'font-size': size.toFixed(1),
            'font-weight': 650,
            fill,
        },
        text,
    );
}

function box(rect, scale, inset) {
    const x = rect.x * scale + inset;
    const y = rect.y * scale + inset;
    return {
        x,
        y,
        width: Math.max(1, rect.width * scale - 2 * inset),
        height: Math.max(1, rect.height * scale - 2 * inset),
    };
}

function rectangle(place, radius, attributes) {
    const { x, y, width, height } = place;
    const r = Math.min(radius, width / 2, height / 2);
    return shape('rect', {
        x: x.toFixed(2),
        y: y.toFixed(2),
        width: width.toFixed(2),
        height: height.toFixed(2),
        rx: r.toFixed(2),
        ...attributes,
    });
}

/** A shared screen: a sheet with a title bar and lines of writing. */
function drawScreen(group, place, radius) {
    group.append(rectangle(place, radius, { fill: PAPER }));
    const pad = Math.min(place.width, place.height) * 0.14;
    const bar = Math.max(1, place.height * 0.05);
    const lines = place.height > 18 ? [0.22, 0.4, 0.58, 0.76] : [0.3, 0.6];
    for (const [i, at] of lines.entries()) {
        const width = (place.width - 2 * pad) * [0.45, 0.9, 0.75, 0.6][i];
        const line = { x: place.x + pad, y: place.y + place.height * at - bar / 2, width, height: bar };
        group.append(rectangle(line, bar / 2, { fill: INK, 'fill-opacity': i === 0 ? 0.9 : 0.45 }));
    }
}

function drawSource(group, tile, place, radius, { people, self }) {
    const participant = (tile.id ?? '').split('/')[0];
    const name = people?.get?.(participant)?.name ?? tile.name ?? participant;
    const colour = personColour(participant);
    if (tile.screen) drawScreen(group, place, radius);
    else if (tile.picture === false) {
        // Initials in a circle, as the mixer draws who has no picture here.
        const size = Math.min(place.width, place.height) * 0.62;
        const circle = {
            x: place.x + (place.width - size) / 2,
            y: place.y + (place.height - size) / 2,
            width: size,
            height: size,
        };
        group.append(rectangle(place, radius, { fill: BACKDROP }), rectangle(circle, size, { fill: colour }));
        const text = letters(initials(name), circle);
        if (text) group.append(text);
    } else {
        group.append(rectangle(place, radius, { fill: colour }));
        const text = letters(initials(name), place);
        if (text) group.append(text);
    }
    if (self && participant === self && !tile.screen) {
        const inner = { x: place.x + 0.75, y: place.y + 0.75, width: Math.max(1, place.width - 1.5), height: Math.max(1, place.height - 1.5) };
        group.append(rectangle(inner, radius, { fill: 'none', stroke: LETTERS, 'stroke-width': 1.5, 'stroke-opacity': 0.9 }));
    }
}

function drawTile(tile, scale, options) {
    const group = shape('g', { 'data-kind': tile.kind });
    // Tiles that touch keep a hair of the background between them, so that one can count them.
    const place = box(tile, scale, 0.5);
    const radius = Math.max(1.5, (tile.radius ?? 0) * scale);
    if (tile.kind === 'placeholder') {
        const line = { fill: options.ink, 'fill-opacity': 0.06, stroke: options.ink, 'stroke-opacity': 0.5, 'stroke-width': 1, 'stroke-dasharray': '3 3' };
        group.append(rectangle(box(tile, scale, 1), radius, line));
    } else if (tile.kind === 'more') {
        group.append(rectangle(place, radius, { fill: BACKDROP, stroke: LETTERS, 'stroke-opacity': 0.25 }));
        const text = letters(`+${tile.more}`, place);
        if (text) group.append(text);
    } else drawSource(group, tile, place, radius, options);
    return group;
}

function drawOverlay(overlay, scale, ink) {
    const group = shape('g', { 'data-overlay': overlay.kind });
    const place = box(overlay, scale, 0.5);
    group.append(
        rectangle(place, 2, { fill: BACKDROP, 'fill-opacity': 0.55, stroke: ink, 'stroke-opacity': 0.7, 'stroke-width': 0.75 }),
    );
    if (overlay.kind === 'image') {
        // A hill and a sun, as everywhere for "a picture".
        const { x, y, width, height } = place;
        const hill = `M${x + width * 0.1} ${y + height * 0.85}L${x + width * 0.4} ${y + height * 0.4}L${x + width * 0.6} ${y + height * 0.65}L${x + width * 0.72} ${y + height * 0.5}L${x + width * 0.9} ${y + height * 0.85}Z`;
        group.append(shape('path', { d: hill, fill: LETTERS, 'fill-opacity': 0.7 }));
    } else if (overlay.kind === 'clock') {
        const text = letters('12:00', place, { most: 12 });
        if (text) group.append(text);
    } else {
        const height = Math.max(1, Math.min(3, place.height * 0.2));
        const line = { x: place.x + place.width * 0.06, y: place.y + (place.height - height) / 2, width: place.width * 0.6, height };
        group.append(rectangle(line, height / 2, { fill: LETTERS, 'fill-opacity': 0.8 }));
    }
    return group;
}

/** A plan as an <svg>, at most `width` wide and (where given) `height` high, in the shape of its
 *  canvas. people: Map of participant id -> {name}, for initials that are not the plan's own;
 *  self: a participant id whose tile is marked. Says nothing to screen readers: label it yourself. */
export function layoutPicture(plan, { width, height = Infinity, people = null, self = null }) {
    const { canvas } = plan;
    const scale = Math.min(width / canvas.width, height / canvas.height);
    const size = { width: Math.round(canvas.width * scale), height: Math.round(canvas.height * scale) };
    const background = /^#[0-9a-f]{6}$/i.test(canvas.background ?? '') ? canvas.background : '#111418';
    const ink = luminance(background) > 0.5 ? '#20262b' : LETTERS;
    const svg = shape('svg', {
        viewBox: `0 0 ${size.width} ${size.height}`,
        ...size,
        class: 'layout-picture',
        'aria-hidden': 'true',
        focusable: 'false',
    });
    svg.append(rectangle({ x: 0, y: 0, ...size }, 0, { fill: background }));
    if (canvas.image) {
        const wave = `M0 ${size.height}V${size.height * 0.7}L${size.width * 0.3} ${size.height * 0.4}L${size.width * 0.55} ${size.height * 0.75}L${size.width * 0.75} ${size.height * 0.5}L${size.width} ${size.height * 0.8}V${size.height}Z`;
        svg.append(shape('path', { d: wave, fill: ink, 'fill-opacity': 0.12 }));
    }
    for (const tile of plan.tiles ?? []) svg.append(drawTile(tile, scale, { people, self, ink }));
    for (const overlay of plan.overlays ?? []) svg.append(drawOverlay(overlay, scale, ink));
    return svg;
}
