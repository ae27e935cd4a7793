#pragma once

#include "sdp/negotiate.h"

/* What our offers and answers have in common. */

/** (transfer full) A session with our origin and nothing in it yet. */
SdpSession *negotiate_text_session(const NegotiateLocal *local);

/** Add our transport to a section; the BUNDLE's first one (`tagged`) has the candidates. */
void negotiate_text_transport(SdpMedia *section, const NegotiateLocal *local, SdpSetup setup,
                              gboolean tagged);

/** Announce what we send: a=msid, a=ssrc with cname, the FID group where there is RTX (0: none). */
void negotiate_text_sources(SdpMedia *section, const NegotiateLocal *local, guint32 ssrc,
                            guint32 rtx_ssrc);

/** Add a codec's format, and the one of its RTX (payload type -1: none). */
SdpFormat *negotiate_text_codec(SdpMedia *section, const NegotiatedCodec *codec);
