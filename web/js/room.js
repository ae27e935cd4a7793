// The room page: draws what the session says, and hands it what the person presses.

import { api } from './api.js';
import { canShareScreen } from './devices.js';
import { icon, setIcon } from './icons.js';
import { JoinForm } from './joinform.js';
import { RoomMedia } from './media/room-media.js';
import { PeopleList } from './people.js';
import { RoomSettings } from './room-settings.js';
import { Session } from './session.js';
import { enteredAs, layoutFor, loadSettings, mayPublish, readToken, saveSettings, setEntered, takeToken } from './settings.js';
import { describeStats, StatsReader } from './stats.js';
import { copyText, el, ROOM_ID, toast } from './ui.js';
import { ViewerLayout } from './viewer-layout.js';

const STATS_MS = 1000;
const AWAY_BANNER_MS = 600; // a break shorter than this is not worth a word

const byId = (id) => document.getElementById(id);
const room = decodeURIComponent(location.pathname.split('/')[2] ?? '');
const query = new URLSearchParams(location.search);

let session = null;
let statsTimer = 0;
let awayTimer = 0;
const mix = new MediaStream();
const statsReader = new StatsReader();
const testReader = new StatsReader();
const people = new PeopleList(byId('people-list'));
const roomSettings = new RoomSettings(room);
const roomMedia = new RoomMedia(room, { request: api });
const viewerLayout = new ViewerLayout({
    onLayout(layout) {
        saveSettings({ layout, layoutRoom: room });
        session.setLayout(layout);
    },
    onWithoutSelf(withoutSelf) {
        saveSettings({ withoutSelf });
        session.setWithoutSelf(withoutSelf);
    },
});

// --- coming in and going out

function showOnly(id) {
    for (const part of ['entrance', 'room', 'ended']) byId(part).hidden = part !== id;
}

function settingsOfQuery() {
    const settings = loadSettings();
    if (query.has('name')) settings.name = query.get('name');
    for (const kind of ['audio', 'video']) if (query.has(kind)) settings[kind] = query.get(kind) === '1';
    return settings;
}

function showEntrance({ problem = '', token = false } = {}) {
    showOnly('entrance');
    byId('join-place').replaceChildren();
    const known = takeToken();
    const watchOnly = !token && !mayPublish(known);
    byId('entrance-verb').textContent = watchOnly ? 'Watch' : 'Join';
    byId('entrance-note').hidden = watchOnly;
    const form = new JoinForm({
        room,
        token,
        watchOnly,
        name: readToken(known)?.name,
        onJoin(settings, { watch }) {
            form.close();
            enter(settings, { watch });
        },
    });
    byId('join-place').append(form.element);
    form.start().then(() => problem && form.fail(problem));
}

function enter(settings, { watch = false } = {}) {
    const token = takeToken();
    const onlyWatch = watch || !mayPublish(token);
    setEntered(room, { watch: onlyWatch });
    showOnly('room');
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
    session = new Session({ url, room, token, settings, watch: onlyWatch, layout: layoutFor(room) });
    session.addEventListener('change', draw);
    session.addEventListener('unchosen', ({ detail }) => keepChoice(detail));
    session.addEventListener('note', ({ detail }) => toast(detail.text, detail.kind));
    session.addEventListener('media', ({ detail }) => roomMedia.take(detail.event, detail.data));
    session.addEventListener('track', ({ detail }) => showTrack(detail));
    session.addEventListener('ended', ({ detail }) => showEnd(detail));
    session.addEventListener('refused', ({ detail }) => refused(detail));
    session.start();
}

/** The server refused our view: a reload is not to ask for it again. */
function keepChoice({ choice, withoutSelf }) {
    saveSettings({ layout: choice, layoutRoom: room, withoutSelf });
}

/** From watching to taking part: through the form, with its look at camera and microphone. */
function joinIn() {
    session.leave({ quietly: true });
    setEntered(null);
    clearMix();
    showStats(false);
    showEntrance();
}

function refused({ code, message }) {
    setEntered(null);
    clearMix();
    showEntrance({ problem: message, token: code === 'unauthorized' || code === 'forbidden' });
}

function showEnd({ title, text }) {
    setEntered(null);
    clearMix();
    showStats(false);
    byId('ended-title').textContent = title;
    byId('ended-text').textContent = text;
    showOnly('ended');
    byId('btn-again').focus();
}

// --- the mix

function showTrack(track) {
    for (const old of mix.getTracks()) if (old.kind === track.kind) mix.removeTrack(old);
    mix.addTrack(track);
    const video = byId('mix');
    if (video.srcObject !== mix) video.srcObject = mix;
    play();
}

function clearMix() {
    for (const track of mix.getTracks()) mix.removeTrack(track);
    byId('mix').srcObject = null;
}

/** Browsers play sound only after the person touched the page; until then the picture is silent. */
async function play() {
    const video = byId('mix');
    const hear = byId('btn-hear');
    try {
        await video.play();
        hear.hidden = !video.muted;
    } catch (error) {
        if (error.name !== 'NotAllowedError') return; // a newer play() took over
        video.muted = true;
        hear.hidden = false;
        await video.play().catch(() => {});
    }
}

function hear() {
    byId('mix').muted = false;
    byId('btn-hear').hidden = true;
    play();
}

// --- drawing

function setControl(button, { text, label = '', iconName, off = false, pressed }) {
    button.querySelector('span').textContent = text;
    if (label) button.setAttribute('aria-label', label);
    setIcon(button, iconName);
    button.classList.toggle('off', off);
    if (pressed !== undefined) button.setAttribute('aria-pressed', String(pressed));
}

const SOUND_ONLY = 'Your connection is too slow for pictures: sound goes on.';

const hasSoundOnly = ({ phase, people, self }) => phase === 'in' && people.get(self)?.quality === 'sound';

function bannerText(state) {
    const { phase, connection, draining } = state;
    if (phase === 'away') return 'Connection to the server lost. Reconnecting…';
    if (phase === 'in' && connection === 'broken') return 'Sound and picture are interrupted. Reconnecting…';
    if (draining) return 'The server is going down for a restart. You will be reconnected.';
    return hasSoundOnly(state) ? SOUND_ONLY : '';
}

/** Say it once it lasts: a break that heals in an instant needs no banner. */
function drawBanner(text) {
    const banner = byId('banner');
    if (text) {
        byId('banner-text').textContent = text;
        banner.classList.toggle('lasts', text === SOUND_ONLY);
    } else {
        clearTimeout(awayTimer);
        awayTimer = 0;
        banner.hidden = true;
    }
    if (text && !awayTimer) awayTimer = setTimeout(() => (banner.hidden = false), AWAY_BANNER_MS);
}

/** The stage takes the shape of the picture: of the newest plan, which comes just before it. A picture that is
 *  left over from before does not look as if it were of now. */
function drawFrame(state) {
    const { view, layout, video } = state;
    byId('frame').classList.toggle('old', hasSoundOnly(state));
    const { width, height } = view?.canvas ?? layout?.canvas ?? video ?? {};
    if (width && height) byId('frame').style.setProperty('--aspect', width / height);
}

/** What a moderator decided about us stays in sight for as long as it holds. */
function drawDecisions(me) {
    const signs = [
        me?.muted && ['mic-off', 'A moderator muted you'],
        me?.video_off && ['camera-off', 'A moderator turned your picture off'],
    ].filter(Boolean);
    const list = byId('decisions');
    byId('on-hold').hidden = !me?.hold;
    const texts = signs.map(([, text]) => text).join('\n');
    if (list.dataset.texts === texts) return;
    list.dataset.texts = texts;
    list.replaceChildren(...signs.map(([name, text]) => el('li', {}, icon(name), text)));
}

const ON_AIR = {
    recording: { id: 'sign-recording', on: 'This room is being recorded', paused: 'The recording is paused' },
    broadcast: { id: 'sign-broadcast', on: 'This room is being broadcast', paused: 'The broadcast is interrupted' },
};

/** Everybody is to see it at all times, so it stands in the picture too where there is only that. */
function drawOnAir({ onAir }) {
    for (const [kind, { id, ...texts }] of Object.entries(ON_AIR)) {
        const sign = byId(id);
        sign.hidden = !onAir[kind];
        sign.classList.toggle('waits', onAir[kind] === 'paused');
        sign.title = texts[onAir[kind]] ?? '';
    }
    const signs = Object.values(ON_AIR).map(({ id }) => byId(id)).filter((sign) => !sign.hidden);
    const key = signs.map((sign) => sign.className + sign.id).join();
    if (byId('stage-signs').dataset.key === key) return;
    byId('stage-signs').dataset.key = key;
    byId('stage-signs').replaceChildren(
        ...signs.map((sign) => {
            const copy = sign.cloneNode(true);
            copy.removeAttribute('id');
            return copy;
        }),
    );
}

function drawWait(state) {
    const { phase, connection } = state;
    const waiting = byId('mix').videoWidth === 0 && !hasSoundOnly(state);
    byId('wait').hidden = !waiting;
    const text = phase === 'joining' ? 'Joining…' : connection === 'connected' ? 'Waiting for the picture…' : 'Connecting…';
    if (byId('wait-text').textContent !== text) byId('wait-text').textContent = text;
}

let drawing = false;

/** Draw once per turn, however many things changed in it. */
function draw() {
    if (drawing) return;
    drawing = true;
    queueMicrotask(() => {
        drawing = false;
        drawNow();
    });
}

function drawNow() {
    const { state } = session;
    const present = [...state.people.values()].filter((person) => person.visible !== false);
    const me = state.people.get(state.self);
    const { watching } = state;
    setControl(byId('btn-mic'), {
        text: state.muted ? 'Unmute' : 'Mute',
        iconName: state.muted ? 'mic-off' : 'mic',
        off: state.muted,
    });
    setControl(byId('btn-camera'), {
        text: 'Camera',
        label: state.camera ? 'Camera: turn off' : 'Camera: turn on',
        iconName: state.camera ? 'camera' : 'camera-off',
        off: !state.camera,
    });
    setControl(byId('btn-screen'), {
        text: state.sharing ? 'Stop' : 'Share',
        label: state.sharing ? 'Stop sharing the screen' : 'Share your screen',
        iconName: 'screen',
        pressed: state.sharing,
    });
    for (const id of ['btn-mic', 'btn-camera']) byId(id).hidden = watching;
    byId('btn-screen').hidden = watching || !canShareScreen();
    byId('btn-people').setAttribute('aria-label', `People: ${present.length} in the room`);
    if (present.length > 1) byId('btn-people').dataset.count = present.length;
    else delete byId('btn-people').dataset.count;
    for (const id of ['people-count', 'tab-count']) byId(id).textContent = String(present.length);
    byId('sign-locked').hidden = !state.roomInfo?.locked;
    byId('sign-watching').hidden = !watching;
    byId('btn-join-in').hidden = !watching || !mayPublish(takeToken());
    drawSides(state, present);
    drawBanner(bannerText(state));
    drawDecisions(me);
    drawOnAir(state);
    drawFrame(state);
    drawWait(state);
}

/** What nobody sees is drawn when it is opened. */
function drawSides(state, present) {
    const { isModerator, mayRecord } = session;
    const hasTabs = isModerator || mayRecord;
    byId('people-tabs').hidden = !hasTabs;
    byId('people-title').hidden = hasTabs;
    byId('people-page').setAttribute('role', hasTabs ? 'tabpanel' : 'group');
    byId('tab-room').hidden = !isModerator;
    byId('tab-media').hidden = !hasTabs;
    if (byId(`tab-${openTab()}`).hidden || !hasTabs) showTab('people');
    if (!byId('people').hidden) {
        const roles = () => present.map(({ role }) => role).filter(Boolean);
        const moderator = isModerator ? { room, self: state.self, roles } : null;
        people.draw(present, { self: state.self, speaker: state.speaker, moderator });
        if (!byId('room-page').hidden) roomSettings.draw(state);
        if (!byId('media-page').hidden) roomMedia.setInfo(state.roomInfo);
    }
    if (isOpen('media')) roomMedia.open({ record: mayRecord, control: isModerator });
    else roomMedia.close();
    if (!byId('layouts').hidden) viewerLayout.draw(state);
}

// --- overlays

const SIDES = { people: 'btn-people', layouts: 'btn-layout' };

/** One side at a time; null: none. */
function showSide(shown) {
    for (const [id, button] of Object.entries(SIDES)) {
        byId(id).hidden = id !== shown;
        byId(button).setAttribute('aria-expanded', String(id === shown));
    }
    if (shown === 'layouts') viewerLayout.open();
    if (shown === 'people' && !byId('room-page').hidden) roomSettings.open();
    drawNow();
}

function toggleSide(id) {
    showSide(byId(id).hidden ? id : null);
}

/** Close it, and give the focus back to what opened it. */
function closeSide(id) {
    showSide(null);
    byId(SIDES[id]).focus();
}

const TABS = ['people', 'room', 'media'];

const openTab = () => TABS.find((name) => !byId(`${name}-page`).hidden);

/** It is in sight. */
const isOpen = (tab) => !byId('people').hidden && openTab() === tab;

/** The people, or (for moderators) the room, or (for them and who may record) the media. */
function showTab(shown) {
    if (openTab() === shown) return;
    for (const name of TABS) {
        const selected = name === shown;
        byId(`${name}-page`).hidden = !selected;
        byId(`tab-${name}`).setAttribute('aria-selected', String(selected));
        byId(`tab-${name}`).tabIndex = selected ? 0 : -1;
    }
    if (shown === 'room') roomSettings.open();
    draw();
}

/** Arrows go between the tabs. */
function pressTabKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const offered = TABS.filter((tab) => !byId(`tab-${tab}`).hidden);
    const name = offered[(offered.indexOf(openTab()) + by + offered.length) % offered.length];
    showTab(name);
    byId(`tab-${name}`).focus();
}

async function drawStats() {
    const { pc } = session.connection;
    if (!pc) return;
    const tables = describeStats(await statsReader.collect(pc));
    byId('stats').replaceChildren(
        ...tables.map(([caption, rows]) =>
            el(
                'table',
                {},
                el('caption', {}, caption),
                el('tbody', {}, ...rows.map(([label, value]) => el('tr', {}, el('th', { scope: 'row' }, label), el('td', {}, value)))),
            ),
        ),
    );
}

function showStats(visible) {
    byId('stats').hidden = !visible;
    byId('btn-stats').setAttribute('aria-pressed', String(visible));
    clearInterval(statsTimer);
    if (!visible) return;
    drawStats();
    statsTimer = setInterval(drawStats, STATS_MS);
}

async function copyLink() {
    const done = await copyText(`${location.origin}/r/${encodeURIComponent(room)}`);
    toast(done ? 'The link is in the clipboard' : 'The link could not be copied', done ? 'info' : 'error');
}

function toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId('stage').requestFullscreen().catch(() => {});
}

// --- wiring

const KEYS = { m: 'btn-mic', v: 'btn-camera', s: 'btn-screen', l: 'btn-layout', p: 'btn-people', i: 'btn-stats', f: 'btn-full' };

const WRITING = 'input:not([type=checkbox], [type=range], [type=color]), textarea, select, dialog *';

function pressKey(event) {
    if (byId('room').hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.defaultPrevented || event.target.closest?.(WRITING)) return;
    const open = Object.keys(SIDES).find((id) => !byId(id).hidden);
    if (event.key === 'Escape' && open) closeSide(open);
    const button = byId(KEYS[event.key.toLowerCase()] ?? '');
    if (button && !button.hidden) button.click();
}

function wire() {
    const press = (id, action) => byId(id).addEventListener('click', action);
    for (const button of document.querySelectorAll('[data-icon]')) setIcon(button, button.dataset.icon);
    for (const place of document.querySelectorAll('[data-room-name]')) place.textContent = room;
    document.title = `${room} · Tessera`;
    press('btn-mic', () => session.toggleMicrophone());
    press('btn-camera', () => session.toggleCamera());
    press('btn-screen', () => session.toggleScreen());
    press('btn-leave', () => session.leave());
    press('btn-layout', () => toggleSide('layouts'));
    press('btn-layout-close', () => closeSide('layouts'));
    press('btn-people', () => toggleSide('people'));
    press('btn-people-close', () => closeSide('people'));
    for (const name of TABS) press(`tab-${name}`, () => showTab(name));
    press('btn-join-in', joinIn);
    press('btn-stats', () => showStats(byId('stats').hidden));
    press('btn-copy', copyLink);
    press('btn-full', toggleFull);
    press('btn-hear', hear);
    press('btn-again', () => enter(loadSettings(), { watch: session.state.watching }));
    byId('people-tabs').addEventListener('keydown', pressTabKey);
    byId('layout-place').append(viewerLayout.element);
    byId('room-page').append(roomSettings.element);
    byId('media-page').append(roomMedia.element);
    byId('btn-full').hidden = !document.fullscreenEnabled;
    byId('mix').addEventListener('resize', draw);
    addEventListener('keydown', pressKey);
    addEventListener('pagehide', () => session?.signalling.close());
    addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
}

// For tests, and for a look from the browser's console.
window.tessera = {
    get pc() {
        return session?.connection.pc ?? null;
    },
    get connection() {
        return session?.connection ?? null;
    },
    get ws() {
        return session?.signalling.ws ?? null;
    },
    get state() {
        return session?.state ?? null;
    },
    stats: () => (session?.connection.pc ? testReader.collect(session.connection.pc) : null),
};

takeToken();
if (!ROOM_ID.test(room)) location.replace('/');
else {
    wire();
    const entered = enteredAs(room);
    if (query.get('auto') === '1' || entered) enter(settingsOfQuery(), { watch: entered?.watch || query.get('watch') === '1' });
    else showEntrance();
}
