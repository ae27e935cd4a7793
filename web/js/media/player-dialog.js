// A recording, played in a dialog.

import { setIcon } from '../icons.js';
import { el } from '../ui.js';

const TYPES = { mp4: 'video/mp4; codecs="avc1.42E01F, mp4a.40.2"', webm: 'video/webm; codecs="vp8, opus"' };

/** FALSE where this browser has no way to play such files. */
export function canPlay(file) {
    const type = TYPES[file.split('.').pop()];
    return Boolean(type && document.createElement('video').canPlayType(type));
}

/** url: of the file. */
export function playRecording(file, url) {
    const problem = el('p', { class: 'problem', role: 'alert', hidden: true }, 'This recording cannot be played here. Download it instead.');
    const video = el('video', { controls: true, autoplay: true, playsinline: true, 'aria-label': file });
    const close = el('button', { type: 'button', class: 'button', onclick: () => dialog.close() }, el('span', { class: 'visually-hidden' }, 'Close'));
    setIcon(close, 'close');
    const download = el('a', { class: 'button', href: url, download: file }, el('span', {}, 'Download'));
    setIcon(download, 'download');
    const dialog = el(
        'dialog',
        { class: 'ask media-player', 'aria-label': `Recording ${file}` },
        el('div', { class: 'media-player-head' }, el('h2', {}, file), download, close),
        video,
        problem,
    );
    video.addEventListener('error', () => (problem.hidden = false));
    dialog.addEventListener('close', () => {
        video.removeAttribute('src');
        video.load(); // lets go of the connection
        dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    video.src = url;
    video.focus();
}
