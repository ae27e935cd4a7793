/* A bad network in front of ice_nice.c, for a server that real clients talk to. The linker puts
 * these functions in the place of those that they are named after (--wrap), so that the product
 * knows nothing of it. STUN never leaves libnice: its datagrams are lost, where that is wished, in
 * GIO's functions, which come before those of the library. */

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "impair/impair_rules.h"
#include "net/ice_nice.h"
#include "net/net_timer.h"
#include "support/sim_link.h"

#include <dlfcn.h>
#include <gio/gio.h>
#include <stdlib.h>

#define REFRESH_MS   25
#define MAX_DATAGRAM 1500

typedef struct {
    SimLink *link;
    GRand *stun_random;
    ImpairRule rule;
} Direction;

typedef struct {
    IceNice *ice;
    const IceEvents *events;
    gpointer user;
    char *own_ufrag, *peer_ufrag; /* the first ones: an ICE restart keeps the rules */
    Direction down, up;
    NetTimer *timer;
    NetTimer *refresh; /* on its own context: the others' end with their connections */
    gboolean heard;    /* something came through since it was asked */
} Impaired;

static ImpairRules *rules;
static GHashTable *by_ice;    /* IceNice * -> Impaired * */
static GHashTable *by_socket; /* GSocket * -> Impaired * */
static Impaired *opening;     /* whose sockets are being bound */

IceNice *__real_ice_nice_new(const WebrtcConfig *config, NestedLoop *loop, const IceEvents *events,
                             gpointer user);
IceNice *__wrap_ice_nice_new(const WebrtcConfig *config, NestedLoop *loop, const IceEvents *events,
                             gpointer user);
gboolean __real_ice_nice_gather(IceNice *ice, GError **error);
gboolean __wrap_ice_nice_gather(IceNice *ice, GError **error);
gboolean __real_ice_nice_set_remote(IceNice *ice, const char *ufrag, const char *pwd,
                                    gboolean peer_is_lite, GError **error);
gboolean __wrap_ice_nice_set_remote(IceNice *ice, const char *ufrag, const char *pwd,
                                    gboolean peer_is_lite, GError **error);
gboolean __real_ice_nice_send(IceNice *ice, const guint8 *data, gsize size);
gboolean __wrap_ice_nice_send(IceNice *ice, const guint8 *data, gsize size);
guint __real_ice_nice_send_all(IceNice *ice, struct iovec *datagrams, guint n);
guint __wrap_ice_nice_send_all(IceNice *ice, struct iovec *datagrams, guint n);
gboolean __real_ice_nice_heard(IceNice *ice);
gboolean __wrap_ice_nice_heard(IceNice *ice);
void __real_ice_nice_close(IceNice *ice, GDestroyNotify done, gpointer data);
void __wrap_ice_nice_close(IceNice *ice, GDestroyNotify done, gpointer data);

/* --- Rules --- */

static void impaired_apply(Impaired *impaired)
{
    const char *names[] = { impaired->own_ufrag, impaired->peer_ufrag };
    impair_rules_find(rules, names, G_N_ELEMENTS(names), &impaired->down.rule, &impaired->up.rule);
    sim_link_configure(impaired->down.link, &impaired->down.rule.link);
    sim_link_configure(impaired->up.link, &impaired->up.rule.link);
}

/* Whoever looks first finds the new rules for all. impair.mjs waits for the line. */
static void impair_refresh(void)
{
    GHashTableIter iter;
    gpointer impaired;
    if (!impair_rules_refresh(rules))
        return;
    g_hash_table_iter_init(&iter, by_ice);
    while (g_hash_table_iter_next(&iter, NULL, &impaired))
        impaired_apply(impaired);
    log_info("impair", "rules %d are in force", impair_rules_serial(rules));
}

static void impaired_refresh(gpointer data)
{
    Impaired *impaired = data;
    net_timer_set(impaired->refresh, REFRESH_MS);
    impair_refresh();
}

static void impair_init(void)
{
    const char *path = getenv("TESSERA_IMPAIR");
    if (!rules) {
        rules = impair_rules_new(path ? path : "");
        by_ice = g_hash_table_new(NULL, NULL);
        by_socket = g_hash_table_new(NULL, NULL);
    }
    impair_refresh();
}

/* --- One connection --- */

static gboolean is_dtls(const guint8 *data)
{
    return data[0] >= 20 && data[0] <= 63;
}

static void direction_init(Direction *direction, guint32 seed)
{
    direction->link = sim_link_new(seed);
    direction->stun_random = g_rand_new_with_seed(seed);
}

static void direction_clear(Direction *direction)
{
    sim_link_free(direction->link);
    g_rand_free(direction->stun_random);
}

/* TRUE: the datagram takes the link. FALSE: it goes on at once. */
static gboolean direction_takes(Direction *direction, const guint8 *data, gsize size)
{
    gboolean takes = direction->rule.active && size > 0 && size <= MAX_DATAGRAM &&
                     (direction->rule.dtls || !is_dtls(data));
    if (takes)
        sim_link_send(direction->link, data, size, clock_now_ns());
    return takes;
}

static void impaired_arm(Impaired *impaired)
{
    gint64 next_ns =
        MIN(sim_link_next_ns(impaired->down.link), sim_link_next_ns(impaired->up.link));
    if (next_ns == G_MAXINT64)
        return;
    gint64 wait_ns = MAX(next_ns - clock_now_ns(), 0);
    net_timer_set(impaired->timer, (guint)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
}

static void impaired_deliver(gpointer data)
{
    Impaired *impaired = data;
    GBytes *bytes;
    gint64 now_ns = clock_now_ns(), arrival_ns;
    while ((bytes = sim_link_receive(impaired->down.link, now_ns, &arrival_ns))) {
        __real_ice_nice_send(impaired->ice, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        g_bytes_unref(bytes);
    }
    IceNice *ice = impaired->ice;
    while ((bytes = sim_link_receive(impaired->up.link, now_ns, &arrival_ns))) {
        gsize size;
        guint8 *packet = g_bytes_unref_to_data(bytes, &size);
        impaired->heard = TRUE;
        impaired->events->received(packet, size, impaired->user);
        g_free(packet);
        if (!g_hash_table_contains(by_ice, ice)) /* it was closed by what it received */
            return;
    }
    impaired_arm(impaired);
}

static void impaired_gathered(gpointer user)
{
    Impaired *impaired = user;
    impaired->events->gathered(impaired->user);
}

static void impaired_state(IceState state, gpointer user)
{
    Impaired *impaired = user;
    impaired->events->state(state, impaired->user);
}

static void impaired_received(guint8 *data, gsize size, gpointer user)
{
    Impaired *impaired = user;
    if (direction_takes(&impaired->up, data, size)) {
        impaired_arm(impaired);
        return;
    }
    impaired->heard = TRUE;
    impaired->events->received(data, size, impaired->user);
}

static const IceEvents impaired_events = {
    .gathered = impaired_gathered,
    .state = impaired_state,
    .received = impaired_received,
};

/* --- In the place of ice_nice.c --- */

IceNice *__wrap_ice_nice_new(const WebrtcConfig *config, NestedLoop *loop, const IceEvents *events,
                             gpointer user)
{
    thread_assert_net();
    GMainContext *context = nested_loop_context(loop);
    impair_init();
    Impaired *impaired = g_new0(Impaired, 1);
    guint32 seed = impair_rules_seed(rules);
    direction_init(&impaired->down, seed);
    direction_init(&impaired->up, seed + 1);
    impaired->events = events;
    impaired->user = user;
    impaired->timer = net_timer_new(context, impaired_deliver, impaired);
    impaired->refresh = net_timer_new(context, impaired_refresh, impaired);
    net_timer_set(impaired->refresh, REFRESH_MS);
    impaired->ice = __real_ice_nice_new(config, loop, &impaired_events, impaired);
    impaired->own_ufrag = g_strdup(ice_nice_ufrag(impaired->ice));
    g_hash_table_insert(by_ice, impaired->ice, impaired);
    impaired_apply(impaired);
    return impaired->ice;
}

gboolean __wrap_ice_nice_gather(IceNice *ice, GError **error)
{
    opening = g_hash_table_lookup(by_ice, ice);
    gboolean ok = __real_ice_nice_gather(ice, error);
    opening = NULL;
    return ok;
}

gboolean __wrap_ice_nice_set_remote(IceNice *ice, const char *ufrag, const char *pwd,
                                    gboolean peer_is_lite, GError **error)
{
    Impaired *impaired = g_hash_table_lookup(by_ice, ice);
    opening = impaired;
    gboolean ok = __real_ice_nice_set_remote(ice, ufrag, pwd, peer_is_lite, error);
    opening = NULL;
    if (ok && !impaired->peer_ufrag) {
        impaired->peer_ufrag = g_strdup(ufrag);
        impaired_apply(impaired);
    }
    return ok;
}

gboolean __wrap_ice_nice_send(IceNice *ice, const guint8 *data, gsize size)
{
    Impaired *impaired = g_hash_table_lookup(by_ice, ice);
    if (!impaired || !direction_takes(&impaired->down, data, size))
        return __real_ice_nice_send(ice, data, size);
    impaired_arm(impaired);
    return TRUE;
}

guint __wrap_ice_nice_send_all(IceNice *ice, struct iovec *datagrams, guint n)
{
    Impaired *impaired = g_hash_table_lookup(by_ice, ice);
    guint sent = 0;
    if (!impaired || !impaired->down.rule.active)
        return __real_ice_nice_send_all(ice, datagrams, n);
    for (guint i = 0; i < n; i++)
        sent += __wrap_ice_nice_send(ice, datagrams[i].iov_base, datagrams[i].iov_len) ? 1 : 0;
    return sent;
}

/* The kernel counts what is lost here as heard. */
gboolean __wrap_ice_nice_heard(IceNice *ice)
{
    Impaired *impaired = g_hash_table_lookup(by_ice, ice);
    gboolean heard = __real_ice_nice_heard(ice);
    if (!impaired || !impaired->up.rule.active || !impaired->up.rule.stun)
        return heard;
    heard = impaired->heard;
    impaired->heard = FALSE;
    return heard;
}

static gboolean is_of(gpointer socket, gpointer impaired, gpointer user)
{
    (void)socket;
    return impaired == user;
}

static void impaired_log(const Impaired *impaired)
{
    SimLinkStats down, up;
    sim_link_stats(impaired->down.link, &down);
    sim_link_stats(impaired->up.link, &up);
    log_info("impair",
             "%s down %" G_GUINT64_FORMAT " lost %" G_GUINT64_FORMAT " up %" G_GUINT64_FORMAT
             " lost %" G_GUINT64_FORMAT,
             impaired->own_ufrag, down.sent, down.lost, up.sent, up.lost);
}

void __wrap_ice_nice_close(IceNice *ice, GDestroyNotify done, gpointer data)
{
    Impaired *impaired = g_hash_table_lookup(by_ice, ice);
    impaired_log(impaired);
    g_hash_table_remove(by_ice, ice);
    g_hash_table_foreach_remove(by_socket, is_of, impaired);
    net_timer_free(impaired->timer);
    net_timer_free(impaired->refresh);
    direction_clear(&impaired->down);
    direction_clear(&impaired->up);
    g_free(impaired->own_ufrag);
    g_free(impaired->peer_ufrag);
    __real_ice_nice_close(ice, done, data);
    g_free(impaired);
}

/* --- STUN, in the place of GIO --- */

static gpointer real_function(const char *name)
{
    gpointer function = dlsym(RTLD_NEXT, name);
    if (!function)
        g_error("GIO has no %s", name);
    return function;
}

static gboolean stun_is_lost(GSocket *socket, gboolean is_up, guint8 first)
{
    if (!(thread_roles() & THREAD_NET) || !by_socket || first > 3)
        return FALSE;
    Impaired *impaired = g_hash_table_lookup(by_socket, socket);
    if (!impaired)
        return FALSE;
    Direction *direction = is_up ? &impaired->up : &impaired->down;
    gboolean lost = direction->rule.active && direction->rule.stun &&
                    g_rand_double(direction->stun_random) < direction->rule.link.loss;
    impaired->heard = impaired->heard || (is_up && !lost);
    return lost;
}

gboolean g_socket_bind(GSocket *socket, GSocketAddress *address, gboolean reuse, GError **error)
{
    gboolean (*real)(GSocket *, GSocketAddress *, gboolean, GError **) =
        real_function("g_socket_bind");
    gboolean bound = real(socket, address, reuse, error);
    if (bound && (thread_roles() & THREAD_NET) && opening)
        g_hash_table_insert(by_socket, socket, opening);
    return bound;
}

static const guint8 *first_byte(const void *buffer, gsize size)
{
    return size > 0 ? buffer : (const guint8 *)"\xff";
}

gssize g_socket_send_message(GSocket *socket, GSocketAddress *address, GOutputVector *vectors,
                             gint n_vectors, GSocketControlMessage **messages, gint n_messages,
                             gint flags, GCancellable *cancellable, GError **error)
{
    static gssize (*real)(GSocket *, GSocketAddress *, GOutputVector *, gint,
                          GSocketControlMessage **, gint, gint, GCancellable *, GError **);
    if (!real)
        real = real_function("g_socket_send_message");
    if (n_vectors > 0 &&
        stun_is_lost(socket, FALSE, *first_byte(vectors[0].buffer, vectors[0].size))) {
        gssize size = 0;
        for (gint i = 0; i < n_vectors; i++)
            size += (gssize)vectors[i].size;
        return size;
    }
    return real(socket, address, vectors, n_vectors, messages, n_messages, flags, cancellable,
                error);
}

gssize g_socket_receive_message(GSocket *socket, GSocketAddress **address, GInputVector *vectors,
                                gint n_vectors, GSocketControlMessage ***messages, gint *n_messages,
                                gint *flags, GCancellable *cancellable, GError **error)
{
    static gssize (*real)(GSocket *, GSocketAddress **, GInputVector *, gint,
                          GSocketControlMessage ***, gint *, gint *, GCancellable *, GError **);
    if (!real)
        real = real_function("g_socket_receive_message");
    for (;;) {
        gssize size = real(socket, address, vectors, n_vectors, messages, n_messages, flags,
                           cancellable, error);
        if (size <= 0 || n_vectors == 0 ||
            !stun_is_lost(socket, TRUE, *first_byte(vectors[0].buffer, vectors[0].size)))
            return size;
        if (address)
            g_clear_object(address);
    }
}
