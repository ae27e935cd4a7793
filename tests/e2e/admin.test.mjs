// The dashboard, as a person uses it: rooms and what they cost, people, and the layout editor by mouse
// and by keyboard alone.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Chromium } from './lib/browsers.mjs';
import { OUTPUT_DIR, Server } from './lib/server.mjs';
import { SECRET, signToken } from './lib/token.mjs';
import { waitFor } from './lib/wait.mjs';

const WIDE = { width: 1440, height: 900 };
const SMALL = { width: 900, height: 700 };

let server;
let browser;
let tab;
let page;

const text = (selector) => page.textContent(selector);
const api = async (path, options) => (await server.fetch(`/api/v1${path}`, options)).json();
const fitsWidth = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
const shot = (name) => tab.screenshot(`${OUTPUT_DIR}/admin-${name}.png`);
const editedDocument = () => page.evaluate(() => window.tesseraAdmin.view.model.document);

/** Go to another page of the dashboard without loading it anew. */
async function go(hash) {
    await page.evaluate((to) => (location.hash = to), hash);
}

/** The middle of an element, or a point of it. */
async function point(selector, u = 0.5, v = 0.5) {
    const { x, y, width, height } = await page.locator(selector).first().boundingBox();
    return [x + width * u, y + height * v];
}

async function drag(selector, toX, toY, { cancel = false } = {}) {
    await page.mouse.move(...(await point(selector)));
    await page.mouse.down();
    await page.mouse.move(toX, toY, { steps: 6 });
    if (cancel) await page.keyboard.press('Escape');
    await page.mouse.up();
}

/** Wait until what was asked last was answered: no dry run is under way, and the picture has so many tiles. */
const previewShows = (tiles) => page.waitForSelector(`.preview-picture[data-tiles="${tiles}"]:not(.stale)`, { timeout: 5000 });

before(async () => {
    mkdirSync(OUTPUT_DIR, { recursive: true });
    server = await Server.start({}, ['--demo']);
    browser = await Chromium.launch();
    tab = await browser.tab('Admin', { viewport: WIDE, colorScheme: 'dark' });
    ({ page } = tab);
});

after(async () => {
    await browser?.close();
    await server?.stop();
});

test('the overview shows the demo room, its people and its load', async () => {
    await tab.open(`${server.base}/admin`);
    await page.waitForSelector('[data-room=demo]');
    assert.match(await text('[data-room=demo] .people-count'), /^4 people$/);
    await waitFor('the load is known', async () => /\d %/.test(await text('[data-room=demo] .figures')), 10000, 200);
    await page.waitForSelector('[data-room=demo] .live[data-frames]', { timeout: 10000 });
    assert.ok(await fitsWidth());
    await shot('rooms-wide-dark');
});

test('a room is made, set and closed', async () => {
    await page.click('#btn-new-room');
    await page.fill('dialog input[name=id]', 'admin made');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/admin#/rooms/admin-made');
    await page.check('text=Locked');
    await waitFor('it is locked', async () => (await api('/rooms/admin-made')).locked === true, 5000);
    await page.selectOption('select[name=canvas]', '720x1280');
    await waitFor('it is upright', async () => (await api('/rooms/admin-made')).video.height === 1280, 5000);
    await page.fill('input[name=max_participants]', '0');
    await page.keyboard.press('Tab');
    await page.waitForSelector('.toast.error');
    await waitFor('what was refused is taken back', async () => (await page.inputValue('input[name=max_participants]')) !== '0', 5000);
    await page.click('#btn-close-room');
    await page.click('dialog .button.danger');
    await page.waitForURL('**/admin#/rooms');
    await waitFor('it is gone', async () => (await server.fetch('/api/v1/rooms/admin-made')).status === 404, 5000);
});

test('the room shows its live picture, again and again', async () => {
    await go('#/rooms/demo');
    await waitFor('three pictures came', async () => (await page.evaluate(() => Number(document.querySelector('.live')?.dataset.frames ?? 0))) >= 3, 15000, 200);
    assert.ok(await page.evaluate(() => document.querySelector('.live img').naturalWidth > 0));
    await page.waitForSelector('.dot.on');
    assert.equal(await page.locator('.person-row').count(), 4);
    await waitFor('the scenes are listed', async () => (await page.locator('table.load .scene-row').count()) > 0, 10000, 200).catch(() => {});
    await waitFor('the thumbnails are drawn', async () => (await page.locator('.picker-item svg').count()) === (await page.locator('.picker-item').count()), 5000, 100);
    await shot('room-wide-dark');
    await page.setViewportSize(SMALL);
    assert.ok(await fitsWidth());
    await page.setViewportSize(WIDE);
});

test('mute, volume, pin and name reach the room', async () => {
    const row = page.locator('.person-row').first();
    const id = await row.getAttribute('data-id');
    const person = () => api(`/rooms/demo/participants/${id}`);
    await row.getByRole('button', { name: 'Mute' }).click();
    await waitFor('they are muted', async () => (await person()).muted === true, 5000);
    await waitFor('the button is pressed', async () => (await row.getByRole('button', { name: 'Mute' }).getAttribute('aria-pressed')) === 'true', 5000);
    await row.getByRole('button', { name: 'Mute' }).press('Space');
    await waitFor('they are heard again', async () => (await person()).muted === false, 5000);
    await row.getByRole('slider').focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft');
    await waitFor('the volume is lower', async () => (await person()).volume === -3, 5000);
    await row.getByRole('button', { name: 'Pin' }).click();
    await waitFor('they are pinned', async () => (await person()).pinned === true, 5000);
    await row.getByRole('button', { name: 'Edit' }).click();
    await page.fill('dialog input[name=name]', 'Somebody else');
    await page.fill('dialog input[name=role]', 'teacher');
    await page.keyboard.press('Enter');
    await waitFor('the name is another', async () => (await person()).name === 'Somebody else' && (await person()).role === 'teacher', 5000);
    await waitFor('the row shows it', async () => /Somebody else/.test(await row.textContent()), 5000);
    await waitFor('the events tell', async () => /updated/.test(await text('.events')), 5000);
    await row.getByRole('button', { name: 'Pin' }).click();
    await waitFor('they are unpinned', async () => (await person()).pinned === false, 5000);
});

test('the layout is chosen from pictures', async () => {
    await page.click('.picker-item[data-layout=speaker]');
    await waitFor('the room shows it', async () => (await api('/rooms/demo')).layout === 'speaker', 5000);
    await page.waitForSelector('.picker-item[data-layout=speaker][aria-checked=true]');
    await page.focus('.picker-item[data-layout=speaker]');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    await waitFor('another one by the keyboard', async () => (await api('/rooms/demo')).layout !== 'speaker', 5000);
});

test('the gallery draws all layouts for as many people as asked', async () => {
    await go('#/layouts');
    await page.waitForSelector('[data-layout=grid] svg');
    const tiles = () => page.locator('[data-layout=grid] svg g[data-kind=source]').count();
    await waitFor('five people', async () => (await tiles()) === 5, 5000);
    await page.focus('input[name=people]');
    await page.keyboard.press('ArrowRight');
    await waitFor('six people', async () => (await tiles()) === 6, 5000);
    assert.equal(await page.locator('.layout-card[data-layout=grid] .chip').filter({ hasText: 'shipped' }).count(), 1);
    await shot('layouts-wide-dark');
});

test('a layout is made by mouse, errors are shown, and it is used in the room', async () => {
    await go('#/editor');
    await page.waitForSelector('.canvas .box');
    await page.click('#tab-document');
    await page.getByRole('textbox', { name: /^Name/ }).fill('by-mouse');
    await page.click('#tab-region');
    await previewShows(5);
    const [left, top] = await point('.canvas', 0, 0);
    const [right, bottom] = await point('.canvas', 1, 1);
    const at = (u, v) => [left + (right - left) * u, top + (bottom - top) * v];
    // The right edge to (nearly) three quarters: the grid takes it.
    await drag('.handle-e', ...at(0.747, 0.5));
    await waitFor('three quarters', async () => (await editedDocument()).regions[0].width === '3/4', 10000);
    await page.click('#btn-add-region');
    assert.equal((await editedDocument()).regions.length, 2);
    await drag('.box[data-index="1"]', ...at(0.5, 0.5));
    await page.waitForSelector('.box.wrong');
    await page.waitForSelector('.editor-problem:not([hidden])');
    assert.match(await text('.editor-problem'), /regions\[/);
    await shot('editor-error-wide-dark');
    await page.click('#tab-json');
    await page.waitForSelector('.json-gutter .wrong');
    assert.match(await text('.json-problem'), /^Line \d+: regions\[/);
    await shot('editor-json-wide-dark');
    await page.click('#tab-region');
    await page.keyboard.press('Control+z');
    await page.waitForSelector('.editor-problem', { state: 'hidden' });
    // A drag that is given up changes nothing.
    const before = JSON.stringify(await editedDocument());
    await drag('.box[data-index="1"]', ...at(0.3, 0.3), { cancel: true });
    assert.equal(JSON.stringify(await editedDocument()), before);
    await page.selectOption('[aria-label="Who is shown in the preview"]', 'demo');
    await previewShows(4);
    await page.selectOption('[aria-label="Who is shown in the preview"]', '');
    await drag('.handle-nw', ...at(0.752, 0.004));
    await drag('.handle-se', ...at(1, 1));
    const { regions } = await editedDocument();
    assert.deepEqual(regions.map(({ x, y, width, height }) => [x ?? 0, y ?? 0, width, height ?? '1/1']), [[0, 0, '3/4', '1/1'], ['3/4', 0, '1/4', '1/1']]);
    await shot('editor-wide-dark');
    await page.click('#btn-use');
    await page.selectOption('dialog select[name=room]', 'demo');
    await page.click('dialog .button.primary');
    await waitFor('it is saved', async () => (await server.fetch('/api/v1/layouts/by-mouse')).status === 200, 5000);
    await waitFor('the room shows it', async () => (await api('/rooms/demo')).layout === 'by-mouse', 5000);
    const plan = await api('/rooms/demo/layout');
    assert.equal(plan.layout, 'by-mouse');
    assert.ok(plan.tiles.every(({ x, width }) => x + width <= plan.canvas.width * 0.75 + 2 || x >= plan.canvas.width * 0.75 - 2), JSON.stringify(plan.tiles));
});

test('a layout is made by keyboard alone', async () => {
    await go('#/layouts');
    await page.waitForSelector('.layout-card');
    await page.locator('a', { hasText: 'New layout' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.canvas .box');
    await page.focus('#btn-add-region');
    // From the outline, Tab leads to the canvas.
    for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement.matches('.box'))); i++) await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.box[data-index="0"]')));
    for (let i = 0; i < 8; i++) await page.keyboard.press('Shift+ArrowLeft');
    assert.equal((await editedDocument()).regions[0].width, '2/3');
    await page.keyboard.press('Control+Shift+ArrowLeft');
    assert.equal((await editedDocument()).regions[0].width, '79/120');
    await page.keyboard.press('Control+Shift+ArrowRight');
    await page.keyboard.press('a');
    assert.equal((await editedDocument()).regions.length, 2);
    assert.ok(await page.evaluate(() => document.activeElement.matches('.box[data-index="1"]')), 'the new region has the focus');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Control+d');
    assert.equal((await editedDocument()).regions.length, 3);
    await page.keyboard.press('Delete');
    assert.equal((await editedDocument()).regions.length, 2);
    await page.keyboard.press('Control+z');
    assert.equal((await editedDocument()).regions.length, 3);
    await page.keyboard.press('Control+y');
    assert.equal((await editedDocument()).regions.length, 2);
    await page.keyboard.press('Shift+Tab');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.box[data-index="0"]')));
    await page.locator('#tab-document').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('by-keyboard');
    await page.keyboard.press('Control+s');
    await waitFor('it is saved', async () => (await server.fetch('/api/v1/layouts/by-keyboard')).status === 200, 5000);
    assert.deepEqual(await api('/layouts/by-keyboard'), await editedDocument());
    await waitFor('the address names it', async () => page.url().endsWith('#/editor/by-keyboard'), 10000);
});

test('the text and the canvas follow each other', async () => {
    await page.click('#tab-json');
    const field = page.locator('.json-field');
    const written = JSON.parse(await field.inputValue());
    written.regions[1].fill = 'speaker';
    written.regions[1].radius = '1/30';
    await field.fill(JSON.stringify(written, null, 4));
    await page.waitForSelector('.box[data-index="1"] .box-text:text-is("speaker")');
    await field.fill('{\n  "name": "by-keyboard",\n  "regions": [\n');
    await waitFor('the line is shown', async () => /^Line \d+: /.test(await text('.json-problem')), 10000);
    assert.ok(await page.isDisabled('#btn-save'));
    await field.fill('{"name": 5, "regions": [null, 3, {"fill": {}}], "variants": [null], "overlays": "x", "background": null}');
    await waitFor('nonsense is refused by the server and harms nothing', async () => /^Line 1: (?!A )/.test(await text('.json-problem')), 10000);
    await field.fill(JSON.stringify({ ...written, gapp: 3 }));
    await waitFor('the server says what is wrong', async () => /gapp/.test(await text('.json-problem')), 10000);
    await field.fill(JSON.stringify(written));
    await page.waitForSelector('.json-problem', { state: 'hidden' });
    await page.click('#tab-region');
    await page.locator('.box[data-index="1"]').focus();
    await waitFor('the inspector shows it', async () => (await page.getByLabel('Corner radius').inputValue()) === '1/30', 10000);
});

test('who saves over a newer document is asked', async () => {
    const expected = tab.complaints.length;
    const changed = { ...(await api('/layouts/by-keyboard')), description: 'Theirs.' };
    await server.fetch('/api/v1/layouts/by-keyboard', { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(changed) });
    await page.keyboard.press('Control+s');
    await page.waitForSelector('dialog');
    await shot('editor-conflict-wide-dark');
    await page.click('dialog >> text=Reload theirs');
    await waitFor('theirs is here', async () => (await editedDocument()).description === 'Theirs.', 10000);
    await page.click('#tab-document');
    await page.getByLabel('Description').fill('Mine.');
    await page.keyboard.press('Control+s');
    await waitFor('mine is there', async () => (await api('/layouts/by-keyboard')).description === 'Mine.', 10000);
    // The browser itself reports the answer 412; nothing else may be said.
    for (const complaint of tab.complaints.splice(expected)) assert.match(complaint, /412/);
});

test('the editor fits a small window, in daylight', async () => {
    await page.setViewportSize(SMALL);
    await page.emulateMedia({ colorScheme: 'light' });
    await waitFor('the canvas fits', () => page.evaluate(() => {
        const { right, bottom } = document.querySelector('.preview-picture svg').getBoundingClientRect();
        return right <= innerWidth && bottom <= innerHeight;
    }), 10000);
    assert.ok(await fitsWidth());
    await shot('editor-small-light');
    await page.setViewportSize(WIDE);
    await page.emulateMedia({ colorScheme: 'dark' });
});

test('a layout that one made is deleted', async () => {
    await go('#/layouts');
    await page.click('[data-layout=by-keyboard] button[aria-label^="Delete"]');
    await page.click('dialog .button.danger');
    await waitFor('it is gone', async () => (await server.fetch('/api/v1/layouts/by-keyboard')).status === 404, 5000);
    await page.waitForSelector('[data-layout=by-keyboard]', { state: 'detached' });
});

test('images are handed in and deleted', async () => {
    await go('#/images');
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAFElEQVR4nGNk+M/AwMDAxAADMAYAHxcCAr7pRNgAAAAASUVORK5CYII=', 'base64');
    await page.setInputFiles('input[type=file]', { name: 'my logo.png', mimeType: 'image/png', buffer: png });
    await page.waitForSelector('dialog input[name=name]');
    assert.equal(await page.inputValue('dialog input[name=name]'), 'my-logo');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-image=my-logo]');
    await page.click('[data-image=my-logo] button');
    await page.click('dialog .button.danger');
    await page.waitForSelector('[data-image=my-logo]', { state: 'detached' });
});

test('the server page shows the key numbers', async () => {
    await go('#/server');
    await waitFor('the numbers are there', async () => /Memory\d+ MiB/.test(await text('.tiles')), 5000, 100);
    await shot('server-wide-dark');
});

test('the page did not complain on its console', () => {
    // The browser itself reports what the server refused on purpose.
    assert.deepEqual(tab.complaints.filter((complaint) => !/status of 4(?:00|04|09|12|22)/.test(complaint)), []);
});

test('a server with a secret asks for a token, which stays in no address', async () => {
    const closed = await Server.start({ 'auth.secret': SECRET }, ['--demo']);
    const other = await browser.tab('Stranger', { viewport: WIDE, colorScheme: 'dark' });
    try {
        await other.open(`${closed.base}/admin#/rooms/demo`);
        await other.page.waitForSelector('dialog input[name=token]');
        await other.screenshot(`${OUTPUT_DIR}/admin-token-wide-dark.png`);
        await other.page.fill('input[name=token]', signToken({ exp: 1 }));
        await other.page.keyboard.press('Enter');
        await other.page.waitForSelector('dialog .problem:not([hidden])');
        await other.page.fill('input[name=token]', signToken());
        await other.page.keyboard.press('Enter');
        await waitFor('the picture came', () => other.evaluate(() => Number(document.querySelector('.live')?.dataset.frames ?? 0) > 0), 15000, 100);
        await other.page.waitForSelector('.dot.on');
        assert.equal(other.page.url(), `${closed.base}/admin#/rooms/demo`);
        await other.page.click('#btn-sign-out');
        await other.page.waitForSelector('dialog input[name=token]');
        await other.open('about:blank');
        await other.open(`${closed.base}/admin#token=${signToken()}`);
        await other.page.waitForSelector('[data-room=demo]');
        assert.equal(await other.evaluate(() => location.hash), '');
        // The browser itself reports the answers 401; nothing else may be said.
        for (const complaint of other.complaints) assert.match(complaint, /401/);
    } finally {
        await other.close();
        await closed.stop();
    }
});
