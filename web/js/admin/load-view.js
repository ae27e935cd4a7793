// The scenes and renditions of a room as a table, with what each costs.

import { kbits, percent } from './load.js';
import { el, plural } from './widgets.js';

const cell = (content, kind = '') => el('td', { class: kind }, content);
const fps = (value, wanted) => (value === null ? '–' : `${Math.round(value)}${wanted ? ` / ${wanted}` : ''}`);

/** A bar of one core behind the number. */
function cost(value) {
    const part = Math.min(100, Math.max(0, value ?? 0));
    const made = el(
        'td',
        { class: 'number cost' },
        el('span', { class: 'cost-text' }, percent(value)),
        el('span', { class: 'cost-bar', 'aria-hidden': 'true' }),
    );
    made.lastChild.style.setProperty('--part', `${part}%`);
    return made;
}

function sceneRow(scene, i) {
    const names = scene.layouts.length ? scene.layouts.join(', ') : `Scene ${i + 1}`;
    const late = scene.late + scene.skipped;
    const lateCell = cell(late ? `${late}` : '0', `number${scene.lateNow ? ' warn' : ''}`);
    lateCell.title = `${plural(scene.late, 'late tick')}, ${plural(scene.skipped, 'skipped tick')} since the scene began`;
    return el(
        'tr',
        { class: 'scene-row' },
        el(
            'th',
            { scope: 'row' },
            el('span', { class: 'scene-name' }, names),
            el('span', { class: 'quiet' }, ` ${plural(scene.tiles, 'tile')}`),
        ),
        cell(scene.size),
        cell(String(scene.viewers), 'number'),
        cost(scene.cpu),
        cell('', 'number'),
        cell(fps(scene.fps, scene.wanted), 'number'),
        lateCell,
    );
}

function renditionRow(rendition) {
    return el(
        'tr',
        { class: 'rendition-row' },
        el('th', { scope: 'row' }, el('span', { class: 'codec' }, rendition.codec.toUpperCase())),
        cell(rendition.size),
        cell(String(rendition.viewers), 'number'),
        cost(rendition.cpu),
        cell(kbits(rendition.kbps), 'number'),
        cell(fps(rendition.fps, rendition.wanted), 'number'),
        cell('', 'number'),
    );
}

/** load: of roomLoad(). */
export function loadTable(load) {
    if (!load.scenes.length) return el('p', { class: 'note' }, 'Nothing is composed: nobody watches.');
    const heads = ['Scene, rendition', 'Size', 'Viewers', 'CPU', 'Rate', 'Frames/s', 'Late'];
    const head = el('tr', {}, ...heads.map((text, i) => el('th', { scope: 'col', class: i > 1 ? 'number' : '' }, text)));
    const rows = load.scenes.flatMap((scene, i) => [sceneRow(scene, i), ...scene.renditions.map(renditionRow)]);
    const table = el('table', { class: 'load' }, el('thead', {}, head), el('tbody', {}, ...rows));
    return el('div', { class: 'scroll-x' }, table);
}

/** The same in numbers: [label, text] pairs. */
export function loadFigures(load) {
    return [
        ['CPU', percent(load?.cpu ?? null)],
        ['Sound', percent(load?.mix ?? null)],
        ['Scenes', load ? String(load.scenes.length) : '–'],
        ['Renditions', load ? String(load.renditions) : '–'],
        ['Sound mixes', load ? String(load.voices + load.submixes) : '–'],
        ['Encoded', kbits(load?.kbps ?? null)],
    ];
}

/** A list of labelled numbers. */
export function figures(pairs) {
    return el(
        'dl',
        { class: 'figures' },
        ...pairs.map(([label, text]) => el('div', {}, el('dt', {}, label), el('dd', {}, text))),
    );
}
