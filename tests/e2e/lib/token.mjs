// Signed tokens as /docs/operations.md describes them: JWT, HS256.

import { createHmac } from 'node:crypto';

/** Long enough for auth.secret. */
export const SECRET = '0123456789abcdef-tests-0123456789abcdef';

export const ALL_GRANTS = ['publish', 'view', 'control', 'record', 'admin'];

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** claims: { room, grants, role, name, exp, ... }; without them: everything, everywhere, for ten minutes. */
export function signToken(claims = {}, secret = SECRET) {
    const now = Math.floor(Date.now() / 1000);
    const all = { room: '*', grants: ALL_GRANTS, iat: now, exp: now + 600, ...claims };
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
