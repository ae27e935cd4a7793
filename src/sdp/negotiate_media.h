#pragma once

#include "sdp/negotiate.h"

/* One m-line, for negotiate.c: what the peer says and the configuration allows. */

#define NEGOTIATE_URI_RID "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define NEGOTIATE_URI_TRANSPORT_CC \
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

typedef struct {
    const NegotiateConfig *config;
    const SdpMedia *peer;
    const SdpMedia *own;   /* our section of the offer, where the peer's is the answer; or NULL */
    gboolean two_byte_ids; /* extension ids above 14 may be used */
    GHashTable *uri_of_id; /* extension ids accepted so far in the BUNDLE: id -> URI */
    gboolean mutual_simulcast; /* both sides want the peer's simulcast */
} NegotiateSection;

/** A section with nothing accepted. */
NegotiatedMedia *negotiated_media_new(const SdpMedia *peer);
void negotiated_media_free(NegotiatedMedia *media);

/** TRUE if the peer has a codec that we can send (`sending`) or receive. */
gboolean negotiate_section_has_codec(const NegotiateSection *section, gboolean sending);

/** Fill in codecs, extensions and sources for the directions that `media` already has. */
void negotiate_section_fill(const NegotiateSection *section, NegotiatedMedia *media);
