// Two Chromium tabs and one Firefox in one room, through the page that people use.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Chromium, Firefox, mixFacts, tilePixels } from './lib/browsers.mjs';
import { OUTPUT_DIR, Server } from './lib/server.mjs';
import { waitFor } from './lib/wait.mjs';

const WIDTH = 1280;
const HEIGHT = 720;
const MEASURE_MS = 5000;
const MIN_FPS = 20;
const MIN_SAMPLES = 40000; // of 48000 a second
const WINDOWS = 5; // one of them in which the machine has time for three browsers
const MOVED = 24; // of 255: this much change of a pixel is no coding noise

let server;
let browsers = [];
let tabs = [];

before(async () => {
    mkdirSync(OUTPUT_DIR, { recursive: true });
    server = await Server.start({ 'video.width': WIDTH, 'video.height': HEIGHT });
    browsers = [await Chromium.launch(), await Firefox.launch()];
    const [chromium, firefox] = browsers;
    tabs = [await chromium.tab('Ada'), await chromium.tab('Bob'), await firefox.tab('Fox')];
});

after(async () => {
    await Promise.allSettled(browsers.map((browser) => browser.close()));
    await server?.stop();
});

test('everyone comes in and plays one video and one audio track of the configured size', async () => {
    for (const tab of tabs) await tab.open(`${server.base}/r/three?auto=1&name=${tab.name}&audio=1&video=1`);
    for (const tab of tabs) {
        await waitFor(
            `${tab.name} plays the mix`,
            async () => {
                const facts = await tab.evaluate(mixFacts);
                return facts.framesDecoded > 0 && facts.width === WIDTH && !facts.paused && facts.tiles.length === 3;
            },
            20000,
            200,
        );
        const facts = await tab.evaluate(mixFacts);
        assert.equal(facts.videoTracks, 1, `${tab.name}: one video track`);
        assert.equal(facts.audioTracks, 1, `${tab.name}: one audio track`);
        assert.deepEqual([facts.width, facts.height], [WIDTH, HEIGHT], `${tab.name}: the configured size`);
        assert.deepEqual(facts.people.map(({ name }) => name).sort(), ['Ada', 'Bob', 'Fox']);
    }
});

/** What each tab decodes in a window of two seconds. */
async function playedInWindow() {
    const before = await Promise.all(tabs.map((tab) => tab.evaluate(mixFacts)));
    return Promise.all(
        tabs.map(async (tab, i) => {
            const now = await waitFor(`${tab.name}: two more seconds`, async () => {
                const facts = await tab.evaluate(mixFacts);
                return facts.at - before[i].at > 2000 && facts;
            }, 10000, 200);
            const perSecond = (key) => ((now[key] - before[i][key]) * 1000) / (now.at - before[i].at);
            return { name: tab.name, fps: perSecond('framesDecoded'), samples: perSecond('audioSamples'), energy: now.audioEnergy };
        }),
    );
}

const isFluent = ({ fps, samples }) => fps >= MIN_FPS && samples > MIN_SAMPLES;

test('pictures and sound go on: at least 20 frames per second after five seconds', async (t) => {
    const before = await Promise.all(tabs.map((tab) => tab.evaluate(mixFacts)));
    await waitFor('five seconds are over', async () => (await tabs[0].evaluate(mixFacts)).at - before[0].at > MEASURE_MS, 20000, 250);
    let played;
    for (let i = 0; i < WINDOWS && !played?.every(isFluent); i++) {
        played = await playedInWindow();
        for (const { name, fps, samples } of played) t.diagnostic(`${name}: ${fps.toFixed(1)} fps, ${Math.round(samples)} samples/s`);
    }
    played.forEach(({ name, fps, samples, energy }, i) => {
        assert.ok(fps >= MIN_FPS, `${name}: ${fps.toFixed(1)} fps`);
        assert.ok(samples > MIN_SAMPLES, `${name}: ${samples} samples per second`);
        assert.ok(energy - before[i].audioEnergy > 0, `${name}: hears something`);
    });
});

test("everybody's tile stands in everybody's picture and moves", async () => {
    for (const tab of tabs) {
        const { tiles, people } = await tab.evaluate(mixFacts);
        assert.equal(tiles.length, 3);
        for (const { id, x, y, width, height } of tiles) {
            assert.ok(people.some((person) => person.id === id), `${tab.name}: tile of somebody who is here`);
            assert.ok(x >= 0 && y >= 0 && x + width <= WIDTH && y + height <= HEIGHT && width > 200 && height > 100);
        }
        const first = await tab.evaluate(tilePixels);
        for (const { id } of tiles) {
            const { name } = people.find((person) => person.id === id);
            await waitFor(
                `${tab.name} sees ${name} move`,
                async () => {
                    const now = (await tab.evaluate(tilePixels))[id];
                    return now.some((rgb, i) => rgb.some((value, c) => Math.abs(value - first[id][i][c]) > MOVED));
                },
                10000,
                150,
            );
        }
    }
    await tabs[0].screenshot(`${OUTPUT_DIR}/browsers-chromium.png`);
    await tabs[2].screenshot(`${OUTPUT_DIR}/browsers-firefox.png`);
});

test('who leaves is gone from every picture, and nobody renegotiates', async () => {
    const before = await tabs[0].evaluate(() => window.tessera.pc.localDescription.sdp);
    await tabs[1].click('#btn-leave');
    for (const tab of [tabs[0], tabs[2]])
        await waitFor(`${tab.name} sees two tiles`, async () => (await tab.evaluate(mixFacts)).tiles.length === 2, 5000, 100);
    assert.equal(await tabs[0].evaluate(() => window.tessera.pc.localDescription.sdp), before);
});

test('no page complained on its console', () => {
    for (const tab of tabs) assert.deepEqual(tab.complaints, [], tab.name);
});
