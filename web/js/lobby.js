// The lobby: fill in the form, go to the room.

import { JoinForm } from './joinform.js';
import { loadSettings, mayPublish, readToken, saveSettings, setEntered, takeToken } from './settings.js';

const token = takeToken();
const claims = readToken(token);
const query = new URLSearchParams(location.search);
if (query.has('room')) saveSettings({ room: query.get('room') });
else if (claims?.room && claims.room !== '*') saveSettings({ room: claims.room });
if (!loadSettings().room) saveSettings({ room: `room-${Math.random().toString(36).slice(2, 7)}` });

const form = new JoinForm({
    watchOnly: !mayPublish(token),
    name: claims?.name,
    onJoin({ room }, { watch }) {
        setEntered(room, { watch });
        form.close();
        location.assign(`/r/${encodeURIComponent(room)}`);
    },
});
document.querySelector('#join-place').append(form.element);
form.start();

// Back from the room through the browser's history: the form is gone, make a new one.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
