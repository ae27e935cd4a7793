#pragma once

#include "io/rtmp_connection.h"

/** (transfer full) What a connection asks for. The rest of a request is in rtmp_server.h. */
RtmpRequest *rtmp_request_new(RtmpConnection *connection, RtmpRequestKind kind, RtmpTarget *target);
