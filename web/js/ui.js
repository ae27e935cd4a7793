// Small things that every page uses.

import { icon } from './icons.js';

/** Make an element: el('p', { class: 'note' }, 'text', child). A property "on..." is a listener. */
export function el(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
        if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, '');
        else if (value !== false && value !== null && value !== undefined)
            element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
}

const TOAST_MS = { info: 3500, error: 8000 };

/** Say something for a few seconds. kind: "info" or "error". The same text is not said twice at once. */
export function toast(text, kind = 'info') {
    let list = document.querySelector('.toasts');
    if (!list) {
        list = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
        document.body.append(list);
    }
    for (const old of list.children) if (old.dataset.text === text) old.remove();
    const item = el('div', { class: `toast ${kind}`, 'data-text': text });
    item.append(icon(kind === 'error' ? 'alert' : 'check'), el('span', {}, text));
    list.append(item);
    while (list.children.length > 4) list.firstChild.remove();
    setTimeout(() => item.remove(), TOAST_MS[kind]);
}

/** "Ada Lovelace" -> "AL". */
export function initials(name) {
    const words = name.trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) return '?';
    const first = [...words[0]][0];
    const last = words.length > 1 ? [...words[words.length - 1]][0] : '';
    return (first + last).toUpperCase();
}

/** Ask before something that cannot be taken back; resolves to true where the person says yes. */
export function ask({ title, text = '', action, danger = true }) {
    return new Promise((resolve) => {
        const no = el('button', { type: 'button', class: 'button', onclick: () => dialog.close() }, 'Cancel');
        const yes = el('button', { type: 'button', class: `button ${danger ? 'danger' : 'primary'}`, onclick: () => dialog.close('yes') }, action);
        const dialog = el(
            'dialog',
            { class: 'ask', 'aria-label': title },
            el('h2', {}, title),
            text ? el('p', {}, text) : null,
            el('div', { class: 'buttons' }, no, yes),
        );
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes');
        });
        document.body.append(dialog);
        dialog.showModal();
        no.focus();
    });
}

export const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** What people type as a room ("My room!") made into an id ("My-room"); "" when nothing is left. */
export function toRoomId(text) {
    return text
        .trim()
        .normalize('NFKD')
        .replace(/[\u0300-\u036f]/g, '')
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 64);
}

/** Copy to the clipboard; also where the page is not a secure context. */
export async function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch {
            // The permission was refused: the older way may still work.
        }
    }
    const field = el('textarea', { class: 'visually-hidden' });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
}
