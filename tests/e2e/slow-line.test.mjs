// A browser whose line becomes thin and comes back: the page shows a smaller picture, then says that there is only
// sound, then everything is as before.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Chromium, mixFacts } from './lib/browsers.mjs';
import { impair, startImpaired } from './lib/impair.mjs';
import { OUTPUT_DIR } from './lib/server.mjs';
import { nowMs, pause, waitFor } from './lib/wait.mjs';

const ROOM = 'slow';
const api = `/api/v1/rooms/${ROOM}`;
const BANNER = 'Your connection is too slow for pictures: sound goes on.';

let server;
let browser;
let page;

const facts = () => page.evaluate(mixFacts);
const ufrag = () => page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.tessera.pc.localDescription.sdp)[1]);
const banner = () => page.evaluate(() => (document.querySelector('#banner').hidden ? '' : document.querySelector('#banner-text').textContent));

async function setLine(rate) {
    await impair(server, await ufrag(), { down: { rate, queue: 300, delay: 20 }, up: { delay: 20 } });
}

const isFull = async () => {
    const { width, height } = await facts();
    return width === 1280 && height === 720;
};

/** From now on the page notes when it shows pictures. */
function watchPictures() {
    const video = document.querySelector('#mix');
    window.shownAt = [];
    const note = (now) => {
        window.shownAt.push(now);
        video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
}

/** {frames, gapMs}: what it showed in the last `ms`, and the longest time without a new picture. */
async function shown(ms) {
    await pause(ms);
    return page.evaluate((span) => {
        const now = performance.now();
        const times = window.shownAt.filter((at) => at > now - span);
        const all = [now - span, ...times, now];
        return { frames: times.length, gapMs: Math.max(...all.slice(1).map((at, i) => at - all[i])) };
    }, ms);
}

/** The share of the sound that the page had to make up in so long. */
async function concealedIn(ms) {
    const before = await facts();
    await pause(ms);
    const now = await facts();
    return (now.audioConcealed - before.audioConcealed) / (now.audioSamples - before.audioSamples);
}

before(async () => {
    mkdirSync(OUTPUT_DIR, { recursive: true });
    server = await startImpaired({ 'video.ladder': '360p30=400000,180p15=120000', 'video.max_load': 100 }, { seed: 5 });
    browser = await Chromium.launch();
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
    assert.equal((await server.fetch('/api/v1/rooms', { ...json, body: JSON.stringify({ id: ROOM }) })).status, 201);
    assert.equal((await server.fetch(`${api}/sources`, { ...json, body: JSON.stringify({ pattern: 0 }) })).status, 201);
    page = await browser.tab('Ada', { colorScheme: 'light' });
    await page.open(`${server.base}/r/${ROOM}?auto=1&name=Ada&audio=0&video=0`);
    await waitFor('the full picture', isFull, 15000, 100);
    await page.evaluate(watchPictures);
    await setLine(5e6);
});

after(async () => {
    await browser?.close();
    await server?.stop();
});

test('on 150 kbit/s the picture is small, and does not freeze', async (t) => {
    const beganMs = nowMs();
    await setLine(150e3);
    await waitFor('the picture is small', async () => (await facts()).height === 180, 15000, 100);
    t.diagnostic(`small after ${((nowMs() - beganMs) / 1000).toFixed(1)} s`);
    await pause(2000);
    const { frames, gapMs } = await shown(6000);
    const { width, height } = await facts();
    const fps = frames / 6;
    t.diagnostic(`${width}x${height}, ${fps.toFixed(1)} shown a second, longest gap ${gapMs.toFixed(0)} ms`);
    assert.deepEqual([width, height], [320, 180]);
    assert.ok(fps >= 5 && fps <= 16, `${fps} fps`);
    assert.ok(gapMs < 1000, `${gapMs.toFixed(0)} ms without a picture`);
    assert.equal(await banner(), '');
});

test('on 40 kbit/s the page says that there is only sound', async (t) => {
    const beganMs = nowMs();
    await setLine(40e3);
    await waitFor('the banner', async () => (await banner()) === BANNER, 15000, 100);
    t.diagnostic(`banner after ${((nowMs() - beganMs) / 1000).toFixed(1)} s`);
    await pause(500); // the picture gets dark
    await page.screenshot(`${OUTPUT_DIR}/slow-desktop-light.png`);
    await page.page.emulateMedia({ colorScheme: 'dark' });
    await page.page.setViewportSize({ width: 360, height: 640 });
    await page.screenshot(`${OUTPUT_DIR}/slow-phone-dark.png`);
    const { left, right, top, inside } = await page.evaluate(() => {
        const box = document.querySelector('#banner').getBoundingClientRect();
        return { left: box.left, right: box.right, top: box.top, inside: window.innerWidth };
    });
    assert.ok(left >= 0 && right <= inside && top >= 0, `the banner is within the page: ${left}..${right} of ${inside}`);
    await page.page.setViewportSize({ width: 1280, height: 800 });
    const concealed = [];
    while (!(concealed.at(-1) < 0.1) && concealed.length < 4) concealed.push(await concealedIn(2000)); // the browser was busy with the screenshots
    t.diagnostic(`${concealed.map((share) => (100 * share).toFixed(1)).join(', ')} % of the sound is made up`);
    assert.ok(concealed.at(-1) < 0.1, 'sound goes on');
});

test('when the line is back the full picture is, and the banner is gone', async (t) => {
    const beganMs = nowMs();
    await setLine(5e6);
    await waitFor('the banner is gone', async () => (await banner()) === '', 15000, 100);
    t.diagnostic(`banner gone after ${((nowMs() - beganMs) / 1000).toFixed(1)} s`);
    await waitFor('the full picture', isFull, 25000, 100);
    t.diagnostic(`full picture after ${((nowMs() - beganMs) / 1000).toFixed(1)} s`);
    const { frames } = await shown(2000);
    assert.ok(frames > 20, `${frames} pictures in two seconds`);
    assert.deepEqual(page.complaints, []);
});

test('who comes on 40 kbit/s is not kept waiting for a picture', async () => {
    await impair(server, '*', { down: { rate: 40e3, queue: 300, delay: 20 }, up: { delay: 20 } });
    const bob = await browser.tab('Bob', { colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await bob.open(`${server.base}/r/${ROOM}?auto=1&name=Bob&audio=0&video=0`);
    await bob.page.getByText(BANNER).waitFor({ timeout: 15000 });
    assert.equal(await bob.page.isVisible('#wait'), false);
    await bob.screenshot(`${OUTPUT_DIR}/slow-join-phone-dark.png`);
});
