#pragma once

#include "net/transport.h"
#include "room/engine.h"
#include "support/sim_link.h"

/* Transports in memory: a TransportFactory whose transports meet their clients over two simulated
 * links instead of ICE, DTLS and SRTP. A client's end is a MemoryPort; the transport finds it by
 * the ICE user name of the client's offer.
 *
 * In simulated time the test moves packets with memory_network_deliver(), or lets
 * memory_network_post_delivery() do it at the engine's present moment. With a threaded engine a
 * timer of the net thread does. Ports may be used on another thread than the net thread. */

typedef struct MemoryNetwork MemoryNetwork;
typedef struct MemoryPort MemoryPort;

/** It must be freed before the engine is freed, after every transport is closed. */
MemoryNetwork *memory_network_new(Engine *engine, gboolean threaded, guint32 seed);
void memory_network_free(MemoryNetwork *network);
const TransportFactory *memory_network_factory(MemoryNetwork *network);

/** How long a transport connects; default 50 ms. Before the first transport. */
void memory_network_set_connect_delay(MemoryNetwork *network, gint64 delay_ns);

/** The next `count` transports cannot be made. */
void memory_network_fail_next(MemoryNetwork *network, guint count);

/** Hand over everything that has arrived; arrival times are exact however late it is called. */
void memory_network_deliver(MemoryNetwork *network, gint64 now_ns) ON_NET_THREAD;
/** The same, by the engine's net mailbox. */
void memory_network_post_delivery(MemoryNetwork *network);

/** How many transports live. */
guint memory_network_transports(MemoryNetwork *network);

/** A client with this ICE user name; after a restart it may be called by it, "+" and more. */
MemoryPort *memory_port_new(MemoryNetwork *network, const char *ice_ufrag);
void memory_port_free(MemoryPort *port);
void memory_port_configure(MemoryPort *port, const SimLinkConfig *up, const SimLinkConfig *down);
void memory_port_hold_up(MemoryPort *port, gint64 until_ns);

/** RTP or RTCP to the server. */
void memory_port_send(MemoryPort *port, const guint8 *data, gsize size, gint64 now_ns);
/** (transfer full) What came from the server, or NULL. */
GBytes *memory_port_receive(MemoryPort *port, gint64 now_ns, gint64 *arrival_ns);
/** The server's transport reports this state (DISCONNECTED, FAILED, CONNECTED again). */
void memory_port_set_state(MemoryPort *port, TransportState state);
/** TRUE while a transport is connected to it. */
gboolean memory_port_connected(MemoryPort *port);
