// The recordings of a room: start, pause, stop, play, download.

import { imageUrl, inPath } from '../api.js';
import { setIcon } from '../icons.js';
import { el } from '../ui.js';
import { act, drawParts, field, form, layoutChoice, nameButton, rowParts, Rows, setLayouts, setText, smallButton, wideButton } from './parts.js';
import { canPlay, playRecording } from './player-dialog.js';
import { beginText, bytesText, clockText, isActive } from './text.js';

const STATES = {
    starting: 'Starting',
    running: 'Recording',
    paused: 'Paused',
    retrying: 'Waiting',
    finishing: 'Finishing',
    finished: 'Recorded',
    failed: 'Failed',
};

const FORMATS = { mp4: 'MP4', webm: 'WebM', mkv: 'Matroska' };

class Row {
    #store;
    #item = null;
    #files = '';

    constructor(id, store) {
        this.#store = store;
        this.pause = smallButton('Pause', 'pause', () => act(this.pause, () => store.patch('recordings', id, { paused: !this.#item.paused })));
        this.stop = smallButton('Stop', 'stop', () => act(this.stop, () => store.del('recordings', id)));
        this.parts = rowParts([this.pause, this.stop]);
        this.files = el('ul', { class: 'media-files', hidden: true });
        this.element = this.parts.element;
        this.element.dataset.id = id;
        this.element.append(this.files);
    }

    draw(item) {
        this.#item = item;
        const { state, duration, bytes, dropped, format, layout, error } = item;
        const running = isActive(item) && state !== 'finishing';
        drawParts(this.parts, {
            kind: { running: 'on', paused: 'waits', retrying: 'waits', failed: 'failed' }[state] ?? '',
            what: running ? STATES[state] : `${STATES[state] ?? state} ${beginText(item.created)}`,
            figures: `${clockText(duration)} · ${bytesText(bytes)}`,
            note: running ? [FORMATS[format] ?? format, layout && `layout ${layout}`, dropped && `${dropped} packets left out`].filter(Boolean).join(' · ') : '',
            problem: error ?? '',
        });
        this.element.dataset.state = state;
        this.pause.hidden = !running;
        this.stop.hidden = !running;
        nameButton(this.pause, item.paused ? 'Go on recording' : 'Pause', item.paused ? 'record' : 'pause');
        this.#drawFiles(isActive(item) ? [] : (item.files ?? []));
    }

    /** Whose file it is, where it is one person's. */
    #owner({ participant, part }) {
        const track = this.#item.isolated?.find((one) => one.participant === participant);
        return track && (part === 'screen' ? `${track.name}, screen` : track.name);
    }

    #drawFiles(files) {
        const key = files.map(({ name }) => name).join('/');
        if (key === this.#files) return;
        this.#files = key;
        this.files.hidden = files.length === 0;
        this.files.replaceChildren(...files.map((file) => this.#file(file.name, this.#owner(file))));
    }

    #file(name, owner) {
        const url = imageUrl(`${this.#store.path}/recordings/${inPath(this.#item.id)}/${inPath(name)}`);
        const play = canPlay(name) ? smallButton(`Play ${name}`, 'play', () => playRecording(name, url)) : null;
        const download = el('a', { class: 'media-button', href: url, download: name, title: `Download ${name}`, 'aria-label': `Download ${name}` });
        setIcon(download, 'download');
        return el('li', {}, el('span', { class: 'media-file', title: name }, owner ? `${owner} · ${name}` : name), play, download);
    }
}

export class Recordings {
    #store;
    #rows;

    /** heading: "h2" or "h3". */
    constructor(store, heading) {
        this.#store = store;
        this.format = el('select', { name: 'recording-format' }, ...Object.entries(FORMATS).map(([value, text]) => el('option', { value }, text)));
        this.layout = layoutChoice('recording-layout');
        this.sound = el('input', { type: 'checkbox', name: 'recording-sound' });
        this.isolated = el('input', { type: 'checkbox', name: 'recording-isolated' });
        this.start = wideButton('Record', 'record', { type: 'submit', class: 'button media-record', 'data-act': 'record' });
        this.#rows = new Rows({
            label: 'Recordings',
            empty: 'Nothing was recorded yet.',
            make: (id) => new Row(id, store),
            refuge: this.start,
        });
        const options = [
            el('div', { class: 'media-fields' }, field('Format', this.format), field('Layout', this.layout)),
            el('label', { class: 'media-check' }, this.sound, el('span', {}, 'Only the sound')),
            el('label', { class: 'media-check' }, this.isolated, el('span', {}, 'Also everyone by themselves')),
        ];
        this.element = el(
            'section',
            { class: 'media-section', 'aria-label': 'Recordings' },
            el(heading, {}, 'Recordings'),
            form([], this.start, options, () => this.#send()),
            this.#rows.element,
        );
    }

    setLayouts(layouts) {
        setLayouts(this.layout, layouts);
    }

    draw() {
        const items = [...this.#store.recordings.values()].reverse();
        setText(this.start.querySelector('span'), items.some((item) => isActive(item)) ? 'Record another' : 'Record');
        this.#rows.draw(items);
    }

    #send() {
        const body = { format: this.format.value };
        if (this.layout.value) body.layout = this.layout.value;
        if (this.sound.checked) body.video = false;
        if (this.isolated.checked) body.tracks = ['composite', 'isolated'];
        return this.#store.post('recordings', body);
    }
}
