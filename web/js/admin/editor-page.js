// The layout editor: canvas, outline, inspector, preview; loading and saving.

import { EditorCanvas } from './editor-canvas.js';
import { DocumentInspector, EditorInspector, VariantInspector, peopleRange } from './editor-inspector.js';
import { EditorList } from './editor-list.js';
import { EditorModel, NAME, emptyDocument, freeName } from './editor-model.js';
import { EditorPreview } from './editor-preview.js';
import { EditorText } from './editor-text.js';
import { errorPath } from './json-places.js';
import { editorLink } from './layouts-page.js';
import { inPath, layoutList, server } from './server-api.js';
import { forget } from './thumbs.js';
import { attempt, button, dialog, el, field, iconButton, report, select, toast } from './widgets.js';

const TABS = [
    ['region', 'Selected'],
    ['document', 'Document'],
    ['json', 'JSON'],
];
const isTextField = (element) =>
    element?.matches?.('textarea, input:not([type=range]):not([type=checkbox]):not([type=color])') ?? false;

class EditorPage {
    #etag = null; // of the document as it was loaded; null: it is new
    #savedName = null;
    #problem = null; // {path, message} of what the server refuses
    #stopped = false;

    constructor(place, { id, query }) {
        this.place = place;
        this.names = { images: [], layouts: [] };
        place.append(el('p', { class: 'note editor-wait' }, 'Loading…'));
        this.#load(id, query.get('from')).then(
            () => !this.#stopped && this.#build(),
            (error) => {
                report(error);
                place.replaceChildren(el('p', { class: 'empty card' }, error.message));
            },
        );
    }

    // --- loading

    async #load(name, from) {
        const layouts = await layoutList({ fresh: true });
        this.names.layouts = layouts.map((layout) => layout.name);
        const images = await server.get('/images').catch(() => ({ body: { images: [] } }));
        this.names.images = images.body.images.map((image) => image.name);
        if (name) {
            const { body, etag } = await server.get(`/layouts/${inPath(name)}`);
            this.model = new EditorModel(body);
            this.#etag = etag;
            this.#savedName = name;
        } else if (from) {
            const { body } = await server.get(`/layouts/${inPath(from)}`);
            this.model = new EditorModel({ ...body, name: freeName(from, this.names.layouts) });
        } else this.model = new EditorModel(emptyDocument(freeName('layout', this.names.layouts)));
    }

    // --- the page

    #build() {
        const { model } = this;
        this.canvas = new EditorCanvas(model);
        this.list = new EditorList(model);
        this.inspector = new EditorInspector(model, this.names);
        this.document = new DocumentInspector(model, this.names);
        this.variant = new VariantInspector(model, this.names);
        this.text = new EditorText(model, () => this.#showProblem());
        this.preview = new EditorPreview(model, (error) => this.#answered(error));
        this.list.variantPlace.append(this.variant.element);
        this.canvas.setGrid(24);
        this.place.replaceChildren(this.#buildHead(), this.#buildBody());
        this.variantShown = this.#variantKey();
        model.addEventListener('change', () => this.#changed());
        document.addEventListener('keydown', this.onKey);
        this.observer = new ResizeObserver(() => this.#fit());
        this.observer.observe(this.canvasBox);
        this.observer.observe(this.previewBox);
        if (!model.regions.length && model.variants.length) model.selectVariant(0);
        else model.select('regions', 0);
        this.preview.ask();
    }

    #buildHead() {
        this.title = el('h1', {});
        this.state = el('span', { class: 'quiet save-state', role: 'status' });
        this.undo = iconButton('Undo (Ctrl+Z)', 'undo', () => this.model.undo());
        this.redo = iconButton('Redo (Ctrl+Y)', 'redo', () => this.model.redo());
        const grid = select(
            [
                ['24', 'Grid 1/24'],
                ['12', 'Grid 1/12'],
                ['0', 'No grid'],
            ],
            '24',
            (value) => this.canvas.setGrid(Number(value)),
            { class: 'compact', 'aria-label': 'Grid' },
        );
        this.save = button('Save', { kind: 'primary', id: 'btn-save', title: 'Save (Ctrl+S)', onclick: () => this.#save() });
        return el(
            'div',
            { class: 'editor-head' },
            el('a', { class: 'crumb', href: '#/layouts' }, 'Layouts'),
            el('span', { class: 'crumb-line', 'aria-hidden': 'true' }, '/'),
            this.title,
            this.state,
            el('span', { class: 'spacer' }),
            this.undo,
            this.redo,
            grid,
            button('Use in a room…', { icon: 'play', id: 'btn-use', onclick: () => this.#use() }),
            this.save,
        );
    }

    #buildBody() {
        this.problemLine = el('p', { class: 'editor-problem', role: 'alert', hidden: true });
        this.canvasBox = el('div', { class: 'canvas-box' }, this.canvas.element);
        this.previewBox = el('div', { class: 'preview-box' }, this.preview.picture);
        const middle = el(
            'div',
            { class: 'editor-middle' },
            this.canvasBox,
            this.problemLine,
            this.preview.tools,
            this.previewBox,
        );
        this.panels = { region: this.inspector.element, document: this.document.element, json: this.text.element };
        this.tabs = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Details' });
        for (const [id, name] of TABS) {
            const tab = el(
                'button',
                {
                    type: 'button',
                    role: 'tab',
                    id: `tab-${id}`,
                    'aria-controls': `panel-${id}`,
                    onclick: () => this.#openTab(id),
                },
                name,
            );
            this.tabs.append(tab);
            this.panels[id].id = `panel-${id}`;
            this.panels[id].setAttribute('role', 'tabpanel');
            this.panels[id].setAttribute('aria-labelledby', `tab-${id}`);
        }
        this.tabs.addEventListener('keydown', (event) => this.#tabKey(event));
        this.side = el('aside', { class: 'editor-side', 'aria-label': 'Details' }, this.tabs, ...Object.values(this.panels));
        this.#openTab('region');
        return el('div', { class: 'editor-body' }, this.list.element, middle, this.side);
    }

    #openTab(id) {
        for (const [each] of TABS) {
            const chosen = each === id;
            const tab = this.tabs.querySelector(`#tab-${each}`);
            tab.setAttribute('aria-selected', String(chosen));
            tab.tabIndex = chosen ? 0 : -1;
            this.panels[each].hidden = !chosen;
        }
        this.side.classList.toggle('wide', id === 'json');
        if (id !== 'json') return;
        this.text.update();
        this.#showProblem();
        const { selection } = this.model;
        if (selection) this.text.reveal(this.model.pathOf(selection.list, selection.index));
    }

    #tabKey(event) {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        const all = [...this.tabs.children];
        const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
        next.click();
        next.focus();
    }

    /** Canvas and preview as large as their boxes allow. */
    #fit() {
        const { width, height } = this.model.canvas;
        for (const [box, part] of [
            [this.canvasBox, this.canvas],
            [this.previewBox, this.preview],
        ]) {
            const scale = Math.min(box.clientWidth / width, box.clientHeight / height);
            if (scale > 0) part.fit(Math.floor(width * scale), Math.floor(height * scale));
        }
        this.place.classList.toggle('upright', height > width);
    }

    // --- following the model

    #changed() {
        const { model } = this;
        if (this.variantShown !== this.#variantKey()) this.#showVariant();
        const wrong = this.#wrongItems();
        this.canvas.problems = wrong;
        this.canvas.draw();
        this.list.update(wrong);
        this.inspector.update();
        this.document.update();
        this.variant.update();
        this.text.update();
        this.title.textContent = model.document.name || 'unnamed';
        this.undo.disabled = !model.canUndo;
        this.redo.disabled = !model.canRedo;
        this.state.textContent = this.changed() ? 'not saved' : this.#savedName ? 'saved' : 'new';
        const { aspect } = model.document;
        if (this.aspectShown !== aspect) {
            this.aspectShown = aspect;
            this.#fit();
        }
        const text = JSON.stringify(model.document);
        if (this.asked !== text) this.preview.ask();
        this.asked = text;
    }

    /** Changes when another variant is edited, or when it counts for others. */
    #variantKey() {
        const { variant, scope } = this.model;
        return variant < 0 ? '' : JSON.stringify([variant, scope.when]);
    }

    /** Show the preview for as many people as the variant is made for. */
    #showVariant() {
        this.variantShown = this.#variantKey();
        const when = this.model.scope.when;
        if (this.model.variant < 0 || !when) return;
        const { from, to } = peopleRange(when.people);
        const people = Math.min(Math.max(this.preview.people, from ?? 1), to ?? Infinity);
        const screens =
            when.screen === true ? Math.max(1, this.preview.screens) : when.screen === false ? 0 : this.preview.screens;
        this.preview.setPeople(people, screens);
    }

    #answered(error) {
        this.#problem = error ? { path: errorPath(error.message), message: error.message } : null;
        this.#showProblem();
        const wrong = this.#wrongItems();
        this.canvas.problems = wrong;
        this.canvas.draw();
        this.list.update(wrong);
    }

    /** "regions.0" of what the server refuses in what is edited now. */
    #wrongItems() {
        const [first, index, list, item] = this.#problem?.path ?? [];
        const here =
            first === 'variants'
                ? index === this.model.variant
                    ? [list, item]
                    : []
                : this.model.variant < 0
                  ? [first, index]
                  : [];
        return new Set(here.length && Number.isInteger(here[1]) ? [here.join('.')] : []);
    }

    #showProblem() {
        const broken = this.text.broken;
        const message = broken ? 'The JSON cannot be read: see its line.' : this.#problem?.message;
        this.problemLine.hidden = !message;
        this.problemLine.textContent = message ?? '';
        this.text.showRefusal(this.#problem);
        this.save.disabled = broken;
    }

    // --- keys of the whole editor

    onKey = (event) => {
        const key = event.key.toLowerCase();
        if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector('dialog[open]')) return;
        if (key === 's') this.#save();
        else if (isTextField(event.target))
            return; // text fields have a way back of their own
        else if (key === 'z' && !event.shiftKey) this.model.undo();
        else if (key === 'y' || (key === 'z' && event.shiftKey)) this.model.redo();
        else if (key === 'd') this.model.duplicate();
        else return;
        event.preventDefault();
    };

    // --- saving

    /** Resolves to whether the document is saved. */
    async #save() {
        const { document: written } = this.model;
        if (this.text.broken) return false;
        if (!NAME.test(written.name ?? '')) {
            this.#openTab('document');
            toast('A name has 1 to 64 letters, digits, “_”, “-” or “+”; “schema”, “room” and “-” are reserved.', 'error');
            return false;
        }
        const isNew = written.name !== this.#savedName;
        return this.#put(isNew ? { create: true } : { etag: this.#etag });
    }

    async #put(condition) {
        const { name } = this.model.document;
        try {
            const { etag } = await server.put(`/layouts/${inPath(name)}`, this.model.document, condition);
            this.#etag = etag ?? (await server.get(`/layouts/${inPath(name)}`)).etag;
            this.#savedName = name;
            this.model.markSaved();
            forget();
            layoutList({ fresh: true }).catch(() => {});
            history.replaceState(null, '', editorLink(name));
            toast(`“${name}” is saved`);
            return true;
        } catch (error) {
            if (error.status === 412) return this.#conflict(Boolean(condition.create));
            this.#answered(error);
            report(error);
            return false;
        }
    }

    async #conflict(wasNew) {
        const { name } = this.model.document;
        const choice = await dialog({
            title: wasNew ? `There is a layout “${name}” already` : `“${name}” was changed meanwhile`,
            body: [
                el(
                    'p',
                    {},
                    wasNew ? 'Give yours another name, or write over it.' : 'Somebody else saved it after you had opened it.',
                ),
            ],
            actions: [
                { label: 'Cancel', value: null },
                { label: wasNew ? 'Open that one' : 'Reload theirs', value: 'reload' },
                { label: 'Overwrite', kind: 'danger', value: 'overwrite' },
            ],
        });
        if (choice === 'overwrite') return this.#put({});
        if (choice === 'reload') await attempt(() => this.#reload(name));
        return false;
    }

    async #reload(name) {
        const { body, etag } = await server.get(`/layouts/${inPath(name)}`);
        this.#etag = etag;
        this.#savedName = name;
        this.model.replace(body);
        this.model.markSaved();
        history.replaceState(null, '', editorLink(name));
    }

    async #use() {
        const { rooms } = (await server.get('/rooms').catch(() => ({ body: { rooms: [] } }))).body;
        if (!rooms.length) {
            toast('There is no room now.', 'error');
            return;
        }
        const room = select(
            rooms.map(({ id, participants }) => [id, `${id} (${participants?.length ?? 0})`]),
            this.preview.room.value || rooms[0].id,
            () => {},
            { name: 'room' },
        );
        const body = [field('Room', room)];
        if (this.changed() || !this.#savedName) body.push(el('p', { class: 'note' }, 'The layout is saved first.'));
        const wanted = await dialog({
            title: 'Use in a room',
            body,
            actions: [
                { label: 'Cancel', value: null },
                { label: 'Use it', kind: 'primary', value: true },
            ],
        });
        if (!wanted) return;
        if ((this.changed() || !this.#savedName) && !(await this.#save())) return;
        const done = await attempt(() => server.put(`/rooms/${inPath(room.value)}/layout`, { layout: this.model.document.name }));
        if (done) toast(`Room “${room.value}” shows “${this.model.document.name}”`);
    }

    // --- leaving

    changed() {
        return Boolean(this.model?.changed);
    }

    /** Where it is, which saving under a name changes. */
    get address() {
        return this.#savedName ? editorLink(this.#savedName) : null;
    }

    mayLeave() {
        return !this.changed() || window.confirm('The layout is not saved. Leave it?');
    }

    stop() {
        this.#stopped = true;
        document.removeEventListener('keydown', this.onKey);
        this.observer?.disconnect();
        this.preview?.stop();
    }
}

export const editorPage = (place, options) => new EditorPage(place, options);
