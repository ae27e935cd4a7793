// The people of a room, with everything that may be decided about them.

import { initials } from '../ui.js';
import { inPath, layoutList, server } from './server-api.js';
import {
    Toggle,
    attempt,
    check,
    confirm,
    debounce,
    dialog,
    el,
    field,
    iconButton,
    select,
    setOptions,
    setValue,
} from './widgets.js';

const LOUDEST = 12;
const QUIETEST = -60;

const decibels = (value) => `${value > 0 ? '+' : ''}${Math.round(value)} dB`;
const ownLayout = ({ layout }) =>
    layout === null || layout === undefined ? '' : typeof layout === 'string' ? layout : (layout.name ?? '');

function describe(person) {
    const words = [person.client ?? 'web'];
    if (person.state && person.state !== 'connected') words.push(person.state);
    if (person.audio?.muted) words.push('muted itself');
    if (person.video?.muted) words.push('camera off');
    if (person.screen?.sending) words.push('shares a screen');
    if (!person.publish && !person.audio?.sending && !person.video?.sending) words.push('only watches');
    return words.join(' · ');
}

/** "p1, role:teacher" -> ["p1", "role:teacher"]. */
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

class PersonRow {
    #person = null;

    constructor(people, id) {
        Object.assign(this, { people, id });
        const set = (key) => (value) => this.patch({ [key]: value });
        this.muted = new Toggle(['Mute', 'Unmute'], ['mic', 'mic-off'], set('muted'), { kind: 'off-when-on' });
        this.videoOff = new Toggle(['Turn the video off', 'Let the video be seen'], ['camera', 'camera-off'], set('video_off'), {
            kind: 'off-when-on',
        });
        this.pinned = new Toggle(['Pin', 'Unpin'], ['pin', 'pin'], set('pinned'));
        this.hidden = new Toggle(['Hide: no tile, still heard', 'Show again'], ['eye', 'hide'], set('hidden'), {
            kind: 'off-when-on',
        });
        this.hold = new Toggle(['Hold: neither seen nor heard', 'Take off hold'], ['hold', 'play'], set('hold'), {
            kind: 'off-when-on',
        });
        const send = debounce((value) => this.patch({ volume: value }), 120);
        this.volume = el('input', {
            type: 'range',
            min: QUIETEST,
            max: LOUDEST,
            step: 1,
            class: 'volume',
            ondblclick: () => this.#setVolume(0),
        });
        this.volume.addEventListener('input', () => {
            this.volumeText.textContent = decibels(Number(this.volume.value));
            send(Number(this.volume.value));
        });
        this.volumeText = el('output', { class: 'volume-text' });
        this.layout = select([], '', (value) => this.patch({ layout: value || null }), { class: 'compact' });
        this.#build();
    }

    #build() {
        this.avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' });
        this.name = el('span', { class: 'name' });
        this.role = el('span', { class: 'chip role', hidden: true });
        this.what = el('span', { class: 'what' });
        this.edit = iconButton('Edit', 'edit', () => this.#edit());
        this.kick = iconButton('Remove from the room', 'leave', () => this.#kick(), { kind: 'danger-text' });
        this.sees = el('label', { class: 'inline-field' }, el('span', {}, 'Sees'), this.layout);
        const toggles = [this.muted, this.videoOff, this.pinned, this.hidden, this.hold].map(({ element }) => element);
        this.element = el(
            'li',
            { class: 'person-row', 'data-id': this.id },
            el(
                'div',
                { class: 'person-who' },
                this.avatar,
                el('div', { class: 'who' }, el('span', { class: 'who-line' }, this.name, this.role), this.what),
            ),
            el(
                'div',
                { class: 'person-controls' },
                el('div', { class: 'toggles' }, ...toggles),
                el('label', { class: 'volume-field', title: 'Volume; double-click: as it comes' }, this.volume, this.volumeText),
                this.sees,
                el('div', { class: 'toggles' }, this.edit, this.kick),
            ),
        );
    }

    async patch(change) {
        const path = `/rooms/${inPath(this.people.room)}/participants/${inPath(this.id)}`;
        const went = await attempt(async () => this.update((await server.patch(path, change)).body));
        if (!went) this.update(this.#person, { force: true });
        return went;
    }

    #setVolume(value) {
        this.volume.value = value;
        this.patch({ volume: value });
    }

    update(person, { force = false } = {}) {
        this.#person = person;
        if (force) document.activeElement?.blur?.();
        this.avatar.textContent = initials(person.name);
        this.name.textContent = person.name;
        this.what.textContent = describe(person);
        this.role.textContent = person.role ?? '';
        this.role.hidden = !person.role;
        this.element.classList.toggle('speaking', Boolean(person.speaking) && !person.muted);
        this.element.classList.toggle('away', Boolean(person.hold || person.hidden));
        this.muted.set(person.muted);
        this.videoOff.set(person.video_off);
        this.pinned.set(person.pinned);
        this.hidden.set(person.hidden);
        this.hold.set(person.hold);
        setValue(this.volume, person.volume ?? 0);
        if (document.activeElement !== this.volume) this.volumeText.textContent = decibels(person.volume ?? 0);
        this.sees.hidden = person.view === false;
        this.#updateLayouts();
        const labels = [
            [this.volume, 'Volume'],
            [this.layout, 'Layout'],
            [this.kick, 'Remove'],
            [this.edit, 'Edit'],
        ];
        for (const [element, label] of labels) element.setAttribute('aria-label', `${label}: ${person.name}`);
    }

    #updateLayouts() {
        const own = ownLayout(this.#person);
        const names = this.people.layouts;
        const options = [['', 'the room’s'], ...[...new Set([...names, ...(own ? [own] : [])])].map((name) => [name, name])];
        setOptions(this.layout, options, own);
    }

    async #kick() {
        const { name } = this.#person;
        if (!(await confirm(`Remove ${name}?`, `${name} is sent out of the room at once, and may come back.`, 'Remove'))) return;
        await attempt(() => server.del(`/rooms/${inPath(this.people.room)}/participants/${inPath(this.id)}`));
    }

    #edit() {
        const person = this.#person;
        const name = el('input', { value: person.name, maxlength: 64, name: 'name' });
        const role = el('input', {
            value: person.role ?? '',
            maxlength: 32,
            name: 'role',
            placeholder: 'none',
            autocomplete: 'off',
        });
        const order = el('input', { type: 'number', name: 'order', value: person.order ?? 0, min: -1000, max: 1000, step: 1 });
        const mode = person.hears?.include ? 'include' : person.hears?.exclude ? 'exclude' : '';
        const list = el('input', {
            value: (person.hears?.[mode] ?? []).join(', '),
            placeholder: 'p1, role:teacher',
            autocomplete: 'off',
            disabled: !mode,
        });
        const hears = select(
            [
                ['', 'Everybody'],
                ['include', 'Only these'],
                ['exclude', 'All but these'],
            ],
            mode,
            (value) => (list.disabled = !value),
        );
        const withoutSelf = check('Sees the picture without the own tile', Boolean(person.without_self), () => {});
        return dialog({
            title: person.name,
            body: [
                field('Name', name),
                el('div', { class: 'two' }, field('Role', role), field('Order: the lower stands first', order)),
                el('div', { class: 'two' }, field('Hears', hears), field('People or roles', list)),
                withoutSelf,
            ],
            actions: [
                { label: 'Cancel', value: null },
                { label: 'Save', kind: 'primary', value: true },
            ],
            check: async () => {
                const change = {
                    name: name.value,
                    role: role.value.trim() || null,
                    order: Number(order.value),
                    hears: hears.value ? { [hears.value]: words(list.value) } : null,
                    without_self: withoutSelf.firstChild.checked,
                };
                const { body } = await server.patch(`/rooms/${inPath(this.people.room)}/participants/${inPath(this.id)}`, change);
                this.update(body);
            },
        });
    }
}

export class RoomPeople {
    #rows = new Map();
    layouts = [];
    last = new Map();

    constructor(room) {
        this.room = room;
        this.count = el('span', { class: 'quiet' });
        this.list = el('ul', { class: 'people-table', 'aria-label': 'People in the room' });
        this.empty = el('p', { class: 'note' }, 'Nobody is here.');
        this.element = el('section', { class: 'card panel' }, el('h2', {}, 'People ', this.count), this.empty, this.list);
        layoutList()
            .then((layouts) => {
                this.layouts = layouts.map(({ name }) => name);
                for (const [, row] of this.#rows) row.update(this.last.get(row.id));
            })
            .catch(() => {});
    }

    /** people: Map of id -> participant_to_json(). */
    update(people) {
        this.last = people;
        for (const [id, row] of this.#rows) {
            if (people.has(id)) continue;
            row.element.remove();
            this.#rows.delete(id);
        }
        for (const [id, person] of people) {
            if (!this.#rows.has(id)) {
                const row = new PersonRow(this, id);
                this.#rows.set(id, row);
                this.list.append(row.element);
            }
            this.#rows.get(id).update(person);
        }
        this.count.textContent = String(people.size);
        this.empty.hidden = people.size > 0;
    }
}
