// The parts of the dashboard that need no browser: lengths, snapping, the editor's model, places in
// JSON, and costs by differences.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EditorModel, emptyDocument, freeName } from '../../web/js/admin/editor-model.js';
import { errorPath, formatDocument, lineOf, parseWithPlaces, placeOf } from '../../web/js/admin/json-places.js';
import { canvasSize, lengthShare, parseAspect, parseLength, shareAs, toLength } from '../../web/js/admin/lengths.js';
import { LoadMeter, kbits, parseMetrics, percent, roomLoad } from '../../web/js/admin/load.js';
import { MIN_SIZE, freePlace, nudgeMove, nudgeResize, overlap, snapMove, snapResize } from '../../web/js/admin/snapping.js';

const near = (a, b) => Math.abs(a - b) < 1e-9;
const SNAP = { others: [], grid: 24, reach: { x: 0.02, y: 0.02 } };

test('a share becomes the simplest fraction and comes back', () => {
    for (let d = 1; d <= 60; d++) {
        for (let n = 1; n <= d; n++) {
            const written = toLength(n / d);
            assert.ok(near(lengthShare(written, 1280), n / d), `${n}/${d} -> ${written}`);
            const [, divisor] = written.split('/').map(Number);
            assert.ok(divisor <= d, `${n}/${d} -> ${written}`);
        }
    }
    assert.equal(toLength(1 / 3 + 1 / 4), '7/12');
    assert.equal(toLength(0), 0);
    assert.equal(toLength(1), '1/1');
    assert.equal(toLength(-0.2), 0);
    assert.equal(toLength(1.7), '1/1');
    for (let i = 1; i < 300; i++) {
        const value = (i * 0.61803398875) % 1;
        const written = toLength(value);
        const [, d] = String(written).split('/').map(Number);
        // Beside 0 and 1 there is nothing nearer than half of 1/9999.
        assert.ok((d ?? 1) <= 9999 && Math.abs(lengthShare(written, 1) - value) <= 0.5 / 9999);
    }
});

test('what a person types becomes a length, nothing, or is refused', () => {
    assert.equal(parseLength('2/3'), '2/3');
    assert.equal(parseLength(' 320 '), 320);
    assert.equal(parseLength('50 %'), '1/2');
    assert.equal(parseLength('0,25'), '1/4');
    assert.equal(parseLength(''), undefined);
    for (const wrong of ['2/0', 'wide', '-3', '120 %', '1.5', '3/']) assert.equal(parseLength(wrong), null, wrong);
    assert.equal(parseAspect('16:9'), 16 / 9);
    assert.equal(parseAspect('16/0'), null);
    assert.deepEqual(canvasSize('9/16'), { width: 720, height: 1280 });
    assert.deepEqual(canvasSize(undefined), { width: 1280, height: 720 });
    assert.equal(shareAs(320, 0.5, 1280), 640);
    assert.equal(shareAs('1/4', 0.5, 1280), '1/2');
});

test('a moved rectangle is drawn to grid, neighbours and middle, and stays inside', () => {
    const rect = { x: 0.13, y: 0.31, width: 0.25, height: 0.25 };
    const onGrid = snapMove(rect, { ...SNAP, reach: { x: 0, y: 0 } }).rect;
    assert.ok(near(onGrid.x, 3 / 24) && near(onGrid.y, 7 / 24));
    const others = [{ x: 0, y: 0, width: 1 / 7, height: 1 }];
    const beside = snapMove({ ...rect, x: 0.15 }, { ...SNAP, others });
    assert.ok(near(beside.rect.x, 1 / 7));
    assert.ok(near(beside.guides.x, 1 / 7));
    const middle = snapMove({ ...rect, x: 0.38 }, SNAP);
    assert.ok(near(middle.rect.x + middle.rect.width / 2, 0.5));
    const outside = snapMove({ ...rect, x: 1.4, y: -3 }, SNAP).rect;
    assert.ok(near(outside.x, 0.75) && near(outside.y, 0));
});

test('a resized rectangle keeps its other edge, a least size, and the canvas', () => {
    const rect = { x: 0.25, y: 0.25, width: 0.33, height: 0.5 };
    const wider = snapResize({ ...rect, width: 0.412 }, { x: 1, y: 0 }, { ...SNAP, others: [{ x: 2 / 3, y: 0, width: 1 / 3, height: 1 }] });
    assert.ok(near(wider.rect.x, 0.25) && near(wider.rect.x + wider.rect.width, 2 / 3));
    assert.deepEqual([wider.rect.y, wider.rect.height], [0.25, 0.5]);
    const thin = snapResize({ ...rect, x: 0.9, width: -0.32 }, { x: -1, y: 0 }, SNAP).rect;
    assert.ok(near(thin.width, MIN_SIZE) && near(thin.x + thin.width, 0.58));
    const tall = snapResize({ ...rect, height: 3 }, { x: 0, y: 1 }, SNAP).rect;
    assert.ok(near(tall.y + tall.height, 1));
    assert.deepEqual(nudgeMove(rect, -1, 1), { ...rect, x: 0, y: 0.5 });
    assert.ok(near(nudgeResize(rect, 2, -2).width, 0.75));
});

test('a new region finds a free place', () => {
    assert.deepEqual(freePlace([]), { x: 0, y: 0, width: 1, height: 1 });
    const others = [{ x: 0, y: 0, width: 2 / 3, height: 1 }];
    const free = freePlace(others);
    assert.ok(!overlap(free, others[0]) && free.width > 0.3);
    assert.ok(!overlap({ x: 0, y: 0, width: 0.5, height: 1 }, { x: 0.5, y: 0, width: 0.5, height: 1 }), 'touching is not overlapping');
});

test('the model edits, and every step goes back and forth', () => {
    const model = new EditorModel({ name: 'x', regions: [{ fill: 'rest', width: '1/2' }] });
    assert.equal(model.changed, false);
    model.addRegion();
    assert.deepEqual(model.regions[1], { fill: 'speaker', x: '1/2', y: 0, width: '1/2', height: '1/2' });
    model.select('regions', 1);
    model.begin();
    for (const y of [0.1, 0.2, 0.5]) model.setRect({ x: 0.5, y, width: 0.5, height: 0.5 });
    model.end();
    assert.equal(model.regions[1].y, '1/2');
    model.set('fit', 'contain');
    model.duplicate();
    assert.equal(model.regions[2].z, 1, 'a duplicate stands above, so that nothing overlaps');
    assert.deepEqual(model.overlaps(), []);
    model.remove();
    const end = JSON.stringify(model.document);
    for (let i = 0; i < 5; i++) model.undo();
    assert.deepEqual(model.document, { name: 'x', regions: [{ fill: 'rest', width: '1/2' }] });
    assert.equal(model.canUndo, false);
    for (let i = 0; i < 5; i++) model.redo();
    assert.equal(JSON.stringify(model.document), end);
    assert.equal(model.canRedo, false);
    model.undo();
    model.set('gap', '1/90');
    assert.equal(model.canRedo, false, 'what is changed after going back ends the way forth');
});

test('a drag that is given up leaves everything as it was', () => {
    const model = new EditorModel(emptyDocument('x'));
    const before = JSON.stringify(model.document);
    model.select('regions', 0);
    model.begin();
    model.setRect({ x: 0.5, y: 0.5, width: 0.5, height: 0.5 });
    model.cancel();
    assert.equal(JSON.stringify(model.document), before);
    assert.equal(model.canUndo, false);
});

test('typing in one field is one step back', () => {
    const model = new EditorModel(emptyDocument('x'));
    for (const text of ['a', 'ab', 'abc']) model.setDocument('description', text);
    model.undo();
    assert.equal(model.document.description, '');
    assert.equal(model.canUndo, false);
});

test('pixels stay pixels, overlapping regions are told unless z parts them', () => {
    const model = new EditorModel({ name: 'x', regions: [{ fill: 'rest', x: 320, width: 640 }, { fill: 'pin', width: '1/2', height: '1/2' }] });
    assert.deepEqual(model.overlaps(), [[0, 1]]);
    model.select('regions', 1);
    model.set('z', 3);
    assert.deepEqual(model.overlaps(), []);
    model.select('regions', 0);
    model.setRect({ x: 0.5, y: 0, width: 0.5, height: 1 });
    assert.equal(model.regions[0].x, 640);
    assert.equal(model.regions[0].height, '1/1');
});

test('variants have regions of their own, and errors find them', () => {
    const model = new EditorModel({ name: 'x', regions: [{ fill: 'rest' }] });
    model.addVariant();
    assert.equal(model.variant, 0);
    model.select('regions', 0);
    model.set('fill', ['screen', 'speaker']);
    assert.deepEqual(model.document.regions, [{ fill: 'rest' }]);
    assert.deepEqual(model.document.variants[0].regions, [{ fill: ['screen', 'speaker'] }]);
    assert.deepEqual(model.pathOf('regions', 0), ['variants', 0, 'regions', 0]);
    model.setUse('grid');
    assert.deepEqual(model.document.variants[0], { when: { screen: true }, use: 'grid' });
    model.setUse(undefined);
    assert.deepEqual(model.regions, [{ fill: 'rest' }]);
    model.addVariant();
    model.reorderVariant(-1);
    assert.equal(model.variant, 0);
    model.removeVariant();
    model.selectVariant(0);
    model.removeVariant();
    assert.equal(model.document.variants, undefined);
    assert.equal(model.variant, -1);
});

test('text that is written anew keeps what is selected while it is there', () => {
    const model = new EditorModel({ name: 'x', regions: [{ fill: 'rest' }, { fill: 'pin' }] });
    model.select('regions', 1);
    model.replace({ name: 'x', regions: [{ fill: 'rest' }, { fill: 'screen' }] });
    assert.deepEqual(model.selection, { list: 'regions', index: 1 });
    model.replace({ name: 'x', regions: [{ fill: 'rest' }] });
    assert.equal(model.selection, null);
    model.replace({ name: 'x', regions: 'none' });
    assert.deepEqual(model.regions, [], 'nonsense of the text does no harm');
    const nonsense = [null, 5, 'x', [], {}, [null], [[]], [5, {}], { length: 3 }, Array(5000).fill({ fill: 7, x: {}, width: '9/0', z: [] })];
    for (const value of nonsense) {
        model.replace({ name: value, aspect: value, background: value, regions: value, overlays: value, variants: value });
        model.selectVariant(0);
        model.overlaps();
        assert.ok(model.rects('regions').every(({ x, width }) => Number.isFinite(x) && Number.isFinite(width)));
        assert.ok(model.canvas.width > 0 && model.pathOf('regions', 0).length >= 2);
        model.selectVariant(-1);
    }
});

test('a free name is found', () => {
    assert.equal(freeName('grid', ['grid']), 'grid-2');
    assert.equal(freeName('grid-2', ['grid', 'grid-2']), 'grid-3');
});

test('errors are found in the text', () => {
    const text = '{\n    "name": "x",\n    "regions": [\n        { "fill": "rest", "border": { "width": "9" } }\n    ]\n}\n';
    const { value, places } = parseWithPlaces(text);
    assert.deepEqual(value, JSON.parse(text));
    const path = errorPath('regions[0].border.width is no length: write whole pixels');
    assert.deepEqual(path, ['regions', 0, 'border', 'width']);
    const place = placeOf(places, path);
    assert.equal(text.slice(place.start, place.end), '"9"');
    assert.equal(lineOf(text, place.start).line, 4);
    assert.equal(lineOf(text, placeOf(places, ['regions', 0, 'colr']).start).line, 4, 'what is missing is shown where it belongs');
    assert.deepEqual(errorPath('layouts/mine.json: regions[1] overlaps regions[0]'), ['regions', 1]);
    assert.deepEqual(errorPath('variants[2].when.people is no number of people: write 3'), ['variants', 2, 'when', 'people']);
    assert.deepEqual(errorPath(''), []);
});

test('JSON that cannot be read says where', () => {
    const at = (text) => {
        try {
            parseWithPlaces(text);
        } catch (error) {
            return error.offset;
        }
        return null;
    };
    assert.equal(at('{"a": 1,}'), 8);
    assert.equal(at('{"a" 1}'), 5);
    assert.equal(at('{"a": [1 2]}'), 9);
    assert.equal(at('{"a": tru}'), 6);
    assert.equal(at('{} x'), 3);
    assert.equal(at(''), 0);
    assert.equal(at('['.repeat(5000)), 65, 'depth is bounded');
    for (const good of ['{}', '[]', ' {"a": [1, -2.5e3, true, null, "ä\\u00e4\\n"]} ']) assert.deepEqual(parseWithPlaces(good).value, JSON.parse(good));
});

test('documents are written as the shipped ones are', () => {
    const text = readFileSync(new URL('../../layouts/grid.json', import.meta.url), 'utf8');
    const document = JSON.parse(text);
    const written = formatDocument(document);
    assert.deepEqual(JSON.parse(written), document);
    assert.ok(written.startsWith('{\n    "'));
    assert.ok(written.split('\n').every((line) => line.length <= 110), written);
});

test('costs come from the difference of two graphs', () => {
    const graph = (k) => ({
        mixer: { cpu_ms: 10 * k },
        scenes: [
            {
                key: 'a', width: 1280, height: 720, fps: 30, tiles: 4, ticks: 30 * k, late_ticks: k, compose_cpu_ms: 20 * k,
                renditions: [{ codec: 'vp8', width: 1280, height: 720, fps: 30, bitrate: 1000000, viewers: 2, encoded: 30 * k, bytes: 125000 * k, encode_cpu_ms: 200 * k }],
            },
        ],
    });
    const meter = new LoadMeter();
    const first = meter.take('r', graph(1), 1000);
    assert.equal(first.cpu, null);
    assert.equal(first.scenes[0].viewers, 2);
    const load = meter.take('r', graph(3), 3000);
    assert.ok(near(load.mix, 1) && near(load.scenes[0].cpu, 2) && near(load.scenes[0].renditions[0].cpu, 20) && near(load.cpu, 23));
    assert.ok(near(load.kbps, 1000) && near(load.scenes[0].fps, 30));
    assert.equal(load.scenes[0].lateNow, 2);
    const anew = meter.take('r', graph(0.5), 4000);
    assert.equal(anew.cpu, null, 'counters that began anew say nothing');
    assert.deepEqual(roomLoad({}, null, 0).scenes, [], 'a graph without members is no error');
    meter.keep([]);
    assert.equal(meter.take('r', graph(5), 6000).cpu, null);
});

test('numbers are written short', () => {
    assert.equal(percent(null), '–');
    assert.equal(percent(3.21), '3.2 %');
    assert.equal(percent(63.7), '64 %');
    assert.equal(kbits(812.4), '812 kbit/s');
    assert.equal(kbits(4210), '4.2 Mbit/s');
    const metrics = parseMetrics('# HELP a b\na 3\nb_total{status="200",x="y z"} 4.5e2\n\nrubbish\n');
    assert.deepEqual([...metrics], [['a', 3], ['b_total{status="200",x="y z"}', 450]]);
});
