// Icons as inline SVG: strokes in the text's colour, on a 24 x 24 grid.

const PATHS = {
    mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21',
    'mic-off':
        'M9 9.5V11a3 3 0 0 0 4.6 2.5M15 10.5V6a3 3 0 0 0-5.8-1.1M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11c0 1-.2 1.9-.6 2.7M12 17.5V21M4 4l16 16',
    camera: 'M4.5 6.5h9A1.5 1.5 0 0 1 15 8v8a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5zM15 10.5l6-3v9l-6-3',
    'camera-off':
        'M10 6.5h3.5A1.5 1.5 0 0 1 15 8v3l6-3.5v9l-3-1.6M15 15.5v.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5M4 4l16 16',
    screen: 'M4.5 4.5h15A1.5 1.5 0 0 1 21 6v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15V6a1.5 1.5 0 0 1 1.5-1.5zM9 20.5h6M12 13.5v-6M9.3 9.8 12 7.2l2.7 2.6',
    leave: 'M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10 12h11M17.5 8.5 21 12l-3.5 3.5',
    people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.4-3.4 3-5.5 6.5-5.5s6.1 2.1 6.5 5.5M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.4c2 .8 3.2 2.6 3.5 5.1',
    stats: 'M4 20V11M10 20V4M16 20v-6M21 20H3',
    link: 'M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1-1',
    sound: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11',
    full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
    close: 'M6 6l12 12M18 6 6 18',
    alert: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1',
    check: 'M5 12.5l4.5 4.5L19 7.5',
};

const SVG = 'http://www.w3.org/2000/svg';

/** A new <svg> with that icon; hidden from screen readers, the control has a text. */
export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', PATHS[name]);
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(path);
    return svg;
}

/** Put the icon first in the element, in place of one that is there. */
export function setIcon(element, name) {
    element.querySelector('svg.icon')?.remove();
    element.prepend(icon(name));
}
