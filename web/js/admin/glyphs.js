// Icons that only the dashboard needs, drawn like those of icons.js; and how both are asked for.

import { icon } from '../icons.js';

const PATHS = {
    edit: 'M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17zM14.5 7.5l3 3',
    unlock: 'M6 10.5h12V20H6zM8.5 10.5V8a3.5 3.5 0 0 1 6.8-1.2',
    undo: 'M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11H9',
    redo: 'M16 5l4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h5',
    up: 'M6 14.5 12 8.5l6 6',
    down: 'M6 9.5l6 6 6-6',
    back: 'M14.5 6l-6 6 6 6',
    open: 'M13.5 4.5H20v6.5M20 4.5l-9 9M18 14v5.5H4.5V6H10',
    upload: 'M12 15.5V4.5M8 8.5l4-4 4 4M4.5 16v3.5h15V16',
    layers: 'M12 4 3 9l9 5 9-5zM3.5 14l8.5 4.7 8.5-4.7',
};

const SVG = 'http://www.w3.org/2000/svg';

/** A new <svg>: of the dashboard's icons, else of icons.js. */
export function glyph(name) {
    if (!PATHS[name]) return icon(name);
    const svg = icon('close');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', PATHS[name]);
    svg.replaceChildren(path);
    return svg;
}
