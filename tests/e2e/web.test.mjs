// The pages, as a person uses them: lobby, room, buttons, leaving, and coming back after a break;
// choosing a layout, and a moderator's controls.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { channelLevels, Chromium, mixFacts, tilePixels } from './lib/browsers.mjs';
import { OUTPUT_DIR, Server } from './lib/server.mjs';
import { signToken } from './lib/token.mjs';
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
const stateOf = (page, member) => page.evaluate((name) => window.tessera.state[name], member);
/** What the page says that it sees: the newest view. */
const view = (page) => stateOf(page, 'view');
const seen = async (page) => (await view(page)).tiles.map(({ id }) => id);
const checked = (page) => page.evaluate(() => [...document.querySelectorAll('#layouts [role=radio][aria-checked=true]')].map((card) => card.dataset.layout));
const rowOf = async (page, name) => `.person[data-id="${(await person(page, name)).id}"]`;

async function openSide(page, button, side) {
    if (!(await visible(page, side))) await page.click(button);
    await page.page.waitForSelector(side);
}

/** The stage has the shape of the canvas, and so has the video: nothing stands beside the picture. */
async function waitForShape(page, width, height) {
    await waitFor(
        `${page.name}: the stage is ${width}:${height}`,
        () =>
            page.evaluate(
                (aspect) => {
                    const frame = document.querySelector('#frame').getBoundingClientRect();
                    const { videoWidth, videoHeight } = document.querySelector('#mix');
                    return [frame.width / frame.height, videoWidth / videoHeight].every((shape) => Math.abs(shape / aspect - 1) < 0.02);
                },
                width / height,
            ),
        10000,
    );
}

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

test('everybody chooses a layout of their own, drawn as it would look', async () => {
    const [, grace] = tabs;
    await openSide(grace, '#btn-layout', '#layouts');
    await grace.page.waitForSelector('#layouts [data-layout=speaker] svg');
    assert.deepEqual(await checked(grace), [''], "the room's own");
    assert.ok((await grace.evaluate(() => document.querySelectorAll('#layouts [role=radio]').length)) >= 16);
    const label = await grace.page.getAttribute('#layouts [data-layout=speaker]', 'aria-label');
    assert.match(label, /^Speaker: ./, 'screen readers hear name and description');
    await waitFor('each has its drawing', () => grace.evaluate(() => [...document.querySelectorAll('#layouts .layout-thumb')].every((thumb) => thumb.querySelector('svg'))), 10000);
    await grace.screenshot(`${OUTPUT_DIR}/layouts-desktop-dark.png`);
    const outside = await grace.evaluate(() =>
        [...document.querySelectorAll('#layouts .layout-picture text')].filter((text) => {
            const tile = text.parentNode.querySelector('rect').getBoundingClientRect();
            const letters = text.getBoundingClientRect();
            return letters.left < tile.left - 0.5 || letters.right > tile.right + 0.5;
        }).map((text) => text.textContent),
    );
    assert.deepEqual(outside, [], 'letters stay in their tiles');

    await grace.click('#layouts [data-layout=speaker]');
    await waitFor('Grace sees her layout', async () => (await view(grace)).layout === 'speaker', 5000);
    assert.deepEqual(await checked(grace), ['speaker']);
    assert.equal((await view(ada)).choice, null, 'Ada sees the room as before');
    assert.notEqual((await view(ada)).layout, 'speaker');
    await assertPictureGoesOn(grace);
});

test('arrow keys go through the layouts, and another shape reshapes the stage', async () => {
    const [, grace] = tabs;
    await grace.page.focus('#layouts [data-layout=speaker]');
    const next = await grace.evaluate(() => document.activeElement.nextElementSibling.dataset.layout);
    await grace.page.keyboard.press('ArrowRight');
    assert.equal(await grace.evaluate(() => document.activeElement.dataset.layout), next);
    await waitFor('the next one is taken', async () => (await view(grace)).choice === next, 5000);
    assert.deepEqual(await checked(grace), [next]);
    await waitForShape(grace, 16, 9);
    await grace.click('#layouts [data-layout=portrait]');
    await waitForShape(grace, 9, 16);
    await grace.screenshot(`${OUTPUT_DIR}/portrait-desktop-dark.png`);
    await assertPictureGoesOn(grace);
});

test('the choice survives a reload and a break', async () => {
    const [, grace] = tabs;
    await grace.page.reload();
    await waitForMix(grace);
    await waitFor('Grace has her layout again', async () => (await view(grace)).choice === 'portrait', 5000);
    await waitForShape(grace, 9, 16);
    await breakSignalling(grace);
    await waitFor('Grace is back', async () => (await facts(grace)).phase === 'in' && (await grace.evaluate(() => window.tessera.ws?.readyState === 1)), 10000);
    assert.equal((await view(grace)).choice, 'portrait');
    await openSide(grace, '#btn-layout', '#layouts');
    await grace.click('#layouts [data-layout=""]');
    await waitFor("Grace sees the room's layout", async () => (await view(grace)).choice === null, 5000);
    await waitForShape(grace, 16, 9);
});

test('who wants it sees the room without their own picture', async () => {
    const [, grace] = tabs;
    const { self } = await facts(grace);
    assert.ok((await seen(grace)).includes(self));
    await grace.click('#without-self');
    await waitFor('her tile is gone', async () => !(await seen(grace)).includes(self), 5000);
    assert.ok((await seen(ada)).includes(self), 'the others see her');
    await assertPictureGoesOn(grace);
    await grace.page.reload();
    await waitForMix(grace);
    await waitFor('it is remembered', async () => (await view(grace)).without_self === true, 5000);
    assert.ok(!(await seen(grace)).includes((await facts(grace)).self));
    await openSide(grace, '#btn-layout', '#layouts');
    await grace.click('#without-self');
    await waitFor('her tile is back', async () => (await seen(grace)).includes((await facts(grace)).self), 5000);
    await grace.page.keyboard.press('Escape');
    assert.equal(await visible(grace, '#layouts'), false);
});

test('a moderator mutes, turns a camera off, holds; the person is told, and the list shows it', async () => {
    const [, grace] = tabs;
    await waitFor('there are two', async () => (await facts(ada)).people.length === 2, 10000);
    await openSide(ada, '#btn-people', '#people');
    const row = await rowOf(ada, 'Grace Hopper');
    await ada.click(`${row} .more`);
    const press = (member) => ada.click(`${row} [data-member=${member}]`);
    const sign = (label) => waitFor(`the list says "${label}"`, () => ada.evaluate(([where, what]) => Boolean(document.querySelector(`${where} .signs [aria-label="${what}"]`)), [row, label]), 5000);
    const told = (what) => waitFor(`Grace reads "${what}"`, async () => (await text(grace, '#decisions')).includes(what), 5000);

    await press('muted');
    await sign('muted by a moderator');
    await told('A moderator muted you');
    await press('video_off');
    await sign('camera turned off by a moderator');
    await told('A moderator turned your picture off');
    await ada.screenshot(`${OUTPUT_DIR}/moderator-desktop-light.png`);
    await grace.screenshot(`${OUTPUT_DIR}/decided-desktop-dark.png`);
    await press('pinned');
    await sign('pinned');
    await press('hold');
    await sign('on hold');
    await waitFor('Grace sees that she is on hold', () => visible(grace, '#on-hold'), 5000);
    for (const member of ['muted', 'video_off', 'pinned', 'hold']) await press(member);
    await waitFor('all is taken back', async () => (await text(grace, '#decisions')) === '' && !(await visible(grace, '#on-hold')), 5000);
    assert.equal(await ada.evaluate((where) => document.querySelectorAll(`${where} [aria-pressed=true]`).length, row), 0);
    await press('hidden');
    const { id } = await person(ada, 'Grace Hopper');
    await waitFor('she has no tile', async () => !(await seen(ada)).includes(id), 5000);
    await press('hidden');
    await waitFor('she has one again', async () => (await seen(ada)).includes(id), 5000);
});

test('a moderator sets volume and role, by keyboard too', async () => {
    const row = await rowOf(ada, 'Grace Hopper');
    const grace = () => person(ada, 'Grace Hopper');
    await ada.page.focus(`${row} input[type=range]`);
    await ada.page.keyboard.press('Home');
    await waitFor('as quiet as it goes', async () => (await grace()).volume === -60, 5000);
    await ada.page.keyboard.press('End');
    await waitFor('as loud as it goes', async () => (await grace()).volume === 12, 5000);
    await ada.page.dblclick(`${row} input[type=range]`);
    await waitFor('as it comes', async () => (await grace()).volume === 0, 5000);
    await ada.page.fill(`${row} .role-field input`, 'teacher');
    await ada.page.keyboard.press('Enter');
    await waitFor('the badge is shown', async () => (await text(ada, `${row} .badge`)) === 'teacher', 5000);
    await ada.page.fill(`${row} .role-field input`, '');
    await ada.page.keyboard.press('Enter');
    await waitFor('it is gone', async () => (await grace()).role === null, 5000);
    await ada.page.focus(`${row} .chip`);
    await ada.page.keyboard.press('Escape');
    assert.equal(await visible(ada, `${row} .person-controls`), false, 'Escape closes the row');
    assert.ok(await visible(ada, '#people'), 'and not the list');
});

test('a moderator gives the room another layout, and locks it', async () => {
    const [, grace] = tabs;
    await ada.click('#tab-room');
    await ada.page.waitForSelector('#room-page [data-layout=side-by-side] svg');
    await ada.click('#room-page [data-layout=side-by-side]');
    for (const page of [ada, grace]) await waitFor(`${page.name} sees it`, async () => (await view(page)).layout === 'side-by-side', 5000);
    await waitFor('it is marked', () => ada.evaluate(() => document.querySelector('#room-page [data-layout=side-by-side]').getAttribute('aria-checked') === 'true'), 5000);
    await ada.screenshot(`${OUTPUT_DIR}/room-settings-desktop-light.png`);
    await ada.click('#room-page [data-layout=grid]');
    await waitFor('all is as before', async () => (await view(grace)).layout === 'grid', 5000);

    await ada.page.locator('#room-page .switch', { hasText: 'Lock the room' }).click();
    await waitFor('Grace sees that it is locked', () => visible(grace, '#sign-locked'), 5000);
    await ada.page.locator('#room-page .switch', { hasText: 'Lock the room' }).click();
    await waitFor('it is open again', async () => !(await visible(grace, '#sign-locked')), 5000);
    await ada.page.fill('#room-page [name=background]', '#204060');
    await waitFor('the canvas has the colour', async () => (await view(grace)).canvas.background === '#204060', 5000);
    await ada.page.locator('#room-page button', { hasText: "Layout's own" }).click();
    await waitFor("it is the layout's again", async () => (await view(grace)).canvas.background !== '#204060', 5000);
    await ada.click('#tab-people');
});

test('the controls fit a phone', async () => {
    const [, grace] = tabs;
    await grace.page.setViewportSize(SIZES.narrow);
    await openSide(grace, '#btn-layout', '#layouts');
    await grace.page.waitForSelector('#layouts [data-layout=grid] svg');
    assert.ok(await fitsWidth(grace));
    const above = await grace.evaluate(() => document.querySelector('#layouts').getBoundingClientRect().top - document.querySelector('#frame').getBoundingClientRect().bottom);
    assert.ok(above >= 0, 'the picture stays in sight while one chooses');
    await grace.screenshot(`${OUTPUT_DIR}/layouts-narrow-dark.png`);
    await grace.click('#btn-people');
    await grace.click(`${await rowOf(grace, 'Ada Lovelace')} .more`);
    assert.ok(await fitsWidth(grace));
    await grace.screenshot(`${OUTPUT_DIR}/moderator-narrow-dark.png`);
    await grace.click('#tab-room');
    assert.ok(await fitsWidth(grace));
    await grace.click('#tab-people');
    await grace.click('#btn-people-close');
    await grace.page.setViewportSize(SIZES.desktop);
});

test('who just watches has no tile and is asked for no devices, and may join in later', async () => {
    const wil = await tab('Wil', { colorScheme: 'dark', permissions: [] });
    await wil.page.addInitScript(() => {
        window.asked = 0;
        const { mediaDevices } = navigator;
        const open = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = (constraints) => {
            window.asked++;
            return open(constraints);
        };
    });
    await wil.open(`${server.base}/r/web-test`);
    await wil.page.waitForSelector('#watch');
    const asked = await wil.evaluate(() => window.asked);
    await wil.click('#watch');
    await waitForMix(wil);
    assert.equal(await wil.evaluate(() => window.asked), asked, 'watching opens no device');
    assert.equal((await facts(ada)).people.length, 2, 'nobody is told');
    assert.equal((await view(wil)).tiles.length, 2);
    for (const control of ['#btn-mic', '#btn-camera', '#btn-screen']) assert.equal(await visible(wil, control), false, control);
    assert.ok(await visible(wil, '#sign-watching'));
    await wil.screenshot(`${OUTPUT_DIR}/watching-desktop-dark.png`);
    await wil.page.reload();
    await waitForMix(wil);
    assert.equal(await stateOf(wil, 'watching'), true, 'a reload goes on watching');
    await wil.click('#btn-join-in');
    await wil.page.fill('input[name=name]', 'Wil');
    await wil.click('#join');
    await waitForMix(wil);
    await waitFor('there are three', async () => (await facts(ada)).people.length === 3, 5000);
});

test('a moderator removes somebody, after a question', async () => {
    const wil = tabs.find(({ name }) => name === 'Wil');
    await openSide(ada, '#btn-people', '#people');
    const row = await rowOf(ada, 'Wil');
    await ada.click(`${row} .more`);
    await ada.click(`${row} .remove`);
    await ada.page.waitForSelector('dialog.ask');
    await ada.screenshot(`${OUTPUT_DIR}/remove-desktop-light.png`);
    await ada.page.keyboard.press('Escape');
    assert.equal((await facts(ada)).people.length, 3, 'Escape says no');
    await ada.click(`${row} .remove`);
    await ada.page.locator('dialog.ask button', { hasText: 'Remove' }).click();
    await waitFor('Wil is out', () => visible(wil, '#ended'), 5000);
    await waitFor('there are two', async () => (await facts(ada)).people.length === 2, 5000);
    await ada.click('#btn-people-close');
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

test('a layout that the room has no room for is taken back, with a word', async () => {
    const small = await Server.start({ 'room.max_scenes': 1 });
    try {
        const uma = await tab('Uma');
        await uma.open(`${small.base}/r/small?auto=1&name=Uma`);
        await waitForMix(uma);
        await openSide(uma, '#btn-layout', '#layouts');
        await uma.click('#layouts [data-layout=audio-only]');
        await uma.page.waitForSelector('.toast.error');
        assert.deepEqual(await checked(uma), [''], "the room's own is marked again");
        assert.equal((await view(uma)).choice, null);
        await uma.page.reload();
        await waitForMix(uma);
        assert.equal((await view(uma)).choice, null);
        // A choice that is remembered, but that is gone since, keeps nobody out.
        await uma.evaluate(() => localStorage.setItem('tessera.settings', JSON.stringify({ name: 'Uma', layout: 'gone', layoutRoom: 'small' })));
        await uma.page.reload();
        await waitForMix(uma);
        assert.equal((await view(uma)).choice, null);
        assert.deepEqual(uma.complaints, []);
    } finally {
        for (const page of tabs.splice(0)) await page.close();
        await small.stop();
    }
});

test('a server that asks for a token gets one from the page', async () => {
    const closed = await Server.startClosed();
    const token = (grants) => signToken({ room: 'closed', grants });
    try {
        const zoe = await tab('Zoe');
        await zoe.open(`${closed.base}/r/closed?auto=1&name=Zoe`);
        await zoe.page.waitForSelector('input[name=token]');
        await zoe.page.fill('input[name=token]', token(['publish', 'view']));
        await zoe.click('#join');
        await waitForMix(zoe);
        await zoe.click('#btn-people');
        await zoe.page.waitForSelector('.person');
        assert.equal(await visible(zoe, '.person .more'), false, 'without control there are no controls');
        assert.equal(await visible(zoe, '#people-tabs'), false);

        const yan = await tab('Yan');
        await yan.open(`${closed.base}/r/closed?auto=1&name=Yan#token=${token(['publish', 'view', 'control'])}`);
        await waitForMix(yan);
        assert.equal(await yan.evaluate(() => location.hash), '', 'the token does not stay in the address');
        await yan.click('#btn-people');
        await yan.page.waitForSelector('.person .more');
        await yan.click('#tab-room');
        await yan.page.locator('#room-page .switch', { hasText: 'Lock the room' }).click();
        await waitFor('Zoe sees the lock', () => visible(zoe, '#sign-locked'), 5000);
        const max = await tab('Max');
        await max.open(`${closed.base}/r/closed?auto=1&name=Max#token=${token(['publish', 'view'])}`);
        await max.page.waitForSelector('#entrance .problem:not([hidden])');
        assert.match(await text(max, '#entrance .problem'), /locked/i);
        await yan.page.locator('#room-page .switch', { hasText: 'Lock the room' }).click();

        const vic = await tab('Vic', { colorScheme: 'dark' });
        await vic.open(`${closed.base}/r/closed#token=${token(['view'])}`);
        await vic.page.waitForSelector('#join');
        assert.equal(await visible(vic, '.join-devices'), false, 'a link for watching offers only that');
        assert.equal(await text(vic, '#join'), 'Watch');
        await vic.screenshot(`${OUTPUT_DIR}/watch-link-desktop-dark.png`);
        await vic.click('#join');
        await waitForMix(vic);
        assert.equal(await visible(vic, '#btn-join-in'), false);
        await openSide(vic, '#btn-layout', '#layouts');
        await vic.page.waitForSelector('#layouts [data-layout=single] svg');
        await vic.click('#layouts [data-layout=single]');
        await waitFor('a viewer chooses too', async () => (await view(vic)).layout === 'single', 5000);
    } finally {
        for (const page of tabs.splice(0)) await page.close();
        await closed.stop();
    }
});
