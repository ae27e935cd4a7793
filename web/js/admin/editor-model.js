// What the layout editor works on: a document, which of its variants is edited, what is selected, and
// the way back. Knows nothing of the page. Listeners are told of every change.

import { canvasSize, lengthShare, shareAs, toLength } from './lengths.js';
import { freePlace, overlap } from './snapping.js';

const MAX_UNDO = 200;
/** "schema", "room" and "-" are reserved: they mean something else in addresses. */
export const NAME = /^(?!(schema|room|-)$)[A-Za-z0-9_+-]{1,64}$/;

export function emptyDocument(name) {
    return { name, description: '', background: '#111418', regions: [{ fill: 'rest', gap: '1/90', radius: '1/90' }] };
}

/** A name that nobody has: "grid" -> "grid-2". */
export function freeName(wanted, taken) {
    const stem = wanted.replace(/-\d+$/, '').slice(0, 60);
    for (let i = 2; ; i++) if (!taken.includes(`${stem}-${i}`)) return `${stem}-${i}`;
}

const MAX_DRAWN = 200; // what somebody pastes may be anything; the server takes 64

/** A list of objects, whatever somebody wrote there. */
function objects(value) {
    const isObject = (item) => item !== null && typeof item === 'object' && !Array.isArray(item);
    return Array.isArray(value) ? value.slice(0, MAX_DRAWN).map((item) => (isObject(item) ? item : {})) : [];
}

const copy = (value) => JSON.parse(JSON.stringify(value));

/** The keys of an object in the order in which documents have them; the others as they come. */
const ORDER = [
    '$schema',
    'name',
    'description',
    'type',
    'fill',
    'when',
    'use',
    'x',
    'y',
    'width',
    'height',
    'z',
    'aspect',
    'fit',
    'background',
    'gap',
    'radius',
    'border',
    'max',
    'flow',
    'align',
    'overflow',
    'empty',
    'repeat',
    'show',
    'logo',
    'transition_ms',
    'regions',
    'overlays',
    'variants',
];
function inOrder(object) {
    const rank = (key) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
    const sorted = Object.entries(object).sort(([a], [b]) => rank(a) - rank(b));
    for (const key of Object.keys(object)) delete object[key];
    return Object.assign(object, Object.fromEntries(sorted));
}

export class EditorModel extends EventTarget {
    variant = -1; // index into "variants", or -1: the document itself
    selection = null; // {list: 'regions' | 'overlays', index}
    #undo = [];
    #redo = [];
    #lastMerge = null;
    #gesture = null;

    constructor(document) {
        super();
        this.document = copy(document);
        this.saved = JSON.stringify(this.document);
    }

    get changed() {
        return JSON.stringify(this.document) !== this.saved;
    }

    markSaved() {
        this.saved = JSON.stringify(this.document);
        this.#tell();
    }

    /** The object whose regions and overlays are edited: the document or a variant. */
    get scope() {
        return this.variants[this.variant] ?? this.document;
    }

    get variants() {
        return objects(this.document.variants);
    }

    get regions() {
        return objects(this.scope.regions);
    }

    /** Overlays belong to the document; a variant may have its own. */
    get overlays() {
        return objects(this.scope.overlays);
    }

    get selected() {
        return this.selection ? (this[this.selection.list][this.selection.index] ?? null) : null;
    }

    get canvas() {
        return canvasSize(this.scope.aspect ?? this.document.aspect);
    }

    /** The path of something in the scope, as error messages have it. */
    pathOf(list, index) {
        return this.variant >= 0 ? ['variants', this.variant, list, index] : [list, index];
    }

    #tell() {
        this.dispatchEvent(new Event('change'));
    }

    // --- the way back

    #state() {
        return { document: copy(this.document), variant: this.variant, selection: this.selection && { ...this.selection } };
    }

    #restore(state) {
        Object.assign(this, { document: state.document, variant: state.variant, selection: state.selection });
        this.#lastMerge = null;
        this.#tell();
    }

    /** Change the document. merge: changes in a row with the same key are one step back. */
    change(mutate, merge = null) {
        const before = this.#gesture ?? this.#state();
        mutate(this);
        if (JSON.stringify(before.document) !== JSON.stringify(this.document)) {
            if (!this.#gesture && !(merge && merge === this.#lastMerge)) this.#remember(before);
            this.#lastMerge = merge;
            this.#redo = [];
        }
        this.#tell();
    }

    #remember(state) {
        this.#undo.push(state);
        if (this.#undo.length > MAX_UNDO) this.#undo.shift();
    }

    /** A drag begins: all changes until its end are one step back. */
    begin() {
        this.#gesture = this.#state();
    }

    end() {
        const before = this.#gesture;
        this.#gesture = null;
        this.#lastMerge = null;
        if (before && JSON.stringify(before.document) !== JSON.stringify(this.document)) this.#remember(before);
    }

    /** The drag is given up: as it was. */
    cancel() {
        const before = this.#gesture;
        this.#gesture = null;
        if (before) this.#restore(before);
    }

    get canUndo() {
        return this.#undo.length > 0;
    }

    get canRedo() {
        return this.#redo.length > 0;
    }

    undo() {
        if (!this.canUndo) return;
        this.#redo.push(this.#state());
        this.#restore(this.#undo.pop());
    }

    redo() {
        if (!this.canRedo) return;
        this.#undo.push(this.#state());
        this.#restore(this.#redo.pop());
    }

    /** The whole document was written anew (the JSON tab). */
    replace(document) {
        this.change((model) => {
            model.document = copy(document);
            if (!model.variants[model.variant]) model.variant = -1;
            if (!model.selected) model.selection = null;
        }, 'text');
    }

    // --- selecting

    select(list, index) {
        this.selection = list === null ? null : { list, index };
        this.#lastMerge = null;
        this.#tell();
    }

    selectVariant(index) {
        this.variant = index;
        this.selection = this.regions.length ? { list: 'regions', index: 0 } : null;
        this.#lastMerge = null;
        this.#tell();
    }

    // --- properties; undefined takes one away

    static #put(object, key, value) {
        if (value === undefined) delete object[key];
        else object[key] = value;
        inOrder(object);
    }

    set(key, value) {
        if (!this.selected) return;
        const { list, index } = this.selection;
        this.change((model) => EditorModel.#put(model.selected, key, value), `${this.variant}.${list}.${index}.${key}`);
    }

    setScope(key, value) {
        this.change((model) => EditorModel.#put(model.scope, key, value), `${this.variant}.${key}`);
    }

    setDocument(key, value) {
        this.change((model) => EditorModel.#put(model.document, key, value), `document.${key}`);
    }

    // --- rectangles

    /** In shares of the canvas. */
    static rectOf(item, canvas) {
        const share = (key, pixels, normal) => lengthShare(item[key] ?? normal, pixels) ?? 0;
        return {
            x: share('x', canvas.width, 0),
            y: share('y', canvas.height, 0),
            width: share('width', canvas.width, '1/1'),
            height: share('height', canvas.height, item.type === 'text' || item.type === 'clock' ? '1/12' : '1/1'),
        };
    }

    rects(list) {
        return this[list].map((item) => EditorModel.rectOf(item, this.canvas));
    }

    /** Those that the selected one is drawn to. */
    otherRects() {
        const { list, index } = this.selection;
        return this.rects(list).filter((_, i) => i !== index);
    }

    setRect(rect, merge = null) {
        const { canvas } = this;
        const sides = { x: canvas.width, y: canvas.height, width: canvas.width, height: canvas.height };
        this.change((model) => {
            for (const [key, pixels] of Object.entries(sides))
                model.selected[key] = shareAs(model.selected[key], rect[key], pixels);
            inOrder(model.selected);
        }, merge);
    }

    /** Pairs of regions of the same z that overlap: what the server refuses. */
    overlaps() {
        const rects = this.rects('regions');
        const pairs = [];
        this.regions.forEach((a, i) => {
            this.regions.slice(0, i).forEach((b, j) => {
                if ((a.z ?? 0) === (b.z ?? 0) && overlap(rects[i], rects[j])) pairs.push([j, i]);
            });
        });
        return pairs;
    }

    // --- adding and taking away

    #add(list, item) {
        this.change((model) => {
            const { scope } = model;
            if (!Array.isArray(scope[list])) scope[list] = [];
            delete scope.use;
            scope[list].push(inOrder(item));
            inOrder(scope);
            model.selection = { list, index: scope[list].length - 1 };
        });
    }

    addRegion() {
        const { regions } = this;
        const rect = freePlace(this.rects('regions'));
        const overlapping = this.rects('regions').some((other) => overlap(rect, other));
        const place = Object.fromEntries(Object.entries(rect).map(([key, value]) => [key, toLength(value)]));
        const like = regions[regions.length - 1] ?? {};
        const item = { fill: regions.some(({ fill }) => fill === 'rest') ? 'speaker' : 'rest', ...place };
        for (const key of ['gap', 'radius']) if (like[key] !== undefined) item[key] = like[key];
        if (overlapping) item.z = Math.max(0, ...regions.map(({ z }) => z ?? 0)) + 1;
        this.#add('regions', item);
    }

    addOverlay(type) {
        const made = {
            image: { type, image: 'logo', x: '7/8', y: '1/24', width: '1/12', height: '1/12' },
            text: {
                type,
                text: 'Welcome',
                x: 0,
                y: '11/12',
                width: '1/1',
                height: '1/12',
                colour: '#ffffff',
                background: '#000000',
            },
            clock: { type, x: '5/6', y: '1/24', width: '1/8', height: '1/12', colour: '#ffffff' },
        };
        this.#add('overlays', made[type]);
    }

    duplicate() {
        if (!this.selected) return;
        const { list } = this.selection;
        const item = copy(this.selected);
        const rect = EditorModel.rectOf(item, this.canvas);
        const step = 1 / 24;
        rect.x = Math.max(0, rect.x + rect.width + step <= 1 ? rect.x + step : rect.x - step);
        rect.y = Math.max(0, rect.y + rect.height + step <= 1 ? rect.y + step : rect.y - step);
        for (const key of ['x', 'y']) item[key] = shareAs(item[key], rect[key], this.canvas[key === 'x' ? 'width' : 'height']);
        if (list === 'regions') item.z = Math.max(...this.regions.map(({ z }) => z ?? 0)) + 1;
        this.#add(list, item);
    }

    remove() {
        if (!this.selected) return;
        const { list, index } = this.selection;
        this.change((model) => {
            model.scope[list].splice(index, 1);
            if (list === 'overlays' && !model.scope[list].length) delete model.scope[list];
            const left = model.scope[list]?.length ?? 0;
            model.selection = left ? { list, index: Math.min(index, left - 1) } : null;
        });
    }

    /** Earlier regions are filled first. */
    reorder(by) {
        if (!this.selected) return;
        const { list, index } = this.selection;
        const to = index + by;
        if (to < 0 || to >= this[list].length) return;
        this.change((model) => {
            const items = model.scope[list];
            items.splice(to, 0, ...items.splice(index, 1));
            model.selection = { list, index: to };
        });
    }

    addVariant() {
        this.change((model) => {
            const { document } = model;
            if (!Array.isArray(document.variants)) document.variants = [];
            document.variants.push({ when: { screen: true }, regions: copy(document.regions ?? [{ fill: 'rest' }]) });
            inOrder(document);
            model.variant = document.variants.length - 1;
            model.selection = null;
        });
    }

    /** The variant shows another layout, and says nothing else; or (undefined) has regions of its own. */
    setUse(name) {
        if (this.variant < 0) return;
        this.change((model) => {
            const { when } = model.scope;
            model.document.variants[model.variant] = {
                ...(when ? { when } : {}),
                ...(name ? { use: name } : { regions: [{ fill: 'rest' }] }),
            };
            model.selection = null;
        });
    }

    removeVariant() {
        if (this.variant < 0) return;
        this.change((model) => {
            model.document.variants.splice(model.variant, 1);
            if (!model.document.variants.length) delete model.document.variants;
            model.variant = -1;
            model.selection = null;
        });
    }

    /** The first that applies is taken. */
    reorderVariant(by) {
        const to = this.variant + by;
        if (this.variant < 0 || to < 0 || to >= this.document.variants.length) return;
        this.change((model) => {
            const { variants } = model.document;
            variants.splice(to, 0, ...variants.splice(model.variant, 1));
            model.variant = to;
        });
    }
}
