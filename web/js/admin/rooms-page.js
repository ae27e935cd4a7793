// All rooms: who is there, what each costs.

import { toRoomId } from '../ui.js';
import { LoadMeter, kbits, percent } from './load.js';
import { figures, loadFigures, loadTable } from './load-view.js';
import { LivePicture } from './live-picture.js';
import { inPath, layoutList, server } from './server-api.js';
import { Poller, attempt, button, dialog, el, field, linkButton, pageHead, plural, select } from './widgets.js';
import { CANVASES } from './room-settings.js';
import { glyph } from './glyphs.js';

const POLL_MS = 2000;
const MAX_GRAPHS = 24; // of rooms that are on the screen, for one round
const PICTURE_MS = 5000;

const layoutName = (layout) => (typeof layout === 'string' ? layout : (layout?.name ?? 'its own document'));

class RoomCard {
    seen = true;
    load = null;

    constructor(id) {
        this.id = id;
        this.picture = new LivePicture(id, PICTURE_MS);
        const href = `#/rooms/${inPath(id)}`;
        this.title = el('h2', {}, el('a', { href }, id));
        this.chips = el('p', { class: 'chips' });
        this.figures = el('div', {});
        this.table = el('div', { class: 'room-load' });
        this.element = el(
            'article',
            { class: 'room-card card', 'data-room': id },
            el('a', { class: 'room-picture', href, tabindex: '-1', 'aria-hidden': 'true' }, this.picture.element),
            el(
                'div',
                { class: 'room-facts' },
                el(
                    'div',
                    { class: 'room-title' },
                    this.title,
                    this.chips,
                    el('span', { class: 'spacer' }),
                    linkButton('Manage', href),
                ),
                this.figures,
                this.table,
            ),
        );
        this.observer = new IntersectionObserver(([entry]) => (this.seen = entry.isIntersecting));
        this.observer.observe(this.element);
    }

    update(room) {
        const people = room.participants ?? [];
        const speaking = people.find(({ id }) => id === room.speaker);
        const chips = [
            [null, plural(people.length, 'person', 'people'), 'people-count'],
            ['layers', layoutName(room.layout), ''],
        ];
        if (room.locked) chips.push(['lock', 'locked', 'warn']);
        if (speaking) chips.push(['mic', speaking.name, '']);
        this.chips.replaceChildren(
            ...chips.map(([icon, text, kind]) => el('span', { class: `chip ${kind}` }, icon ? glyph(icon) : '', text)),
        );
    }

    setLoad(load) {
        this.load = load;
        this.figures.replaceChildren(figures(loadFigures(load)));
        this.table.replaceChildren(loadTable(load));
    }

    stop() {
        this.picture.stop();
        this.observer.disconnect();
        this.element.remove();
    }
}

/** Ask for a new room's name and settings; resolves to its id, or null. */
async function createRoom() {
    const name = el('input', { name: 'id', maxlength: 64, placeholder: 'one is made up', autocomplete: 'off' });
    const layouts = await layoutList().catch(() => []);
    const layout = select([['', 'The server’s default'], ...layouts.map((entry) => entry.name)], '', () => {}, {
        name: 'layout',
    });
    const canvas = select(
        [['', 'The server’s default'], ...CANVASES.map(({ width, height, text }) => [`${width}x${height}`, text])],
        '',
        () => {},
        { name: 'canvas' },
    );
    let made = null;
    await dialog({
        title: 'New room',
        body: [field('Name', name), field('Layout', layout), field('Canvas', canvas)],
        actions: [
            { label: 'Cancel', value: null },
            { label: 'Create room', kind: 'primary', value: true },
        ],
        check: async () => {
            const id = toRoomId(name.value);
            const [width, height] = canvas.value.split('x').map(Number);
            const body = {
                ...(id ? { id } : {}),
                ...(layout.value ? { layout: layout.value } : {}),
                ...(canvas.value ? { video: { width, height } } : {}),
            };
            made = (await server.post('/rooms', body)).body.id;
        },
    });
    return made;
}

class RoomsPage {
    #cards = new Map();
    #meter = new LoadMeter();
    #stopped = false;

    constructor(place) {
        const make = button('New room', { icon: 'plus', kind: 'primary', id: 'btn-new-room', onclick: () => this.#create() });
        this.summary = el('div', { class: 'summary card', role: 'group', 'aria-label': 'All rooms together' });
        this.list = el('div', { class: 'room-cards' });
        this.empty = el(
            'p',
            { class: 'empty card', hidden: true },
            'There is no room. One is made when the first person joins, or by “New room”.',
        );
        this.problem = el('p', { class: 'problem page-problem', role: 'alert', hidden: true });
        place.append(pageHead('Rooms', [], [make]), this.problem, this.summary, this.empty, this.list);
        this.poller = new Poller(() => this.#poll(), POLL_MS);
    }

    stop() {
        this.#stopped = true;
        this.poller.stop();
        for (const card of this.#cards.values()) card.stop();
    }

    #fail(message) {
        this.problem.textContent = message;
        this.problem.hidden = false;
    }

    async #create() {
        await attempt(async () => {
            const id = await createRoom();
            if (id) location.hash = `#/rooms/${inPath(id)}`;
        });
    }

    async #poll() {
        const pulse = document.querySelector('#pulse');
        try {
            const { rooms } = (await server.get('/rooms')).body;
            if (this.#stopped) return;
            pulse.textContent = '';
            this.problem.hidden = true;
            this.#show(rooms);
            await this.#askLoads();
            if (!this.#stopped) this.#summarise(rooms);
        } catch (error) {
            if (error.status === 0) pulse.textContent = error.message;
            else this.#fail(error.status === 403 ? `This token does not show all rooms: ${error.message}` : error.message);
        }
    }

    #show(rooms) {
        const ids = rooms.map(({ id }) => id);
        for (const [id, card] of this.#cards) {
            if (ids.includes(id)) continue;
            card.stop();
            this.#cards.delete(id);
        }
        this.#meter.keep(ids);
        const sorted = [...rooms].sort(
            (a, b) => (b.participants?.length ?? 0) - (a.participants?.length ?? 0) || a.id.localeCompare(b.id),
        );
        for (const room of rooms) {
            if (!this.#cards.has(room.id)) this.#cards.set(room.id, new RoomCard(room.id));
            this.#cards.get(room.id).update(room);
        }
        // Whoever has the focus stays where it is: only what is out of order is moved.
        sorted.forEach(({ id }, i) => {
            const { element } = this.#cards.get(id);
            if (this.list.children[i] !== element) this.list.insertBefore(element, this.list.children[i] ?? null);
        });
        this.empty.hidden = rooms.length > 0;
    }

    async #askLoads() {
        const cards = [...this.#cards.values()].filter(({ seen }) => seen).slice(0, MAX_GRAPHS);
        await Promise.all(
            cards.map(async (card) => {
                try {
                    const { body } = await server.get(`/rooms/${inPath(card.id)}/graph`);
                    card.setLoad(this.#meter.take(card.id, body, performance.now()));
                } catch (error) {
                    // A room that closed meanwhile is gone at the next round.
                    if (error.status !== 404) throw error;
                }
            }),
        );
    }

    #summarise(rooms) {
        const loads = [...this.#cards.values()].map(({ load }) => load).filter(Boolean);
        const sum = (pick) => loads.reduce((total, load) => total + (pick(load) ?? 0), 0);
        const people = rooms.reduce((total, { participants }) => total + (participants?.length ?? 0), 0);
        const known = loads.some(({ cpu }) => cpu !== null);
        this.summary.replaceChildren(
            figures([
                ['Rooms', String(rooms.length)],
                ['People', String(people)],
                ['Scenes', String(sum(({ scenes }) => scenes.length))],
                ['Renditions', String(sum(({ renditions }) => renditions))],
                ['CPU, of one core', known ? percent(sum(({ cpu }) => cpu)) : '–'],
                ['Encoded', known ? kbits(sum(({ kbps }) => kbps)) : '–'],
            ]),
        );
    }
}

export const roomsPage = (place) => new RoomsPage(place);
