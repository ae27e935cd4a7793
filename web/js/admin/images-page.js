// The images that layouts may show: list, hand in, delete.

import { imageUrl, inPath, server } from './server-api.js';
import { attempt, button, confirm, dialog, el, field, iconButton, pageHead, report, toast } from './widgets.js';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const toName = (file) =>
    file
        .replace(/\.[^.]*$/, '')
        .normalize('NFKD')
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 64);
const kilobytes = (bytes) =>
    bytes < 1024 ? `${bytes} bytes` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;

class ImagesPage {
    #names = [];

    constructor(place) {
        this.pick = el('input', {
            type: 'file',
            accept: 'image/png,image/jpeg',
            class: 'visually-hidden',
            'aria-label': 'Image file',
            tabindex: '-1',
            onchange: () => this.#picked(),
        });
        const upload = button('Add an image', { icon: 'upload', kind: 'primary', onclick: () => this.pick.click() });
        this.grid = el('div', { class: 'gallery images' });
        this.empty = el(
            'p',
            { class: 'empty card', hidden: true },
            'There is no image yet. Add a PNG or JPEG, or drop one here: layouts show it as a background, a logo or an overlay.',
        );
        place.append(pageHead('Images', [], [this.pick, upload]), this.empty, this.grid);
        place.addEventListener('dragover', this.onDragOver);
        place.addEventListener('drop', this.onDrop);
        this.place = place;
        this.load();
    }

    onDragOver = (event) => event.preventDefault();

    onDrop = (event) => {
        event.preventDefault();
        const [file] = event.dataTransfer.files;
        if (file) this.#upload(file);
    };

    stop() {
        this.place.removeEventListener('dragover', this.onDragOver);
        this.place.removeEventListener('drop', this.onDrop);
    }

    async load() {
        try {
            const { images } = (await server.get('/images')).body;
            this.#names = images.map(({ name }) => name);
            this.grid.replaceChildren(...images.map((image) => this.#card(image)));
            this.empty.hidden = images.length > 0;
        } catch (error) {
            report(error);
        }
    }

    #card({ name, type, width, height, bytes }) {
        const kind = (type ?? '').replace('image/', '').toUpperCase();
        return el(
            'article',
            { class: 'layout-card card', 'data-image': name },
            el(
                'div',
                { class: 'image-thumb' },
                el('img', { src: imageUrl(`/images/${inPath(name)}?b=${bytes}`), alt: '', loading: 'lazy' }),
            ),
            el(
                'div',
                { class: 'layout-text image-text' },
                el(
                    'div',
                    {},
                    el('h2', {}, name),
                    el('p', { class: 'note' }, `${width} × ${height} · ${kind} · ${kilobytes(bytes)}`),
                ),
                iconButton(`Delete ${name}`, 'trash', () => this.#delete(name), { kind: 'danger-text' }),
            ),
        );
    }

    #picked() {
        const [file] = this.pick.files;
        this.pick.value = '';
        if (file) this.#upload(file);
    }

    async #upload(file) {
        const name = el('input', { value: toName(file.name), maxlength: 64, name: 'name' });
        const hint = 'Letters, digits, “-” and “_”. An image of the same name is replaced.';
        await dialog({
            title: 'Add an image',
            body: [el('p', { class: 'note' }, `${file.name}, ${kilobytes(file.size)}`), field('Name', name, hint)],
            actions: [
                { label: 'Cancel', value: null },
                { label: 'Add', kind: 'primary', value: true },
            ],
            check: async () => {
                if (!NAME.test(name.value)) throw new Error('A name has 1 to 64 letters, digits, “-” or “_”.');
                await server.put(`/images/${inPath(name.value)}`, file, { type: file.type || 'application/octet-stream' });
                toast(`The image “${name.value}” is there`);
            },
        });
        await this.load();
    }

    async #delete(name) {
        if (!(await confirm(`Delete the image “${name}”?`, 'Layouts that mention it show nothing in its place.', 'Delete')))
            return;
        await attempt(() => server.del(`/images/${inPath(name)}`));
        await this.load();
    }
}

export const imagesPage = (place) => new ImagesPage(place);
