#pragma once

#include <glib.h>
#include <pthread.h>

#include "base/mailbox.h"
#include "io/rtmp_server.h"
#include "io/rtmp_tls.h"

/* What the rtmp thread, its connections and the handles that others hold have in common. Counted,
 * because handles outlive the server. */

typedef struct RtmpConnection RtmpConnection;

typedef struct {
    gint refs; /* atomic */

    /* Set once. */
    RtmpServerConfig config; /* its numbers; the texts are not kept */
    GMainContext *context;
    RtmpRequestFunc request;
    gpointer user;
    RtmpTlsContext *tls;

    /* The rtmp thread's. */
    GPtrArray *connections; /* RtmpConnection, a reference of each */
    gsize memory;           /* of all of them */
    gboolean draining;
    guint8 *buffer; /* where each reads into */

    /* Guarded by lock. */
    pthread_mutex_t lock;
    Mailbox *mailbox;
    gboolean stopped; /* nobody empties the mailbox any more */
    RtmpServerStats stats;
} RtmpHub;

#define RTMP_READ_SIZE 65536

RtmpHub *rtmp_hub_new(const RtmpServerConfig *config, RtmpRequestFunc request, gpointer user);
RtmpHub *rtmp_hub_ref(RtmpHub *hub);
void rtmp_hub_unref(RtmpHub *hub);

/** Run a command on the rtmp thread; after that has stopped (everything is closed then) it runs at
 *  once on the calling thread. Any thread. */
void rtmp_hub_post(RtmpHub *hub, MailboxCommand command, gpointer data, GDestroyNotify destroy);

/** The last act of the rtmp thread: run what was posted, and let no more in. */
void rtmp_hub_stop(RtmpHub *hub);

/** Change of the counts. Any thread. */
void rtmp_hub_count(RtmpHub *hub, gint connections, gint publishers, gint players);

/** Bytes that came and went, and packets left out. Any thread. */
void rtmp_hub_count_traffic(RtmpHub *hub, gsize received, gsize sent, guint64 dropped);
