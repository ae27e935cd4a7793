// The lobby: fill in the form, go to the room.

import { JoinForm } from './joinform.js';
import { saveSettings, loadSettings, setEntered, takeToken } from './settings.js';

takeToken();
const query = new URLSearchParams(location.search);
if (query.has('room')) saveSettings({ room: query.get('room') });
if (!loadSettings().room) saveSettings({ room: `room-${Math.random().toString(36).slice(2, 7)}` });

const form = new JoinForm({
    onJoin({ room }) {
        setEntered(room);
        form.close();
        location.assign(`/r/${encodeURIComponent(room)}`);
    },
});
document.querySelector('#join-place').append(form.element);
form.start();

// Back from the room through the browser's history: the form is gone, make a new one.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
