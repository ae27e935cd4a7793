// The canvas of the layout editor: regions and overlays as boxes that are dragged, resized, and worked
// with by the keyboard. What they are is in the model; here is only how they are touched.

import { nudgeMove, nudgeResize, snapMove, snapResize } from './snapping.js';
import { el } from './widgets.js';

const REACH_PX = 7; // how near a line draws an edge to it
const DRAG_PX = 3; // below this a press is no drag
const FINE = 1 / 120;
const HANDLES = [
    [-1, -1, 'nw'],
    [0, -1, 'n'],
    [1, -1, 'ne'],
    [1, 0, 'e'],
    [1, 1, 'se'],
    [0, 1, 's'],
    [-1, 1, 'sw'],
    [-1, 0, 'w'],
];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const describeFill = (fill) => (Array.isArray(fill) ? fill.join(', ') : (fill ?? 'nobody'));
export const describeItem = (list, item) =>
    list === 'regions'
        ? describeFill(item.fill)
        : item.type === 'text'
          ? `“${item.text ?? ''}”`
          : item.type === 'image'
            ? `image ${item.image ?? ''}`
            : (item.type ?? 'overlay');

const percentOf = (value) => `${(value * 100).toFixed(4)}%`;

function placeAt(element, rect) {
    Object.assign(element.style, {
        left: percentOf(rect.x),
        top: percentOf(rect.y),
        width: percentOf(rect.width),
        height: percentOf(rect.height),
    });
}

export class EditorCanvas {
    grid = 24;
    problems = new Set(); // "regions.0" of what the server refuses
    #boxes = { regions: [], overlays: [] };
    #drag = null;

    constructor(model) {
        this.model = model;
        this.gridLines = el('div', { class: 'canvas-grid', 'aria-hidden': 'true' });
        this.guides = {
            x: el('div', { class: 'guide guide-x', hidden: true }),
            y: el('div', { class: 'guide guide-y', hidden: true }),
        };
        this.frame = el('div', { class: 'frame', hidden: true, 'aria-hidden': 'true' });
        for (const [x, y, name] of HANDLES) {
            const handle = el('div', { class: `handle handle-${name}`, 'data-handle': name });
            handle.addEventListener('pointerdown', (event) => this.#press(event, { x, y }));
            this.frame.append(handle);
        }
        this.note = el('p', { class: 'canvas-note', hidden: true });
        this.element = el('div', {
            class: 'canvas',
            role: 'group',
            'aria-label': 'Canvas: Tab goes through the regions, arrows move, Shift and arrows resize, Delete removes',
        });
        this.element.append(this.gridLines, this.note, this.guides.x, this.guides.y, this.frame);
        this.element.addEventListener('keydown', (event) => this.#key(event));
        this.element.addEventListener('pointerdown', (event) => event.target === this.element && model.select(null));
    }

    /** Set its size in pixels of the page. */
    fit(width, height) {
        this.element.style.width = `${width}px`;
        this.element.style.height = `${height}px`;
    }

    setGrid(steps) {
        this.grid = steps;
        this.gridLines.style.setProperty('--steps', String(steps || 1));
        this.gridLines.hidden = !steps;
    }

    focusSelected() {
        const { selection } = this.model;
        if (selection) this.#boxes[selection.list][selection.index]?.focus({ preventScroll: true });
        else this.element.querySelector('.box')?.focus({ preventScroll: true });
    }

    draw() {
        const { model } = this;
        const background =
            typeof model.document.background === 'string' ? model.document.background : model.document.background?.colour;
        this.element.style.backgroundColor = /^#[0-9a-f]{6}$/i.test(background ?? '') ? background : '#111418';
        const overlapping = new Set(model.overlaps().flat());
        const hadFocus = this.element.contains(document.activeElement);
        for (const list of ['regions', 'overlays']) this.#drawList(list, overlapping);
        this.note.textContent = this.#emptyNote();
        this.note.hidden = !this.note.textContent;
        this.#drawFrame();
        if (hadFocus && !this.#drag) this.focusSelected();
    }

    /** Why there is nothing on the canvas, if so. */
    #emptyNote() {
        const { scope, variant, variants } = this.model;
        if (scope.regions) return '';
        if (scope.use) return `This variant shows the layout “${scope.use}”.`;
        if (variant >= 0) return 'This variant has the regions of the document. Add one to give it its own.';
        return variants.length ? 'Here the variants say everything: choose one.' : 'There is no region yet. Add one.';
    }

    #drawList(list, overlapping) {
        const { model } = this;
        const boxes = this.#boxes[list];
        const items = model[list];
        while (boxes.length > items.length) boxes.pop().remove();
        while (boxes.length < items.length) boxes.push(this.#makeBox(list, boxes.length));
        const rects = model.rects(list);
        items.forEach((item, i) => {
            const box = boxes[i];
            const selected = model.selection?.list === list && model.selection.index === i;
            const wrong = this.problems.has(`${list}.${i}`) || (list === 'regions' && overlapping.has(i));
            placeAt(box, rects[i]);
            box.style.zIndex = String(list === 'overlays' ? 2500 : 1001 + Math.min(1000, Math.max(-1000, Number(item.z) || 0)));
            box.classList.toggle('selected', selected);
            box.classList.toggle('wrong', wrong);
            box.style.setProperty('--hue', String((i * 67 + 170) % 360));
            box.setAttribute('aria-pressed', String(selected));
            const what = describeItem(list, item);
            box.setAttribute(
                'aria-label',
                `${list === 'regions' ? 'Region' : 'Overlay'} ${i + 1}: ${what}${wrong ? ', with an error' : ''}`,
            );
            box.firstChild.textContent = list === 'regions' ? String(i + 1) : '';
            box.lastChild.textContent = what;
        });
    }

    #makeBox(list, index) {
        const box = el(
            'div',
            { class: `box box-${list}`, role: 'button', tabindex: '0', 'data-list': list, 'data-index': index },
            el('span', { class: 'box-number' }),
            el('span', { class: 'box-text' }),
        );
        box.addEventListener('focus', () => this.#choose(list, index));
        box.addEventListener('pointerdown', (event) => {
            this.#choose(list, index);
            this.#press(event, null);
        });
        this.element.insertBefore(box, this.guides.x);
        return box;
    }

    #choose(list, index) {
        const { selection } = this.model;
        if (selection?.list !== list || selection.index !== index) this.model.select(list, index);
    }

    #drawFrame() {
        const { model } = this;
        this.frame.hidden = !model.selected;
        if (model.selected) placeAt(this.frame, model.rects(model.selection.list)[model.selection.index]);
    }

    // --- the pointer

    #options(event) {
        const { width, height } = this.element.getBoundingClientRect();
        const free = event.altKey;
        return {
            others: free ? [] : this.model.otherRects(),
            grid: free ? 0 : this.grid,
            reach: free ? { x: 0, y: 0 } : { x: REACH_PX / width, y: REACH_PX / height },
        };
    }

    /** side: of the handle, or null for the box itself. */
    #press(event, side) {
        if (event.button !== 0 || !this.model.selected) return;
        event.preventDefault();
        this.focusSelected();
        const { selection } = this.model;
        const target = event.currentTarget;
        target.setPointerCapture(event.pointerId);
        this.#drag = {
            side,
            from: [event.clientX, event.clientY],
            rect: this.model.rects(selection.list)[selection.index],
            moving: false,
        };
        const move = (moved) => this.#move(moved);
        const end = () => {
            target.removeEventListener('pointermove', move);
            this.#release();
        };
        target.addEventListener('pointermove', move);
        target.addEventListener('lostpointercapture', end, { once: true });
    }

    #move(event) {
        const drag = this.#drag;
        if (!drag) return;
        const [dx, dy] = [event.clientX - drag.from[0], event.clientY - drag.from[1]];
        if (!drag.moving && Math.hypot(dx, dy) < DRAG_PX) return;
        if (!drag.moving) {
            drag.moving = true;
            this.model.begin();
        }
        const { width, height } = this.element.getBoundingClientRect();
        const { rect, guides } = EditorCanvas.#dragged(drag, dx / width, dy / height, this.#options(event));
        this.model.setRect(rect);
        this.#showGuides(guides);
    }

    static #dragged({ rect, side }, dx, dy, options) {
        if (!side) return snapMove({ ...rect, x: rect.x + dx, y: rect.y + dy }, options);
        const moved = { ...rect };
        for (const [axis, size, by] of [
            ['x', 'width', dx],
            ['y', 'height', dy],
        ]) {
            if (side[axis] < 0) Object.assign(moved, { [axis]: rect[axis] + by, [size]: rect[size] - by });
            else if (side[axis] > 0) moved[size] = rect[size] + by;
        }
        return snapResize(moved, side, options);
    }

    #release() {
        const moved = this.#drag?.moving;
        this.#drag = null;
        this.#showGuides({ x: null, y: null });
        if (moved) this.model.end();
    }

    #giveUp() {
        if (!this.#drag) return false;
        const { moving } = this.#drag;
        this.#drag = null;
        this.#showGuides({ x: null, y: null });
        if (moving) this.model.cancel();
        return true;
    }

    #showGuides({ x, y }) {
        this.guides.x.hidden = x === null;
        this.guides.y.hidden = y === null;
        if (x !== null) this.guides.x.style.left = percentOf(x);
        if (y !== null) this.guides.y.style.top = percentOf(y);
    }

    // --- the keyboard

    #key(event) {
        const arrow = ARROWS[event.key];
        if (arrow && this.model.selected) this.#arrow(event, arrow);
        else if ((event.key === 'Delete' || event.key === 'Backspace') && this.model.selected) this.model.remove();
        else if (event.key === 'Escape') {
            if (!this.#giveUp()) this.model.select(null);
        } else if ((event.key === 'PageUp' || event.key === 'PageDown') && this.model.selection?.list === 'regions') {
            const z = (this.model.selected.z ?? 0) + (event.key === 'PageUp' ? 1 : -1);
            this.model.set('z', z === 0 ? undefined : z);
        } else if (event.key === 'Insert' || (event.key === 'a' && !event.ctrlKey && !event.metaKey)) this.model.addRegion();
        else return;
        event.preventDefault();
    }

    #arrow(event, [x, y]) {
        const step = event.ctrlKey || event.metaKey ? FINE : 1 / (this.grid || 24);
        const { list, index } = this.model.selection;
        const rect = this.model.rects(list)[index];
        const nudged = (event.shiftKey ? nudgeResize : nudgeMove)(rect, x * step, y * step);
        this.model.setRect(nudged, `nudge.${list}.${index}`);
    }
}
