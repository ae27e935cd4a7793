// The pages, as a person uses them: lobby, room, buttons, leaving, and coming back after a break.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { channelLevels, Chromium, mixFacts, tilePixels } from './lib/browsers.mjs';
import { OUTPUT_DIR, Server } from './lib/server.mjs';
import { waitFor } from './lib/wait.mjs';
import { PEOPLE, RoomPeer } from './lib/wrtc-peer.mjs';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 }, narrow: { width: 360, height: 640 } };

let server;
let browser;
let ada;
const tabs = [];

async function tab(name, options) {
    const made = await browser.tab(name, options);
    tabs.push(made);
    return made;
}

const facts = (page) => page.evaluate(mixFacts);

async function waitForMix(page, timeoutMs = 15000) {
    await waitFor(
        `${page.name} sees the mix`,
        async () => {
            const { width, framesDecoded, connection } = await facts(page);
            return width > 0 && framesDecoded > 0 && connection === 'connected';
        },
        timeoutMs,
        100,
    );
}

/** Frames that arrive from now on. */
async function assertPictureGoesOn(page) {
    const { framesDecoded } = await facts(page);
    await waitFor(`${page.name}: ten more frames`, async () => (await facts(page)).framesDecoded >= framesDecoded + 10, 10000, 100);
}

const person = async (page, name) => (await facts(page)).people.find((someone) => someone.name === name);
const text = (page, selector) => page.evaluate((where) => document.querySelector(where).textContent, selector);
const visible = (page, selector) => page.page.isVisible(selector);
/** The signalling breaks: closing with a code of one's own is no goodbye (as 1000 or none would be). */
const breakSignalling = (page) => page.evaluate(() => window.tessera.ws?.close(4999));
const fitsWidth = (page) => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

before(async () => {
    mkdirSync(OUTPUT_DIR, { recursive: true });
    server = await Server.start();
    browser = await Chromium.launch();
});

after(async () => {
    await browser?.close();
    await server?.stop();
});

test('the lobby leads into the room by mouse and keyboard alone', async () => {
    ada = await tab('Ada', { colorScheme: 'light' });
    await ada.open(server.base);
    await ada.page.waitForSelector('.preview video:not([hidden])');
    await ada.page.fill('input[name=name]', 'Ada Lovelace');
    await ada.page.fill('input[name=room]', 'web test');
    await ada.screenshot(`${OUTPUT_DIR}/lobby-desktop-light.png`);
    await ada.page.keyboard.press('Enter');
    await ada.page.waitForURL('**/r/web-test');
    await waitForMix(ada);
    assert.equal((await facts(ada)).people.length, 1);
    assert.equal(await visible(ada, '#wait'), false);
});

test('a phone gets the same room, and nothing is wider than its screen', async () => {
    const grace = await tab('Grace', { viewport: SIZES.phone, colorScheme: 'dark', hasTouch: true });
    await grace.open(`${server.base}/r/web-test`);
    await grace.page.waitForSelector('#join');
    await grace.page.fill('input[name=name]', 'Grace Hopper');
    await grace.screenshot(`${OUTPUT_DIR}/card-phone-dark.png`);
    assert.ok(await fitsWidth(grace));
    await grace.click('#join');
    await waitForMix(grace);
    await waitFor('Ada sees two tiles', async () => (await facts(ada)).tiles.length === 2, 10000);
    await grace.click('#btn-people');
    assert.deepEqual(
        await grace.evaluate(() => [...document.querySelectorAll('.person .name')].map((name) => name.textContent.replace(/ \(.*/, ''))),
        ['Grace Hopper', 'Ada Lovelace'],
    );
    await grace.screenshot(`${OUTPUT_DIR}/people-phone-dark.png`);
    await grace.page.setViewportSize(SIZES.narrow);
    assert.ok(await fitsWidth(grace));
    await grace.page.setViewportSize(SIZES.phone);
    await grace.click('#btn-people-close');
});

test('mute is shown to the others', async () => {
    await ada.click('#btn-mic');
    assert.equal(await text(ada, '#btn-mic'), 'Unmute');
    const [, grace] = tabs;
    await waitFor('Grace sees the sign', async () => (await person(grace, 'Ada Lovelace'))?.audio.muted === true, 5000);
    await ada.page.keyboard.press('m');
    await waitFor('the sign is gone', async () => (await person(grace, 'Ada Lovelace'))?.audio.muted === false, 5000);
});

test('a camera that is off becomes a still tile with initials, and comes back', async () => {
    const [, grace] = tabs;
    const { self } = await facts(ada);
    await ada.click('#btn-camera');
    await waitFor('Grace sees the sign', async () => (await person(grace, 'Ada Lovelace'))?.video.muted === true, 5000);
    // The fake camera never rests; the initials do.
    let last = null;
    await waitFor(
        "Ada's tile rests",
        async () => {
            const now = JSON.stringify((await grace.evaluate(tilePixels))[self].map((rgb) => rgb.map((value) => value >> 4)));
            const rests = now === last;
            last = now;
            return rests;
        },
        8000,
        700,
    );
    await grace.page.setViewportSize(SIZES.desktop);
    await grace.screenshot(`${OUTPUT_DIR}/initials-desktop-dark.png`);
    await ada.click('#btn-camera');
    const still = (await grace.evaluate(tilePixels))[self];
    await waitFor(
        "Ada's tile moves again",
        async () => {
            const now = (await grace.evaluate(tilePixels))[self];
            return now.some((rgb, i) => rgb.some((value, c) => Math.abs(value - still[i][c]) > 24));
        },
        8000,
        150,
    );
});

test('a shared screen becomes a tile of its own, and goes', async () => {
    const [, grace] = tabs;
    await ada.click('#btn-screen');
    await waitFor('Grace knows of the screen', async () => (await person(grace, 'Ada Lovelace'))?.screen.sending === true, 10000);
    await waitFor('there are three tiles', async () => (await facts(grace)).tiles.length === 3, 10000);
    await assertPictureGoesOn(grace);
    await grace.screenshot(`${OUTPUT_DIR}/screen-desktop-dark.png`);
    await ada.click('#btn-screen');
    await waitFor('the screen is gone', async () => (await facts(grace)).tiles.length === 2, 10000);
    await ada.click('#btn-screen');
    await waitFor('it comes back on the same line', async () => (await facts(grace)).tiles.length === 3, 10000);
    assert.equal(await ada.evaluate(() => window.tessera.pc.getTransceivers().length), 3);
    await ada.click('#btn-screen');
    await waitFor('it is gone again', async () => (await facts(grace)).tiles.length === 2, 10000);
});

test('the statistics name size, rate and codec', async () => {
    await ada.click('#btn-stats');
    await waitFor('the numbers are there', async () => /1280 × 720, \d+ fps/.test(await text(ada, '#stats')), 5000, 200);
    await waitFor('rates are there', async () => /In.*[1-9]\d* kbit\/s|In.*Mbit\/s/.test(await text(ada, '#stats')), 5000, 200);
    const shown = await text(ada, '#stats');
    for (const word of ['Received', 'Sent', 'VP8', 'opus', 'Loss', 'Jitter', 'Round trip']) assert.ok(shown.includes(word), `${word} in: ${shown}`);
    await ada.screenshot(`${OUTPUT_DIR}/stats-desktop-light.png`);
    await ada.click('#btn-stats');
});

test('a short break of the signalling heals by itself, in the same place', async () => {
    const { self } = await facts(ada);
    await breakSignalling(ada);
    await waitFor('Ada is back', async () => (await facts(ada)).phase === 'in' && (await ada.evaluate(() => window.tessera.ws?.readyState === 1)), 10000);
    assert.equal((await facts(ada)).self, self, 'the same participant');
    assert.equal((await facts(ada)).people.length, 2);
    await assertPictureGoesOn(ada);
});

test('a longer break shows a banner until it is over', async () => {
    const expected = ada.complaints.length;
    await ada.page.context().setOffline(true);
    await breakSignalling(ada);
    await waitFor('the banner is shown', () => visible(ada, '#banner'), 5000);
    await ada.screenshot(`${OUTPUT_DIR}/banner-desktop-light.png`);
    await ada.page.context().setOffline(false);
    await waitFor('the banner is gone', async () => !(await visible(ada, '#banner')), 15000);
    await assertPictureGoesOn(ada);
    // The browser itself reports the failed attempts; nothing else may be said.
    const said = ada.complaints.splice(expected);
    for (const complaint of said) assert.match(complaint, /ERR_INTERNET_DISCONNECTED/);
});

test('a server that stands still for a while finds everyone there again', async () => {
    const { self } = await facts(ada);
    process.kill(server.pid, 'SIGSTOP');
    try {
        await waitFor('the banner is shown', () => visible(ada, '#banner'), 20000, 100);
    } finally {
        process.kill(server.pid, 'SIGCONT');
    }
    const [, grace] = tabs;
    for (const page of [ada, grace]) {
        await waitFor(`${page.name}: the banner is gone`, async () => !(await visible(page, '#banner')) && (await facts(page)).connection === 'connected', 20000, 100);
        await assertPictureGoesOn(page);
    }
    assert.equal((await facts(ada)).self, self, 'the same participant');
    assert.equal((await facts(ada)).people.length, 2);
});

test('an ICE restart and a whole new connection both bring the picture back', async () => {
    const { self } = await facts(ada);
    await ada.evaluate(() => window.tessera.connection.restart());
    await waitFor('the restart is answered', () => ada.evaluate(() => window.tessera.pc.signalingState === 'stable' && window.tessera.state.connection === 'connected'), 10000);
    await assertPictureGoesOn(ada);
    await ada.evaluate(() => window.tessera.connection.open());
    await waitForMix(ada);
    await assertPictureGoesOn(ada);
    assert.equal((await facts(ada)).self, self, 'the same participant');
    const [, grace] = tabs;
    await assertPictureGoesOn(grace);
});

test('who has no devices joins as a listener, and may speak later', async () => {
    const eve = await tab('Eve', { colorScheme: 'dark' });
    await eve.open(`${server.base}/r/web-test?auto=1&name=Eve&audio=0&video=0`);
    await waitForMix(eve);
    assert.ok(await eve.evaluate(() => window.tessera.pc.getTransceivers().every(({ currentDirection }) => currentDirection === 'recvonly')));
    await eve.click('#btn-mic');
    await waitFor('Ada sees Eve send', async () => (await person(ada, 'Eve'))?.audio.sending === true, 10000);
    await waitFor('nobody is muted', async () => (await person(ada, 'Eve'))?.audio.muted === false, 5000);
    await ada.click('#btn-people');
    await waitFor('the list names three', async () => (await ada.evaluate(() => document.querySelectorAll('.person').length)) === 3, 5000);
    await ada.screenshot(`${OUTPUT_DIR}/people-desktop-light.png`);
    await ada.click('#btn-people');
    await eve.click('#btn-leave');
    await waitFor('Eve is gone', async () => (await facts(ada)).people.length === 2, 5000);
});

test('the mix is stereo in the page too', async (t) => {
    const lefty = await new RoomPeer(PEOPLE.dan, { left: true }).join(server, 'web-test');
    try {
        for (const page of tabs.slice(0, 2)) await page.click('#btn-mic'); // their fake devices beep
        await waitFor('only Dan is heard, from the left', async () => {
            const [left, right] = await ada.evaluate(channelLevels);
            t.diagnostic(`left ${left.toFixed(4)}, right ${right.toFixed(4)}`);
            return left > 0.01 && right < left / 10;
        }, 15000, 200);
    } finally {
        lefty.leave();
        for (const page of tabs.slice(0, 2)) await page.click('#btn-mic');
    }
    await waitFor('Dan is gone', async () => (await facts(ada)).people.length === 2, 5000);
});

test('leaving ends everything, and one may come again', async () => {
    await ada.click('#btn-leave');
    assert.ok(await visible(ada, '#ended'));
    assert.equal(await ada.evaluate(() => window.tessera.pc), null);
    const [, grace] = tabs;
    await waitFor('Grace is alone', async () => (await facts(grace)).people.length === 1, 5000);
    await ada.screenshot(`${OUTPUT_DIR}/left-desktop-light.png`);
    await ada.click('#btn-again');
    await waitForMix(ada);
    await waitFor('Grace has company', async () => (await facts(grace)).people.length === 2, 5000);
});

test('no page complained on its console', () => {
    for (const page of tabs) assert.deepEqual(page.complaints, [], page.name);
});

test('a server that asks for a token gets one from the page', async () => {
    const secret = await Server.start({ 'auth.secret': 'open-sesame' });
    try {
        const page = await tab('Zoe');
        await page.open(`${secret.base}/r/closed?auto=1&name=Zoe`);
        await page.page.waitForSelector('input[name=token]');
        await page.page.fill('input[name=token]', 'open-sesame');
        await page.click('#join');
        await waitForMix(page);
        const other = await tab('Yan');
        await other.open(`${secret.base}/r/closed?auto=1&name=Yan#token=open-sesame`);
        await waitForMix(other);
        assert.equal(await other.evaluate(() => location.hash), '', 'the token does not stay in the address');
    } finally {
        for (const page of tabs.splice(0)) await page.close();
        await secret.stop();
    }
});
