// The gallery of layouts: each as the solver draws it for as many people as the sliders say.

import { inPath, layoutList, server } from './server-api.js';
import { Thumb, forget } from './thumbs.js';
import { attempt, confirm, el, iconButton, linkButton, pageHead, report } from './widgets.js';

const THUMB = { width: 292, height: 164 };
export const MAX_PEOPLE = 25;
export const MAX_SCREENS = 3;

/** A slider with its number. */
export function slider(label, value, max, oninput, { min = 0, name } = {}) {
    const number = el('output', {}, String(value));
    const input = el('input', { type: 'range', min, max, value, name, 'aria-label': label });
    input.addEventListener('input', () => {
        number.textContent = input.value;
        oninput(Number(input.value));
    });
    const element = el('label', { class: 'slider' }, el('span', {}, label), input, number);
    return {
        element,
        set(to) {
            input.value = to;
            number.textContent = input.value;
        },
    };
}

export const editorLink = (name) => `#/editor/${inPath(name)}`;
export const copyLink = (name) => `#/editor?from=${inPath(name)}`;

class LayoutCard {
    constructor(layout, ondelete) {
        const { name, description, origin } = layout;
        const shipped = origin !== 'user';
        this.thumb = new Thumb(name, THUMB.width, THUMB.height);
        this.hidden = el('span', { class: 'chip warn', hidden: true });
        const actions = el('div', { class: 'layout-actions' });
        if (shipped) actions.append(linkButton('Duplicate', copyLink(name), { icon: 'copy' }));
        else {
            actions.append(
                linkButton('Edit', editorLink(name), { icon: 'edit' }),
                linkButton('Duplicate', copyLink(name), { icon: 'copy' }),
                el('span', { class: 'spacer' }),
                iconButton(`Delete ${name}`, 'trash', () => ondelete(name), { kind: 'danger-text' }),
            );
        }
        if (shipped) actions.append(el('span', { class: 'spacer' }));
        actions.append(this.hidden);
        const href = shipped ? copyLink(name) : editorLink(name);
        this.element = el(
            'article',
            { class: 'layout-card card', 'data-layout': name },
            el('a', { class: 'layout-thumb', href, tabindex: '-1', 'aria-hidden': 'true' }, this.thumb.element),
            el(
                'div',
                { class: 'layout-text' },
                el(
                    'div',
                    { class: 'layout-title' },
                    el('h2', {}, name),
                    el('span', { class: `chip ${shipped ? '' : 'accent'}` }, shipped ? 'shipped' : 'yours'),
                ),
                el('p', { class: 'note' }, description || 'No description.'),
            ),
            actions,
        );
    }

    async show(people, screens) {
        const plan = await this.thumb.show(people, screens);
        if (!plan) return;
        this.hidden.hidden = !plan.hidden;
        this.hidden.textContent = `${plan.hidden} not shown`;
    }
}

class LayoutsPage {
    people = 5;
    screens = 0;
    #cards = [];

    constructor(place) {
        const make = linkButton('New layout', '#/editor', { icon: 'plus', kind: 'primary' });
        const set = (key) => (value) => {
            this[key] = value;
            this.#draw();
        };
        const sliders = el(
            'div',
            { class: 'sliders card' },
            slider('People', this.people, MAX_PEOPLE, set('people'), { min: 1, name: 'people' }).element,
            slider('Screens', this.screens, MAX_SCREENS, set('screens'), { name: 'screens' }).element,
        );
        this.grid = el('div', { class: 'gallery' });
        place.append(pageHead('Layouts', [], [make]), sliders, this.grid);
        forget();
        this.load();
    }

    async load() {
        try {
            const layouts = await layoutList({ fresh: true });
            // What somebody made stands first.
            const sorted = [...layouts].sort(
                (a, b) => (b.origin === 'user') - (a.origin === 'user') || a.name.localeCompare(b.name),
            );
            this.#cards = sorted.map((layout) => new LayoutCard(layout, (name) => this.#delete(name)));
            this.grid.replaceChildren(...this.#cards.map(({ element }) => element));
            this.#draw();
        } catch (error) {
            report(error);
        }
    }

    #draw() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#cards.forEach((card) => card.show(this.people, this.screens)), 60);
    }

    async #delete(name) {
        if (!(await confirm(`Delete “${name}”?`, 'Rooms that show it keep it until they choose another one.', 'Delete'))) return;
        await attempt(async () => {
            const { etag } = await server.get(`/layouts/${inPath(name)}`);
            await server.del(`/layouts/${inPath(name)}`, undefined, { etag });
            forget();
            await this.load();
        });
    }

    stop() {
        clearTimeout(this.timer);
    }
}

export const layoutsPage = (place) => new LayoutsPage(place);
