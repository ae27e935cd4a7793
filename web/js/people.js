// The list of who is in the room.

import { icon } from './icons.js';
import { el, initials } from './ui.js';

function describe(person, isSelf) {
    const words = [];
    if (isSelf) words.push('You');
    if (person.state === 'disconnected' || person.state === 'failed') words.push('connection lost');
    else if (person.state === 'connecting') words.push('connecting');
    else if (!person.audio?.sending && !person.video?.sending) words.push('listening');
    if (person.screen?.sending) words.push('sharing a screen');
    if (person.client && person.client !== 'web') words.push(person.client);
    return words.join(', ');
}

function signs(person) {
    const list = el('span', { class: 'signs' });
    const add = (name, text, off) => {
        const sign = el('span', { class: off ? 'off' : '', role: 'img', 'aria-label': text, title: text });
        sign.append(icon(name));
        list.append(sign);
    };
    if (person.screen?.sending) add('screen', 'shares a screen', false);
    const silent = person.audio?.muted || !person.audio?.sending;
    const unseen = person.video?.muted || !person.video?.sending;
    if (silent) add('mic-off', 'muted', true);
    if (unseen) add('camera-off', 'camera off', true);
    return list;
}

function row(person, isSelf) {
    const speaking = person.speaking && !person.audio?.muted;
    const what = describe(person, isSelf);
    return el(
        'li',
        { class: `person${speaking ? ' speaking' : ''}`, 'data-id': person.id },
        el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(person.name)),
        el(
            'span',
            { class: 'who' },
            el('span', { class: 'name' }, person.name, speaking ? el('span', { class: 'visually-hidden' }, ' (speaking)') : ''),
            what ? el('span', { class: 'what' }, what) : null,
        ),
        signs(person),
    );
}

/** Draw everyone: ourselves first, the others in the order in which they came. */
export function drawPeople(list, people, selfId) {
    const self = people.filter(({ id }) => id === selfId);
    const others = people.filter(({ id }) => id !== selfId);
    list.replaceChildren(...[...self, ...others].map((person) => row(person, person.id === selfId)));
}
