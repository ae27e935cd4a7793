// One room: its live picture, its people, its settings, what it costs, what happens.

import { RoomMedia } from '../media/room-media.js';
import { copyText } from '../ui.js';
import { LoadMeter } from './load.js';
import { figures, loadFigures, loadTable } from './load-view.js';
import { LivePicture } from './live-picture.js';
import { RoomEvents } from './room-events.js';
import { RoomPeople } from './room-people.js';
import { RoomSettings } from './room-settings.js';
import { inPath, layoutList, server } from './server-api.js';
import { Poller, attempt, button, confirm, el, linkButton, pageHead, select, setOptions, toast } from './widgets.js';

const POLL_MS = 2000;
const PICTURE_MS = 1000;

class RoomPage {
    #people = new Map();
    #meter = new LoadMeter();
    #stopped = false;

    constructor(place, id) {
        this.id = id;
        this.path = `/rooms/${inPath(id)}`;
        this.picture = new LivePicture(id, PICTURE_MS);
        this.people = new RoomPeople(id);
        this.settings = new RoomSettings(id);
        this.media = new RoomMedia(id, { request: server, heading: 'h2' });
        for (const { element } of this.media.parts) element.classList.add('card', 'panel');
        this.events = new RoomEvents(id, (event, data) => this.#event(event, data));
        this.shown = select([['', 'The room’s layout']], '', (value) => this.picture.setLayout(value || null), {
            class: 'compact',
            'aria-label': 'Layout of the live picture',
        });
        this.figures = el('div', {});
        this.table = el('div', {});
        this.#build(place);
        this.media.open({ record: true, control: true });
        this.poller = new Poller(() => this.#poll(), POLL_MS);
        layoutList().then(
            (layouts) => setOptions(this.shown, [['', 'The room’s layout'], ...layouts.map(({ name }) => [name, name])], ''),
            () => {},
        );
    }

    #build(place) {
        const address = `/r/${inPath(this.id)}`;
        const copy = async () =>
            toast((await copyText(new URL(address, location.origin).href)) ? 'Link copied' : 'The link could not be copied');
        const actions = [
            linkButton('Open', address, { icon: 'open', target: '_blank', title: 'Open the room in a new tab' }),
            button('Copy link', { icon: 'link', onclick: copy }),
            button('Close room', { icon: 'close', kind: 'danger', id: 'btn-close-room', onclick: () => this.#close() }),
        ];
        const head = pageHead(this.id, [], actions);
        head.prepend(
            el('a', { class: 'crumb', href: '#/rooms' }, 'Rooms'),
            el('span', { class: 'crumb-line', 'aria-hidden': 'true' }, '/'),
        );
        this.gone = el('p', { class: 'problem', role: 'alert', hidden: true });
        const live = el(
            'section',
            { class: 'card panel live-panel' },
            el('div', { class: 'panel-head' }, el('h2', {}, 'Live'), el('span', { class: 'spacer' }), this.shown),
            this.picture.element,
        );
        const load = el('section', { class: 'card panel' }, el('h2', {}, 'Scenes and renditions'), this.figures, this.table);
        place.append(
            head,
            this.gone,
            el(
                'div',
                { class: 'room-columns' },
                el('div', { class: 'column' }, live, this.people.element, load),
                el('div', { class: 'column' }, this.settings.element, this.media.element, this.events.element),
            ),
        );
    }

    stop() {
        this.#stopped = true;
        this.poller.stop();
        this.picture.stop();
        this.events.stop();
        this.media.close();
    }

    async #poll() {
        try {
            const [graph, room] = await Promise.all([
                server.get(`${this.path}/graph`),
                this.events.open ? null : server.get(this.path),
            ]);
            if (this.#stopped) return;
            if (room) this.#setRoom(room.body);
            const load = this.#meter.take(this.id, graph.body, performance.now());
            this.figures.replaceChildren(figures(loadFigures(load)));
            this.table.replaceChildren(loadTable(load));
            this.#setGone(null);
        } catch (error) {
            if (!this.#stopped) this.#setGone(error.status === 404 ? 'This room does not exist any more.' : error.message);
        }
    }

    #setGone(text) {
        this.gone.hidden = !text;
        this.gone.textContent = text ?? '';
    }

    #setRoom(room) {
        this.#people = new Map((room.participants ?? []).map((person) => [person.id, person]));
        this.#show();
        this.media.setInfo(room);
        this.settings.update({ ...room, participants: [...this.#people.values()] });
    }

    #show() {
        this.people.update(this.#people);
        this.settings.update({ participants: [...this.#people.values()] });
    }

    #event(event, data) {
        this.media.take(event, data);
        if (event === 'room') {
            if (data.participants) this.#setRoom(data);
            else this.settings.update(data);
        } else if (event === 'joined' || event === 'updated') {
            this.#people.set(data.id, data);
            this.#show();
        } else if (event === 'left') {
            this.#people.delete(data.id);
            this.#show();
        } else if (event === 'speaking' || event === 'state') {
            if (this.#people.has(data.id)) this.#people.set(data.id, { ...this.#people.get(data.id), ...data });
            this.people.update(this.#people);
        } else if (event === 'closed') this.#setGone('This room was closed.');
    }

    async #close() {
        const people = this.#people.size;
        const text = people ? `Everyone in it (${people}) is sent away.` : 'Nobody is in it.';
        if (!(await confirm(`Close the room “${this.id}”?`, text, 'Close room'))) return;
        if (await attempt(() => server.del(this.path))) location.hash = '#/rooms';
    }
}

export const roomPage = (place, { id }) => new RoomPage(place, id);
