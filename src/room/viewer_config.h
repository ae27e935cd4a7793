#pragma once

#include "room/peer.h"

/** What was negotiated, as the sending half of the connection takes it. Pure. */
ViewerConfig viewer_config_of(const PeerMedia *media);
