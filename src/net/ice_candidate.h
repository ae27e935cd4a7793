#pragma once

#include <glib.h>
#include <nice/agent.h>

/* ICE candidates as SDP writes them (RFC 8839 section 5.1), and the addresses that we announce
 * behind a 1:1 NAT. */

#define ICE_CANDIDATE_MAX_TEXT 512

typedef enum {
    ICE_CANDIDATE_USABLE,
    ICE_CANDIDATE_UNUSABLE,  /* well-formed or end-of-candidates, but not for us: TCP, component 2,
                                .local, priority 0, an address nobody can be reached at */
    ICE_CANDIDATE_MALFORMED, /* not a candidate at all */
} IceCandidateResult;

/** Parse "candidate:..." with or without "a=". *candidate (transfer full, nice_candidate_free())
 *  is set only if usable. */
IceCandidateResult ice_candidate_parse(const char *text, gboolean allow_loopback,
                                       NiceCandidate **candidate);

/** "candidate:..." of a local candidate, announced at `address` (without regard to its port). */
char *ice_candidate_format(const NiceCandidate *candidate, const NiceAddress *address);

/** One entry of ice.public_ip. */
typedef struct {
    NiceAddress public_address, private_address;
    gboolean has_private; /* else it stands for every host address that is not loopback */
} IceNat;

/** Parse "public" or "public/private". TESSERA_ERROR_INVALID. */
gboolean ice_nat_parse(const char *text, IceNat *nat, GError **error);

/** TRUE if host candidates at `address` are announced at nat->public_address. */
gboolean ice_nat_matches(const IceNat *nat, const NiceAddress *address);

gboolean ice_address_is_loopback(const NiceAddress *address);
