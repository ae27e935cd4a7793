// The outline beside the canvas: variants, regions and overlays, to choose, add, order and take away.

import { describeItem } from './editor-canvas.js';
import { describeWhen } from './editor-inspector.js';
import { button, el, iconButton, select, setOptions } from './widgets.js';

export class EditorList {
    #shown = '';

    constructor(model) {
        this.model = model;
        this.variants = select([], '-1', (value) => model.selectVariant(Number(value)), {
            class: 'compact',
            'aria-label': 'Variant',
        });
        this.variantTools = el(
            'span',
            { class: 'toggles' },
            iconButton('Apply this variant earlier', 'up', () => model.reorderVariant(-1)),
            iconButton('Apply this variant later', 'down', () => model.reorderVariant(1)),
            iconButton('Delete this variant', 'trash', () => model.removeVariant(), { kind: 'danger-text' }),
        );
        this.regions = el('ol', { class: 'outline', 'aria-label': 'Regions' });
        this.overlays = el('ol', { class: 'outline', 'aria-label': 'Overlays' });
        const tools = el(
            'div',
            { class: 'outline-tools' },
            iconButton('Fill earlier', 'up', () => model.reorder(-1)),
            iconButton('Fill later', 'down', () => model.reorder(1)),
            iconButton('Duplicate (Ctrl+D)', 'copy', () => model.duplicate()),
            iconButton('Delete (Del)', 'trash', () => model.remove(), { kind: 'danger-text' }),
        );
        this.tools = tools;
        this.variantPlace = el('div', { class: 'variant-place' });
        this.element = el(
            'div',
            { class: 'editor-list' },
            el(
                'div',
                { class: 'outline-head' },
                el('h2', {}, 'Variant'),
                iconButton('Add a variant', 'plus', () => model.addVariant()),
            ),
            el('div', { class: 'variant-row' }, this.variants, this.variantTools),
            this.variantPlace,
            el(
                'div',
                { class: 'outline-head' },
                el('h2', {}, 'Regions'),
                iconButton('Add a region', 'plus', () => model.addRegion(), { id: 'btn-add-region' }),
            ),
            this.regions,
            el('div', { class: 'outline-head' }, el('h2', {}, 'Overlays')),
            this.overlays,
            el(
                'div',
                { class: 'quick' },
                ...[
                    ['text', 'Text'],
                    ['image', 'Image'],
                    ['clock', 'Clock'],
                ].map(([type, text]) => button(text, { icon: 'plus', onclick: () => model.addOverlay(type) })),
            ),
            tools,
        );
    }

    update(problems) {
        const { model } = this;
        const variants = model.variants.map((variant, i) => [String(i), `${i + 1}: ${describeWhen(variant.when)}`]);
        setOptions(this.variants, [['-1', variants.length ? 'Otherwise' : 'Always'], ...variants], String(model.variant));
        this.variants.value = String(model.variant);
        this.variantTools.hidden = model.variant < 0;
        const inherits = model.variant >= 0 && !model.scope.use;
        for (const list of ['regions', 'overlays'])
            this[list].dataset.none = inherits && !model.scope[list] ? 'those of the document' : 'none';
        for (const tool of this.tools.children) tool.disabled = !model.selected;
        const wrong = new Set([
            ...model
                .overlaps()
                .flat()
                .map((i) => `regions.${i}`),
            ...problems,
        ]);
        const key = JSON.stringify([
            model.variant,
            model.selection,
            model.regions.map((item) => describeItem('regions', item)),
            model.overlays.map((item) => describeItem('overlays', item)),
            [...wrong],
        ]);
        if (key === this.#shown) return;
        this.#shown = key;
        for (const list of ['regions', 'overlays']) this.#draw(list, wrong);
    }

    #draw(list, wrong) {
        const { model } = this;
        const place = this[list];
        const focused = place.contains(document.activeElement)
            ? [...place.querySelectorAll('button')].indexOf(document.activeElement)
            : -1;
        place.replaceChildren(
            ...model[list].map((item, i) => {
                const selected = model.selection?.list === list && model.selection.index === i;
                const row = el(
                    'button',
                    {
                        type: 'button',
                        class: 'outline-item',
                        'aria-pressed': String(selected),
                        onclick: () => model.select(list, i),
                    },
                    el('span', { class: 'outline-number' }, String(i + 1)),
                    el('span', { class: 'outline-text' }, describeItem(list, item)),
                );
                row.classList.toggle('wrong', wrong.has(`${list}.${i}`));
                row.querySelector('.outline-number').style.setProperty('--hue', String((i * 67 + 170) % 360));
                return el('li', {}, row);
            }),
        );
        if (focused >= 0) place.querySelectorAll('button')[Math.min(focused, place.children.length - 1)]?.focus();
    }
}
