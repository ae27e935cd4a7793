// Times, sizes and states of what is recorded, broadcast and played, in words.

/** 75 -> "1:15", 3675 -> "1:01:15". */
export function clockText(seconds) {
    const all = Math.max(0, Math.floor(seconds ?? 0));
    const two = (value) => String(value).padStart(2, '0');
    const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 1536000 -> "1.5 MB". */
export function bytesText(bytes) {
    let value = bytes ?? 0;
    let unit = 0;
    for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
    return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** Goes on, or is about to; what ended stays listed. */
export const isActive = ({ state }) => state !== 'finished' && state !== 'failed' && state !== 'ended';

/** When it began: the time, and the day where that was another one. created: seconds since 1970. */
export function beginText(created) {
    const at = new Date(created * 1000);
    const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const isToday = at.toDateString() === new Date().toDateString();
    return isToday ? time : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

/** What everybody in the room is to know of these recordings or broadcasts: "", "on", "paused". */
export function onAir(outputs) {
    const states = new Set(outputs.map(({ state }) => state));
    if (states.has('running')) return 'on';
    return states.has('paused') || states.has('retrying') ? 'paused' : '';
}
