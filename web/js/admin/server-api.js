// The REST API as the dashboard asks for it: where the server wants a token, the person is asked, and
// the request is made again.

import { api } from '../api.js';
import { setToken, takeToken } from '../settings.js';
import { dialog, el, field } from './widgets.js';

export { imageUrl, streamUrl } from '../api.js';

/** A name in a path: "1+5" keeps its plus, which some servers and proxies read as a space. */
export const inPath = (name) => encodeURIComponent(name);

let asking = null;

function askForToken(wasWrong) {
    if (asking) return asking;
    const input = el('input', { name: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false' });
    const text = wasWrong
        ? ['The server did not accept this token. It may have expired, or lack the grant for this.']
        : [
              'This server asks for a token with the grant “admin”. Make one with ',
              el('code', {}, "tessera token --room '*' --grant admin"),
              '.',
          ];
    asking = dialog({
        title: 'Sign in',
        body: [el('p', { class: wasWrong ? 'problem' : 'note' }, ...text), field('Token', input)],
        actions: [{ label: 'Sign in', kind: 'primary', value: true }],
        closable: false,
        check: async () => {
            if (!input.value.trim()) throw new Error('Paste the token here.');
            setToken(input.value.trim());
        },
    }).finally(() => {
        asking = null;
        document.dispatchEvent(new Event('signed-in'));
    });
    return asking;
}

/** TRUE while the person is asked for a token: nobody else is to try the old one, because the server
 *  shuts out who tries too often. */
export const signingIn = () => asking !== null;

async function withToken(work) {
    for (;;) {
        await asking;
        const used = takeToken();
        try {
            return await work();
        } catch (error) {
            if (error.status !== 401) throw error;
            // Another request may have asked meanwhile: its token is tried first.
            if (takeToken() === used) await askForToken(Boolean(used));
        }
    }
}

const call =
    (method) =>
    (...values) =>
        withToken(() => api[method](...values));

export const server = { get: call('get'), put: call('put'), patch: call('patch'), post: call('post'), del: call('del') };

/** Something beside /api/v1 as text. */
export function getText(path) {
    return withToken(async () => {
        const token = takeToken();
        const response = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
        if (!response.ok)
            throw Object.assign(new Error(`${path}: the server answered ${response.status}.`), { status: response.status });
        return response.text();
    });
}

/** Names and descriptions of all layouts; asked for once in a few seconds. */
let listed = null;
export async function layoutList({ fresh = false } = {}) {
    if (fresh || !listed || performance.now() - listed.at > 5000)
        listed = { at: performance.now(), promise: server.get('/layouts').then(({ body }) => body.layouts) };
    try {
        return await listed.promise;
    } catch (error) {
        listed = null;
        throw error;
    }
}
