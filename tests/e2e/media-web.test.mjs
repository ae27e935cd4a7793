// Recording, broadcasting and playing into a room, as a person does it on the pages.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Chromium, mixFacts } from './lib/browsers.mjs';
import { OUTPUT_DIR, Server } from './lib/server.mjs';
import { signToken } from './lib/token.mjs';
import { waitFor } from './lib/wait.mjs';

const files = mkdtempSync(path.join(tmpdir(), 'tessera-e2e-pages-'));
// What is recorded can be played into the room again.
const SETTINGS = {
    'rtmp.listen': '127.0.0.1:0',
    'record.dir': files,
    'record.min_free_mb': 1,
    'source.media_dir': files,
};

let server;
let browser;
let ada;
let bob;
const tabs = [];

async function tab(name, options) {
    const made = await browser.tab(name, options);
    tabs.push(made);
    return made;
}

async function enter(page, base, room, query = '', hash = '') {
    await page.open(`${base}/r/${room}?auto=1&name=${page.name}${query}${hash}`);
    await waitFor(
        `${page.name} sees the mix`,
        async () => {
            const { width, framesDecoded } = await page.evaluate(mixFacts);
            return width > 0 && framesDecoded > 0;
        },
        20000,
        100,
    );
}

async function openMedia(page) {
    if (!(await page.page.isVisible('#people'))) await page.click('#btn-people');
    await page.click('#tab-media');
    await page.page.waitForSelector('.room-media');
}

const visible = (page, selector) => page.page.isVisible(selector);
const text = (page, selector) => page.evaluate((where) => document.querySelector(where)?.textContent ?? '', selector);
const fitsWidth = (page) => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
const section = (label) => `.media-section[aria-label="${label}"]`;
const row = (label, state) => `${section(label)} .media-item${state ? `[data-state=${state}]` : ''}`;
const recordings = async (base, room = 'demo') => (await (await fetch(`${base}/api/v1/rooms/${room}/recordings`)).json()).recordings;
const refusal = (page, label) => text(page, `${section(label)} form .problem:not([hidden])`);

/** "1:05 · 1.2 MB" -> 65. */
function secondsOf(figures) {
    const [minutes, seconds] = figures.split(' ')[0].split(':').map(Number);
    return minutes * 60 + seconds;
}

const secondsShown = async (page) => secondsOf(await text(page, `${row('Recordings')} .media-figures`));

before(async () => {
    mkdirSync(OUTPUT_DIR, { recursive: true });
    server = await Server.start(SETTINGS, ['--demo']);
    browser = await Chromium.launch();
    ada = await tab('Ada', { colorScheme: 'light' });
    bob = await tab('Bob', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true });
    await enter(ada, server.base, 'demo');
    await enter(bob, server.base, 'demo', '&watch=1');
});

after(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(files, { recursive: true, force: true });
});

test('a recording is started, and everybody sees that', async () => {
    await openMedia(ada);
    assert.equal(await visible(bob, '#sign-recording'), false);
    await ada.click('[data-act=record]');
    await ada.page.waitForSelector(row('Recordings', 'running'));
    await waitFor('Bob sees REC', () => visible(bob, '#sign-recording'));
    assert.match(await text(bob, '#sign-recording'), /REC/);
    await waitFor('Bob is told too', async () => /being recorded/.test(await text(bob, '.toasts')));
    await waitFor('time and size are shown', async () => (await secondsShown(ada)) >= 2, 20000);
    assert.match(await text(ada, `${row('Recordings')} .media-figures`), /\d [kM]?B$/);
    await ada.screenshot(`${OUTPUT_DIR}/media-recording-desktop-light.png`);
    await bob.screenshot(`${OUTPUT_DIR}/media-rec-phone-dark.png`);
});

test('who comes later sees it as well', async () => {
    const eve = await tab('Eve');
    await enter(eve, server.base, 'demo', '&watch=1');
    await waitFor('Eve sees REC', () => visible(eve, '#sign-recording'));
    await eve.close();
});

test('it is paused and goes on, by keyboard, and the time stands still', async () => {
    const pause = `${row('Recordings')} .media-button`;
    await ada.page.focus(pause);
    await ada.page.keyboard.press('Enter');
    await ada.page.waitForSelector(row('Recordings', 'paused'));
    await waitFor('Bob sees that it waits', () => visible(bob, '#sign-recording.waits'));
    const before = await secondsShown(ada);
    await ada.page.waitForTimeout(2500);
    assert.ok((await secondsShown(ada)) - before <= 1, 'a pause is not counted');
    assert.equal(await ada.evaluate(() => document.activeElement.title), 'Go on recording', 'the focus stays');
    await ada.page.keyboard.press('Enter');
    await ada.page.waitForSelector(row('Recordings', 'running'));
    await waitFor('Bob sees that it goes on', () => visible(bob, '#sign-recording:not(.waits)'));
    await waitFor('the time goes on', async () => (await secondsShown(ada)) >= before + 1, 10000);
});

test('it is stopped, listed, played in a dialog and can be downloaded', async () => {
    await ada.page.locator(row('Recordings')).getByRole('button', { name: 'Stop' }).click();
    await ada.page.waitForSelector(row('Recordings', 'finished'), { timeout: 20000 });
    await waitFor('Bob sees no REC any more', async () => !(await visible(bob, '#sign-recording')));
    const [recording] = await recordings(server.base);
    assert.equal(recording.state, 'finished');
    await ada.page.waitForSelector(`${row('Recordings')} .media-files:not([hidden])`);
    await ada.page.locator(row('Recordings')).getByRole('button', { name: /^Play / }).click();
    await ada.page.waitForSelector('dialog.media-player video');
    const played = () =>
        ada.evaluate(() => {
            const { currentTime, videoWidth, duration } = document.querySelector('dialog.media-player video');
            return { currentTime, videoWidth, duration };
        });
    await waitFor('it plays', async () => (await played()).currentTime > 1, 20000);
    const { videoWidth, duration } = await played();
    assert.equal(videoWidth, 1280);
    assert.ok(Math.abs(duration - recording.duration) < 0.3, `${duration} s, said to be ${recording.duration} s`);
    await ada.screenshot(`${OUTPUT_DIR}/media-player-desktop-light.png`);
    await ada.page.keyboard.press('Escape');
    await waitFor('the dialog is gone', async () => !(await visible(ada, 'dialog.media-player')));

    const href = await ada.page.locator(row('Recordings')).getByRole('link', { name: /^Download / }).getAttribute('href');
    const part = await fetch(href, { headers: { Range: 'bytes=4-7' } });
    assert.deepEqual([part.status, await part.text()], [206, 'ftyp']);
});

test('everyone is recorded by themselves as well', async () => {
    await ada.page.locator(`${section('Recordings')} summary`).click();
    await ada.page.getByLabel('Also everyone by themselves').check();
    await ada.click('[data-act=record]');
    await ada.page.waitForSelector(row('Recordings', 'running'));
    await waitFor('it records', async () => (await secondsShown(ada)) >= 2, 20000);
    await ada.page.locator(row('Recordings', 'running')).getByRole('button', { name: 'Stop' }).click();
    const files = ada.page.locator(row('Recordings')).first().locator('.media-files li');
    let listed; // the list is drawn anew when something changes
    await waitFor('its files are listed', async () => (listed = await files.allTextContents()).length >= 2, 20000);
    assert.ok(listed.some((name) => /^Ada · .*\.mkv$/.test(name)), `${listed}`);
    await ada.screenshot(`${OUTPUT_DIR}/media-isolated-desktop-light.png`);
    await ada.page.getByLabel('Also everyone by themselves').uncheck();
    await ada.page.locator(`${section('Recordings')} summary`).click();
});

test('a broadcast to an address that is not allowed is refused with the reason, and the key is not shown', async () => {
    const url = `${section('Broadcasts')} [name=broadcast-url]`;
    assert.equal(await ada.page.getAttribute(url, 'type'), 'password');
    await ada.page.fill(url, 'rtmp://127.0.0.1:1/live/very-secret');
    await ada.click('[data-act=broadcast]');
    const sentence = await waitFor('the sentence of the server', () => refusal(ada, 'Broadcasts'));
    const answer = await fetch(`${server.base}/api/v1/rooms/demo/broadcasts`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ url: 'rtmp://127.0.0.1:1/live/very-secret' }),
    });
    assert.equal(sentence, (await answer.json()).detail);
    assert.ok(!sentence.includes('very-secret'));
    await ada.page.locator(section('Broadcasts')).scrollIntoViewIfNeeded();
    await ada.screenshot(`${OUTPUT_DIR}/media-broadcast-refused.png`);
    await ada.page.fill(url, '');
    await ada.click('[data-act=broadcast]');
    assert.match(await waitFor('a word where there is no address', () => refusal(ada, 'Broadcasts')), /address/);
});

test('a test pattern is added, paused and removed', async () => {
    const form = `${section('Sources')} form`;
    await ada.page.selectOption(`${form} [name=source-kind]`, 'pattern');
    await ada.page.fill(`${form} [name=source-value]`, '5');
    await ada.page.fill(`${form} [name=source-name]`, 'Colours');
    await ada.click('[data-act=source]');
    await ada.page.waitForSelector(row('Sources', 'playing'));
    const isHere = async () => (await bob.evaluate(mixFacts)).people.some(({ name }) => name === 'Colours');
    await waitFor('it is in the room', isHere);
    await ada.page.locator(row('Sources')).getByRole('button', { name: 'Pause' }).click();
    await ada.page.waitForSelector(row('Sources', 'paused'));
    await ada.page.locator(section('Sources')).scrollIntoViewIfNeeded();
    await ada.screenshot(`${OUTPUT_DIR}/media-source-pattern.png`);
    await ada.page.locator(row('Sources')).getByRole('button', { name: 'Remove' }).click();
    await waitFor('it is gone', async () => !(await isHere()));
    await waitFor('it is not listed any more', async () => !(await visible(ada, row('Sources'))));
});

test('a file is played, looped, sought and removed; one that is not there is refused', async () => {
    const form = `${section('Sources')} form`;
    const [{ files: recorded, duration }] = await recordings(server.base);
    await ada.page.selectOption(`${form} [name=source-kind]`, 'file');
    await ada.page.fill(`${form} [name=source-value]`, 'nothing-here.mp4');
    await ada.click('[data-act=source]');
    await waitFor(
        'the page says what is wrong',
        async () => (await refusal(ada, 'Sources')) || (await visible(ada, `${row('Sources', 'failed')} .problem`)),
    );
    if (await visible(ada, row('Sources'))) {
        await ada.page.locator(row('Sources')).getByRole('button', { name: 'Remove' }).click();
        await waitFor('it is gone', async () => !(await visible(ada, row('Sources'))));
    }
    await ada.page.selectOption(`${form} [name=source-kind]`, 'file');
    await ada.page.fill(`${form} [name=source-value]`, recorded[0].name);
    await ada.page.fill(`${form} [name=source-name]`, 'Clip');
    await ada.page.check(`${form} [name=source-loop]`);
    await ada.click('[data-act=source]');
    await ada.page.waitForSelector(row('Sources', 'playing'), { timeout: 20000 });
    await ada.page.waitForSelector(`${row('Sources')} .media-position:not([hidden])`);
    const read = async () => (await server.json('/api/v1/rooms/demo/sources')).sources[0];
    assert.equal((await read()).loop, true);
    await ada.page.locator(row('Sources')).getByRole('button', { name: 'Play again and again' }).click();
    await waitFor('it is not looped', async () => (await read()).loop === false);
    await ada.page.locator(row('Sources')).getByRole('button', { name: 'Pause' }).click();
    await waitFor('it is paused', async () => (await read()).paused);
    await ada.page.focus(`${row('Sources')} [type=range]`);
    await ada.page.keyboard.press('End');
    await waitFor('it is at its end', async () => (await read()).position >= Math.floor(duration) - 1.5);
    await ada.page.keyboard.press('Home');
    await waitFor('it is at its begin', async () => (await read()).position < 1);
    await ada.screenshot(`${OUTPUT_DIR}/media-source-file.png`);
    await ada.page.locator(row('Sources')).getByRole('button', { name: 'Remove' }).click();
    await waitFor('it is not listed any more', async () => !(await visible(ada, row('Sources'))));
});

test('the lines for OBS are there to copy', async () => {
    await ada.page.locator(section('Send with OBS')).scrollIntoViewIfNeeded();
    assert.match(await text(ada, '[data-line=server]'), /^rtmp:\/\/127\.0\.0\.1:\d+\/demo$/);
    await ada.page.fill('[name=rtmp-name]', 'Big camera');
    assert.equal(await text(ada, '[data-line=key]'), 'Big%20camera');
    await ada.page.locator(section('Send with OBS')).getByRole('button', { name: 'Copy server' }).click();
    await waitFor('it says so', async () => /Server copied/.test(await text(ada, '.toasts')));
    await ada.screenshot(`${OUTPUT_DIR}/media-obs-desktop-light.png`);
});

test('on a narrow screen nothing is wider than it', async () => {
    await openMedia(bob);
    await bob.page.waitForSelector(row('Recordings'));
    assert.ok(await fitsWidth(bob));
    await bob.screenshot(`${OUTPUT_DIR}/media-phone-dark.png`);
    await bob.page.setViewportSize({ width: 360, height: 640 });
    await bob.page.locator(section('Sources')).scrollIntoViewIfNeeded();
    assert.ok(await fitsWidth(bob));
    await bob.screenshot(`${OUTPUT_DIR}/media-narrow-dark.png`);
});

test('the dashboard records too, and logs it', async () => {
    const admin = await tab('Admin', { viewport: { width: 1280, height: 1600 } });
    await admin.open(`${server.base}/admin#/rooms/demo`);
    await admin.page.waitForSelector(`${section('Recordings')}.card`);
    await admin.page.locator(`${section('Recordings')} summary`).click();
    await admin.page.selectOption('[name=recording-format]', 'webm');
    await admin.page.selectOption('[name=recording-layout]', 'grid');
    await admin.click('[data-act=record]');
    await admin.page.waitForSelector(row('Recordings', 'running'));
    await waitFor('Bob sees REC', () => visible(bob, '#sign-recording'));
    await waitFor('two seconds', async () => (await secondsShown(admin)) >= 2, 20000);
    await admin.screenshot(`${OUTPUT_DIR}/media-admin.png`);
    await admin.page.locator(row('Recordings', 'running')).getByRole('button', { name: 'Stop' }).click();
    await waitFor('both are there', async () => (await recordings(server.base)).every(({ state }) => state === 'finished'), 20000);
    await admin.page.waitForSelector('.event-recording');
    const all = await recordings(server.base);
    assert.deepEqual(all.map(({ format }) => format).sort(), ['mp4', 'mp4', 'webm']);
    await waitFor('Ada has all in her list', () => ada.evaluate(() => document.querySelectorAll('.media-item[data-state=finished]').length === 3));
    await admin.page.setViewportSize({ width: 390, height: 844 });
    await admin.page.locator(section('Recordings')).scrollIntoViewIfNeeded();
    assert.ok(await fitsWidth(admin));
    await admin.screenshot(`${OUTPUT_DIR}/media-admin-phone.png`);
    assert.deepEqual(admin.complaints, []);
});

test('no page complained but of what was refused', () => {
    for (const page of [ada, bob]) assert.deepEqual(page.complaints.filter((complaint) => !/status of 4\d\d/.test(complaint)), [], page.name);
});

test('the token decides who may', async () => {
    const closed = await Server.startClosed({
        ...SETTINGS,
        'record.dir': path.join(files, 'closed'),
        'broadcast.allowed_networks': '127.0.0.0/8',
    });
    const hash = (grants) => `#token=${signToken({ room: 'closed', grants })}`;
    try {
        const vic = await tab('Vic');
        await enter(vic, closed.base, 'closed', '', hash(['publish', 'view']));
        const rec = await tab('Rec');
        await enter(rec, closed.base, 'closed', '', hash(['publish', 'view', 'record']));
        await vic.click('#btn-people');
        assert.equal(await visible(vic, '#people-tabs'), false);
        await rec.click('#btn-people');
        assert.equal(await visible(rec, '#tab-room'), false);
        await openMedia(rec);
        assert.equal(await visible(rec, section('Recordings')), true);
        assert.equal(await visible(rec, section('Sources')), false);
        await rec.click('[data-act=record]');
        await rec.page.waitForSelector(row('Recordings', 'running'));
        await waitFor('Vic sees REC', () => visible(vic, '#sign-recording'));
        await vic.page.reload();
        await waitFor('who comes later and may not record sees it as well', () => visible(vic, '#sign-recording'), 20000);
        await waitFor('a second', async () => (await secondsShown(rec)) >= 1, 20000);
        await rec.page.locator(row('Recordings')).getByRole('button', { name: 'Stop' }).click();
        await rec.page.locator(row('Recordings')).getByRole('button', { name: /^Play / }).click({ timeout: 20000 });
        await waitFor('it plays with the token', () => rec.evaluate(() => document.querySelector('dialog.media-player video').currentTime > 0.2), 20000);
        await rec.page.keyboard.press('Escape');

        // Our own RTMP server takes it, into another room.
        await waitFor('RTMP is listened for', () => closed.rtmp);
        await rec.page.fill('[name=broadcast-url]', `${closed.rtmp}/relay/program?token=${signToken({ room: 'relay' })}`);
        await rec.click('[data-act=broadcast]');
        await rec.page.waitForSelector(row('Broadcasts', 'running'), { timeout: 20000 });
        await waitFor('Vic sees LIVE', () => visible(vic, '#sign-broadcast'));
        assert.equal(await rec.page.inputValue('[name=broadcast-url]'), '', 'the address is not shown again');
        assert.ok(!(await rec.page.locator('body').innerText()).includes('token='), 'nor is what is secret of it');
        await waitFor(
            'the other room has it',
            async () => (await closed.json('/api/v1/rooms/relay')).participants.some(({ name, video }) => name === 'program' && video.sending),
            20000,
        );
        await rec.page.locator(section('Broadcasts')).scrollIntoViewIfNeeded();
        await rec.screenshot(`${OUTPUT_DIR}/media-broadcast-live.png`);
        await rec.page.locator(row('Broadcasts')).getByRole('button', { name: 'Stop the broadcast' }).click();
        await rec.page.waitForSelector(row('Broadcasts', 'finished'), { timeout: 20000 });
        await waitFor('Vic sees no LIVE any more', async () => !(await visible(vic, '#sign-broadcast')));

        const mod = await tab('Mod');
        await enter(mod, closed.base, 'closed', '', hash(['publish', 'view', 'control']));
        await openMedia(mod);
        assert.equal(await visible(mod, section('Recordings')), false);
        assert.equal(await visible(mod, section('Sources')), true);
        const key = await text(mod, '[data-line=key]');
        assert.ok(key.startsWith('OBS?token=') && !key.includes('ey'), 'the token is not shown');
        await mod.page.focus('#tab-media');
        await mod.page.keyboard.press('ArrowLeft');
        assert.equal(await mod.evaluate(() => document.activeElement.id), 'tab-room');
        await mod.page.keyboard.press('ArrowLeft');
        await mod.page.keyboard.press('ArrowLeft');
        assert.equal(await mod.evaluate(() => document.activeElement.id), 'tab-media');
    } finally {
        for (const page of tabs.splice(0)) await page.close();
        await closed.stop();
    }
});
