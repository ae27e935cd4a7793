// The REST API, /api/v1, with the token of this tab.
//
//   const { body, etag } = await api.get('/rooms/demo');
//   await api.patch('/rooms/demo', { locked: true }, { etag });
//
// What the server refuses becomes an ApiError whose message is the server's own sentence.

import { takeToken } from './settings.js';

const ROOT = '/api/v1';

/** status: of HTTP, 0 where the server could not be asked. code: of the problem, as "not-found". */
export class ApiError extends Error {
    constructor(message, { status = 0, code = '', problem = null } = {}) {
        super(message);
        this.name = 'ApiError';
        this.status = status;
        this.code = code;
        this.problem = problem;
    }
}

function contentOf(method, body, type) {
    if (body === undefined) return {};
    const isFile = body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
    if (isFile || type) return { body, type: type ?? (body.type || 'application/octet-stream') };
    return {
        body: JSON.stringify(body),
        type: method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    };
}

async function problemOf(response) {
    const problem = await response.json().catch(() => null);
    const text = problem?.detail || problem?.title || `The server answered ${response.status} ${response.statusText}`.trim();
    return new ApiError(text, { status: response.status, code: problem?.code ?? '', problem });
}

/** etag: sent as If-Match. create: it must not exist yet (If-None-Match: *). type: the body is sent
 *  as it is, of this media type; without it a body becomes JSON, files excepted. */
async function request(method, path, body, { etag, create = false, type, signal } = {}) {
    const headers = { Accept: 'application/json' };
    const token = takeToken();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (etag) headers['If-Match'] = etag;
    if (create) headers['If-None-Match'] = '*';
    const content = contentOf(method, body, type);
    if (content.type) headers['Content-Type'] = content.type;
    let response;
    try {
        response = await fetch(ROOT + path, { method, headers, body: content.body, signal, cache: 'no-store' });
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        throw new ApiError('The server cannot be reached.');
    }
    if (!response.ok) throw await problemOf(response);
    const isJson = /\bjson\b/.test(response.headers.get('Content-Type') ?? '');
    return {
        status: response.status,
        etag: response.headers.get('ETag'),
        location: response.headers.get('Location'),
        body: isJson ? await response.json() : null,
    };
}

/** Each returns {status, etag, location, body}; path begins after /api/v1. The arguments are the same
 *  for all: api.del(path, undefined, { etag }). */
export const api = {
    get: (path, body, options) => request('GET', path, undefined, options),
    put: (path, body, options) => request('PUT', path, body, options),
    patch: (path, body, options) => request('PATCH', path, body, options),
    post: (path, body, options) => request('POST', path, body, options),
    del: (path, body, options) => request('DELETE', path, body, options),
};

/** For what cannot send headers: EventSource and <img>. */
function urlWithToken(path) {
    const url = new URL(ROOT + path, location.origin);
    const token = takeToken();
    if (token) url.searchParams.set('access_token', token);
    return url.href;
}

export const streamUrl = urlWithToken;
export const imageUrl = urlWithToken;

/** A name as a part of a path: "1+5" keeps its plus, "p3" stays as it is. */
export const inPath = (name) => encodeURIComponent(name);
