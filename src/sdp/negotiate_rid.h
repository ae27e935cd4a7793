#pragma once

#include "sdp/negotiate.h"

/* Simulcast (RFC 8853): which layers of an offer or answer we take, and what restricts them (RFC
 * 8851). Pure. */

/** The layers that the peer will send in this section, as NegotiatedSource, at most
 *  NEGOTIATE_MAX_LAYERS in its order; empty where it is no simulcast that we can take: a=simulcast
 *  with RIDs, or else a SIM group of SSRCs (what Chromium's older interface makes). `media` has its
 *  codecs, extensions and announced sources already. */
GArray *negotiate_rid_layers(const SdpMedia *peer, const NegotiatedMedia *media);

/** (transfer full) The restrictions of the offered layer as our answer repeats them, or NULL. */
char *negotiate_rid_answer(const SdpMedia *offered, const char *rid, const NegotiatedMedia *media);
