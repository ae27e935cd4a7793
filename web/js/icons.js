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
    layout: 'M5 4.5h14A1.5 1.5 0 0 1 20.5 6v12a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18V6A1.5 1.5 0 0 1 5 4.5zM14.5 4.5v15M14.5 9.5h6M14.5 14.5h6',
    more: 'M12 5.6v.1M12 12v.1M12 18.3v.1',
    pin: 'M9 3.5h6M10 3.5v6L6.5 13v1.5h11V13L14 9.5v-6M12 14.5v6',
    hide: 'M10.6 6.1A9.6 9.6 0 0 1 12 6c5 0 8 3.6 9.5 6a16 16 0 0 1-2.6 3.2M6.4 7.6A15.3 15.3 0 0 0 2.5 12c1.5 2.4 4.5 6 9.5 6a9.4 9.4 0 0 0 4.6-1.2M10 10a2.900 2.900 0 0 0 4 4M4 4l16 16',
    eye: 'M2.5 12c1.5-2.4 4.5-6 9.5-6s8 3.6 9.5 6c-1.5 2.4-4.5 6-9.5 6s-8-3.6-9.5-6zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z',
    hold: 'M9 6v12M15 6v12',
    lock: 'M6.5 11h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM8 11V8a4 4 0 0 1 8 0v3',
    remove: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.4-3.4 3-5.5 6.5-5.5 2 0 3.700.7 4.900 1.900M16 15l5 5M21 15l-5 5',
    play: 'M8 5.5v13l10.5-6.5z',
    copy: 'M9 9h10.5v10.5H9zM5.5 15H4.5V4.5H15v1',
    plus: 'M12 5v14M5 12h14',
    trash: 'M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10 11v5M14 11v5',
    pause: 'M8.5 5.5v13M15.5 5.5v13',
    stop: 'M6.5 6.5h11v11h-11z',
    record: 'M12 5.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z',
    download: 'M12 4.5v11M8 11.5l4 4 4-4M4.5 16v3.5h15V16',
    cast: 'M12 12.2v.1M8.5 15.5a5 5 0 0 1 0-7M15.5 8.5a5 5 0 0 1 0 7M5.7 18.3a8.9 8.9 0 0 1 0-12.6M18.3 5.7a8.9 8.9 0 0 1 0 12.6',
    loop: 'M16.5 3.5 20 7l-3.5 3.5M20 7H8a4 4 0 0 0-4 4v1M7.5 20.5 4 17l3.5-3.5M4 17h12a4 4 0 0 0 4-4v-1',
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
