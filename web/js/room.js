// The room page: draws what the session says, and hands it what the person presses.

import { canShareScreen } from './devices.js';
import { setIcon } from './icons.js';
import { JoinForm } from './joinform.js';
import { drawPeople } from './people.js';
import { Session } from './session.js';
import { hasEntered, loadSettings, setEntered, takeToken } from './settings.js';
import { describeStats, StatsReader } from './stats.js';
import { copyText, el, ROOM_ID, toast } from './ui.js';

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
    const form = new JoinForm({
        room,
        token,
        onJoin() {
            form.close();
            enter(loadSettings());
        },
    });
    byId('join-place').append(form.element);
    form.start().then(() => problem && form.fail(problem));
}

function enter(settings) {
    setEntered(room);
    showOnly('room');
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
    session = new Session({ url, room, token: takeToken(), settings });
    session.addEventListener('change', draw);
    session.addEventListener('note', ({ detail }) => toast(detail.text, detail.kind));
    session.addEventListener('track', ({ detail }) => showTrack(detail));
    session.addEventListener('ended', ({ detail }) => showEnd(detail));
    session.addEventListener('refused', ({ detail }) => refused(detail));
    session.start();
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

function bannerText({ phase, connection, draining }) {
    if (phase === 'away') return 'Connection to the server lost. Reconnecting…';
    if (phase === 'in' && connection === 'broken') return 'Sound and picture are interrupted. Reconnecting…';
    if (draining) return 'The server is going down for a restart. You will be reconnected.';
    return '';
}

/** Say it once it lasts: a break that heals in an instant needs no banner. */
function drawBanner(text) {
    const banner = byId('banner');
    if (text) byId('banner-text').textContent = text;
    else {
        clearTimeout(awayTimer);
        awayTimer = 0;
        banner.hidden = true;
    }
    if (text && !awayTimer) awayTimer = setTimeout(() => (banner.hidden = false), AWAY_BANNER_MS);
}

function drawWait({ phase, connection }) {
    const waiting = byId('mix').videoWidth === 0;
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
    const people = [...state.people.values()];
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
    setControl(byId('btn-people'), { text: people.length > 1 ? `People ${people.length}` : 'People', iconName: 'people' });
    byId('people-count').textContent = `(${people.length})`;
    drawPeople(byId('people-list'), people, state.self);
    drawBanner(bannerText(state));
    drawWait(state);
}

// --- overlays

function showPeople(visible) {
    byId('people').hidden = !visible;
    byId('btn-people').setAttribute('aria-expanded', String(visible));
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

const KEYS = { m: 'btn-mic', v: 'btn-camera', s: 'btn-screen', p: 'btn-people', i: 'btn-stats', f: 'btn-full' };

function pressKey(event) {
    if (byId('room').hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === 'Escape' && !byId('people').hidden) {
        showPeople(false);
        byId('btn-people').focus();
    }
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
    press('btn-people', () => showPeople(byId('people').hidden));
    press('btn-people-close', () => showPeople(false));
    press('btn-stats', () => showStats(byId('stats').hidden));
    press('btn-copy', copyLink);
    press('btn-full', toggleFull);
    press('btn-hear', hear);
    press('btn-again', () => enter(loadSettings()));
    byId('btn-screen').hidden = !canShareScreen();
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
    if (query.get('auto') === '1' || hasEntered(room)) enter(settingsOfQuery());
    else showEntrance();
}
