// The dashboard: which page the address names ("#/rooms/demo"), and signing in and out.

import { setToken, takeToken } from '../settings.js';
import { editorPage } from './editor-page.js';
import { imagesPage } from './images-page.js';
import { layoutsPage } from './layouts-page.js';
import { roomPage } from './room-page.js';
import { roomsPage } from './rooms-page.js';
import { server } from './server-api.js';
import { serverPage } from './server-page.js';

const PAGES = {
    rooms: roomsPage,
    room: roomPage,
    layouts: layoutsPage,
    editor: editorPage,
    images: imagesPage,
    server: serverPage,
};
const TITLES = { rooms: 'Rooms', layouts: 'Layouts', editor: 'Layout editor', images: 'Images', server: 'Server' };
const PART_OF = { room: 'rooms', editor: 'layouts' };

const main = document.querySelector('#main');
const signOut = document.querySelector('#btn-sign-out');
let page = null;
let shown = null;

/** "#/rooms/demo?x=1" -> {name: 'room', id: 'demo', query}. */
function route() {
    const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
    const [first, ...rest] = path.split('/').map((part) => decodeURIComponent(part));
    const id = rest.join('/') || null;
    const name = first === 'rooms' && id ? 'room' : first;
    return { name: PAGES[name] ? name : 'rooms', id, query: new URLSearchParams(query) };
}

function show() {
    const { name, id, query } = route();
    if (shown !== null && page?.mayLeave && !page.mayLeave()) {
        history.replaceState(null, '', page.address ?? shown);
        return;
    }
    page?.stop?.();
    shown = location.hash;
    for (const link of document.querySelectorAll('.bar-nav a')) {
        if (link.dataset.page === (PART_OF[name] ?? name)) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
    document.title = `${name === 'room' ? id : TITLES[name]} · Tessera`;
    main.className = `main main-${name}`;
    main.replaceChildren();
    page = PAGES[name](main, { id, query }) ?? null;
    window.tesseraAdmin = { page: name, view: page };
}

function showSigned() {
    signOut.hidden = !takeToken();
}

signOut.addEventListener('click', () => {
    setToken('');
    location.reload();
});
document.addEventListener('signed-in', showSigned);
addEventListener('hashchange', () => page && show());
addEventListener('beforeunload', (event) => {
    if (page?.changed?.()) event.preventDefault();
});

takeToken();
showSigned();
// One request finds out whether a token is needed, before many do.
server
    .get('/rooms')
    .catch(() => {})
    .finally(show);
