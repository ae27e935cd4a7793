// Everything that a document says of the selected region or overlay, of a variant and of itself, as
// fields. Fields are made once for what is selected, and follow the model.

import {
    choiceControl,
    colourControl,
    fillControl,
    flagControl,
    integerControl,
    lengthControl,
    shapeControl,
    textControl,
    wordsControl,
} from './editor-controls.js';
import { NAME } from './editor-model.js';
import { el } from './widgets.js';

const SHOW = ['picture', 'name', 'mute', 'speaking', 'level'];
const SHOW_NORMAL = ['picture', 'name', 'mute', 'speaking'];
const SHAPES = ['16/9', '9/16', '4/3', '1/1'];
const TOP = { regions: 'Region', overlays: 'Overlay' };

/** A group of fields: [key, control]; `read` finds the value of a key in the model. */
class Group {
    constructor(title, entries, read, { open = true } = {}) {
        this.entries = entries;
        this.read = read;
        const body = el(
            'div',
            { class: 'fields' },
            ...entries.map(([, control, wide]) => {
                control.element.classList.toggle('wide', Boolean(wide));
                return control.element;
            }),
        );
        this.element = title ? el('details', { class: 'group', open }, el('summary', {}, title), body) : body;
    }

    update() {
        for (const [key, control] of this.entries) control.set(this.read(key));
    }
}

/** Two fields of one object: {thickness, colour} of a border. */
function nested(model, key, inner) {
    return (value) => {
        const now = { ...model.selected?.[key] };
        if (value === undefined) delete now[inner];
        else now[inner] = value;
        model.set(key, Object.keys(now).length ? now : undefined);
    };
}

export class EditorInspector {
    #key = null;
    #groups = [];

    /** names: {images: [], layouts: []} for suggestions. */
    constructor(model, names) {
        Object.assign(this, { model, names });
        this.element = el('div', { class: 'inspector' });
    }

    update() {
        const { selection, selected, variant } = this.model;
        const key = JSON.stringify([selected ? selection : null, selected?.type ?? '', variant, Boolean(this.model.scope.use)]);
        if (key !== this.#key) {
            this.#key = key;
            this.#build();
        }
        for (const group of this.#groups) group.update();
    }

    #build() {
        const { selected, selection } = this.model;
        if (!selected) {
            this.#groups = [];
            this.element.replaceChildren(el('p', { class: 'note' }, 'Choose a region on the canvas or in the list, or add one.'));
            return;
        }
        this.#groups = selection.list === 'regions' ? this.#region() : this.#overlay(selected.type);
        const title = el('h2', {}, `${TOP[selection.list]} ${selection.index + 1}`);
        this.element.replaceChildren(title, ...this.#groups.map(({ element }) => element));
    }

    #set(key) {
        return (value) => this.model.set(key, value);
    }

    #place() {
        return ['x', 'y', 'width', 'height'].map((key) => [
            key,
            lengthControl({ x: 'X', y: 'Y', width: 'Width', height: 'Height' }[key], this.#set(key), {
                placeholder: key === 'x' || key === 'y' ? '0' : '1/1',
            }),
        ]);
    }

    #region() {
        const { model } = this;
        const read = (key) => model.selected?.[key];
        const border = (key) => model.selected?.border?.[key];
        const fill = [['fill', fillControl(this.#set('fill')), true]];
        const place = [
            ...this.#place(),
            ['z', integerControl('Above others (z)', this.#set('z'), { min: -1000, max: 1000, placeholder: '0' })],
        ];
        const look = [
            ['fit', choiceControl('Fit', ['cover', 'contain', 'stretch'], this.#set('fit'), { normal: 'cover (normal)' })],
            [
                'aspect',
                shapeControl('Shape of a tile', this.#set('aspect'), {
                    range: true,
                    placeholder: '16/9',
                    suggestions: [...SHAPES, '4/3 to 11/6'],
                }),
            ],
            ['gap', lengthControl('Gap', this.#set('gap'), { placeholder: 'the document’s' })],
            ['radius', lengthControl('Corner radius', this.#set('radius'), { placeholder: '0' })],
        ];
        const edge = [
            ['width', lengthControl('Thickness', nested(model, 'border', 'width'), { placeholder: '0' })],
            ['colour', colourControl('Colour', nested(model, 'border', 'colour'), { normal: '#ffffff' }), true],
        ];
        const show = [
            ['show', wordsControl('Shown of each person', SHOW, this.#set('show'), { normal: SHOW_NORMAL }), true],
            [
                'logo',
                textControl('Logo in the corner', this.#set('logo'), {
                    suggestions: this.names.images,
                    placeholder: 'name of an image',
                }),
                true,
            ],
        ];
        return [
            new Group(null, fill, read),
            new Group('Place', place, read),
            new Group('Look', look, read),
            new Group('Border', edge, border, { open: Boolean(model.selected.border) }),
            new Group('When there are many, or none', this.#many(), read),
            new Group('Shown in each tile', show, read, { open: Boolean(model.selected.show || model.selected.logo) }),
        ];
    }

    /** How those are arranged of whom there may be many. */
    #many() {
        return [
            ['max', integerControl('Most tiles', this.#set('max'), { min: 1, max: 64, placeholder: '64' })],
            ['flow', choiceControl('Arranged as', ['grid', 'row', 'column'], this.#set('flow'), { normal: 'grid (normal)' })],
            ['align', choiceControl('Aligned', ['start', 'centre', 'end'], this.#set('align'), { normal: 'centre (normal)' })],
            [
                'overflow',
                choiceControl('Too many', ['hide', ['count', 'count: +5']], this.#set('overflow'), { normal: 'hide (normal)' }),
            ],
            [
                'empty',
                choiceControl('Nobody there', [['keep', 'keep empty'], 'collapse', 'placeholder'], this.#set('empty'), {
                    normal: 'empty (normal)',
                }),
            ],
            ['repeat', flagControl('May show who stands elsewhere already', this.#set('repeat')), true],
        ];
    }

    #overlay(type) {
        const read = (key) => this.model.selected?.[key];
        const colours = [
            ['colour', colourControl('Colour', this.#set('colour'), { normal: '#ffffff' }), true],
            ['background', colourControl('Background', this.#set('background'), { normal: '#000000', shining: true }), true],
            ['align', choiceControl('Aligned', ['start', 'centre', 'end'], this.#set('align'), { normal: 'centre (normal)' })],
        ];
        const own = {
            image: [
                [
                    'image',
                    textControl('Image', this.#set('image'), { suggestions: this.names.images, placeholder: 'name of an image' }),
                    true,
                ],
                ['opacity', numberControl('Opacity, 0 to 1', this.#set('opacity'))],
            ],
            text: [
                ['text', textControl('Text', this.#set('text')), true],
                [
                    'scroll',
                    integerControl('Ticker, pixels per second', this.#set('scroll'), {
                        min: 0,
                        max: 1000,
                        placeholder: '0: stands still',
                    }),
                    true,
                ],
                ...colours,
            ],
            clock: [
                [
                    'format',
                    textControl('Format', this.#set('format'), {
                        placeholder: '%H:%M',
                        suggestions: ['%H:%M', '%H:%M:%S', '%e %B %Y, %H:%M'],
                    }),
                ],
                [
                    'timezone',
                    textControl('Time zone', this.#set('timezone'), {
                        placeholder: 'the server’s',
                        suggestions: ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'],
                    }),
                ],
                ...colours,
            ],
        };
        return [new Group(null, own[type] ?? [], read), new Group('Place', this.#place(), read)];
    }
}

/** The two parts of "background", of which the short form is a colour alone. */
function backgroundOf(scope, set) {
    const read = (key) => {
        const now = scope().background;
        return typeof now === 'string' ? (key === 'colour' ? now : undefined) : now?.[key];
    };
    const write = (key) => (value) => {
        const colour = key === 'colour' ? value : read('colour');
        const image = key === 'image' ? value : read('image');
        set(image ? { ...(colour ? { colour } : {}), image } : colour);
    };
    return { read, write };
}

function numberControl(label, onchange) {
    return textControl(
        label,
        (text) => {
            const value = Number(text);
            if (text === undefined) onchange(undefined);
            else if (Number.isFinite(value)) onchange(value);
        },
        { placeholder: '1' },
    );
}

/** What the document says of itself: name, canvas, background, gap, transition. */
export class DocumentInspector {
    constructor(model, names) {
        this.model = model;
        this.element = el('div', { class: 'inspector' });
        this.names = names;
        this.#build();
    }

    #build() {
        const { model } = this;
        const set = (key) => (value) => model.setDocument(key, value);
        const background = backgroundOf(() => model.document, set('background'));
        const named = textControl('Name', (value) => model.setDocument('name', value ?? ''), {
            hint: 'Saving under another name makes another layout.',
        });
        named.input.addEventListener('input', () =>
            named.input.setAttribute('aria-invalid', String(!NAME.test(named.input.value))),
        );
        this.groups = [
            new Group(
                null,
                [
                    ['name', named, true],
                    ['description', textControl('Description', set('description')), true],
                ],
                (key) => model.document[key],
            ),
            new Group(
                'Canvas',
                [
                    ['aspect', shapeControl('Shape', set('aspect'), { placeholder: 'the room’s', suggestions: SHAPES })],
                    ['gap', lengthControl('Gap', set('gap'), { placeholder: '0' })],
                    [
                        'transition_ms',
                        integerControl('Glide, ms (0: cut)', set('transition_ms'), { min: 0, max: 5000, placeholder: 'normal' }),
                    ],
                ],
                (key) => model.document[key],
            ),
            new Group(
                'Background',
                [
                    ['colour', colourControl('Colour', background.write('colour')), true],
                    [
                        'image',
                        textControl('Image', background.write('image'), { suggestions: this.names.images, placeholder: 'none' }),
                        true,
                    ],
                ],
                background.read,
            ),
        ];
        this.element.replaceChildren(...this.groups.map(({ element }) => element));
        this.update();
    }

    update() {
        for (const group of this.groups) group.update();
    }
}

/** When a variant counts: how many people, and whether a screen is shared. */
export class VariantInspector {
    constructor(model, names) {
        Object.assign(this, { model, names });
        this.different = this.#different();
        this.groups = [...this.#when(), this.#use(), this.different];
        this.element = el('div', { class: 'inspector variant-fields' }, ...this.groups.map(({ element }) => element));
        this.update();
    }

    #when() {
        const { model } = this;
        const when = () => model.scope.when ?? {};
        const put = (key, value) => {
            const now = { ...when() };
            if (value === undefined) delete now[key];
            else now[key] = value;
            model.setScope('when', Object.keys(now).length ? now : undefined);
        };
        const readPeople = (key) => peopleRange(when().people)[key];
        const setPeople = (key) => (value) => put('people', writePeople({ ...peopleRange(when().people), [key]: value }));
        const setScreen = (value) => put('screen', value === undefined ? undefined : value === 'yes');
        const limits = { min: 0, max: 1000, placeholder: 'any' };
        const people = [
            ['from', integerControl('People from', setPeople('from'), limits)],
            ['to', integerControl('to', setPeople('to'), limits)],
        ];
        const screens = Object.entries({ yes: 'there is one', no: 'there is none' });
        const screen = choiceControl('Shared screen', screens, setScreen, { normal: 'does not matter' });
        const readScreen = () => ({ true: 'yes', false: 'no' })[when().screen];
        return [new Group(null, people, readPeople), new Group(null, [['screen', screen, true]], readScreen)];
    }

    #use() {
        const layouts = this.names.layouts.map((name) => [name, `the layout ${name}`]);
        const use = choiceControl('Shows', layouts, (name) => this.model.setUse(name), { normal: 'regions of its own' });
        return new Group(null, [['use', use, true]], () => this.model.scope.use);
    }

    /** What it says otherwise than the document. */
    #different() {
        const { model } = this;
        const set = (key) => (value) => model.setScope(key, value);
        const background = backgroundOf(() => model.scope, set('background'));
        const image = { suggestions: this.names.images, placeholder: 'same' };
        const entries = [
            ['gap', lengthControl('Gap', set('gap'), { placeholder: 'same' })],
            ['transition_ms', integerControl('Glide, ms', set('transition_ms'), { min: 0, max: 5000, placeholder: 'same' })],
            ['colour', colourControl('Background', background.write('colour')), true],
            ['image', textControl('Background image', background.write('image'), image), true],
        ];
        const read = (key) => (key === 'colour' || key === 'image' ? background.read(key) : model.scope[key]);
        return new Group('Different here', entries, read, { open: false });
    }

    update() {
        this.element.hidden = this.model.variant < 0;
        this.different.element.hidden = Boolean(this.model.scope.use);
        for (const group of this.groups) group.update();
    }
}

/** "people" of a condition: a number, [from, to], or {"min", "max"}. */
export function peopleRange(people) {
    if (Number.isInteger(people)) return { from: people, to: people };
    if (Array.isArray(people)) return { from: people[0], to: people[1] };
    return { from: people?.min, to: people?.max };
}

function writePeople({ from, to }) {
    if (from === undefined && to === undefined) return undefined;
    if (from === to) return from;
    if (from === undefined) return { max: to };
    return to === undefined ? { min: from } : [from, to];
}

/** A short sentence for a variant's tab. */
export function describeWhen(written) {
    const when = written ?? {};
    const { from, to } = peopleRange(when.people);
    const words = [];
    if (from !== undefined && from === to) words.push(from === 1 ? '1 person' : `${from} people`);
    else if (from !== undefined && to !== undefined) words.push(`${from} to ${to} people`);
    else if (from !== undefined) words.push(`${from} or more people`);
    else if (to !== undefined) words.push(`up to ${to} people`);
    if (when.screen === true) words.push('a screen');
    if (when.screen === false) words.push('no screen');
    return words.join(', ') || 'always';
}
