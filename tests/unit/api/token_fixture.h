/* Signed tokens for tests. */
#pragma once

#include "api/auth.h"
#include "unit/api/api_fixture.h"

#define FIXTURE_SECRET     "0123456789abcdef0123456789abcdef"
#define FIXTURE_SECRET_SET "auth.secret=" FIXTURE_SECRET

/* (transfer full) A token for this room that is good for a minute; role and name may be NULL. */
static inline char *fixture_token(const Fixture *fixture, const char *room, guint grants,
                                  const char *role, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Auth) auth = auth_new(fixture->config, &error);
    g_assert_no_error(error);
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    AuthClaims claims = { .room = (char *)room,
                          .role = (char *)role,
                          .name = (char *)name,
                          .grants = grants,
                          .expires_s = now_s + 60 };
    return auth_sign(auth, &claims, now_s);
}

/* (transfer full) The same as a header line. */
static inline char *fixture_bearer(const Fixture *fixture, const char *room, guint grants)
{
    g_autofree char *token = fixture_token(fixture, room, grants, NULL, NULL);
    return g_strconcat("Authorization: Bearer ", token, "\r\n", NULL);
}
