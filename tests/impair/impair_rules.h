#pragma once

#include "support/sim_link.h"

/* What tests/e2e/lib/impair.mjs wishes: a JSON file that is read again whenever it changes,
 * {"seed": 1, "serial": 1, "rules": {"UFRAG or *": {"down": {...}, "up": {...}}}}.
 * Not thread-safe. */

typedef struct {
    gboolean active; /* FALSE: nothing stands between the server and this peer */
    gboolean dtls;   /* handshakes take this path too */
    gboolean stun;   /* connectivity checks are lost as often as the rest, but never late */
    SimLinkConfig link;
} ImpairRule;

typedef struct ImpairRules ImpairRules;

ImpairRules *impair_rules_new(const char *path);
void impair_rules_free(ImpairRules *rules);

/** Read the file again if it changed. TRUE: it did. What cannot be read ends the process. */
gboolean impair_rules_refresh(ImpairRules *rules);

guint32 impair_rules_seed(const ImpairRules *rules);

/** Which of its writings the file is. */
int impair_rules_serial(const ImpairRules *rules);

/** The rules of the first name that has any, else those of "*". Names may be NULL. */
void impair_rules_find(const ImpairRules *rules, const char *const *names, gsize n_names,
                       ImpairRule *down, ImpairRule *up);
