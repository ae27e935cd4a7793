#include <string.h>

#include "base/error.h"
#include "io/media_url.h"

struct MediaUrlPolicy {
    gint refs; /* atomic */
    gboolean allow_private;
    GPtrArray *allowed; /* GInetAddressMask */
};

/* RFC 6890 and its successors: what is not the public unicast Internet, and every way of writing an
 * IPv4 address inside an IPv6 one, where a translator would lead back to the first list. */
static const char *const media_url_denied[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",    "::/96",
    "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96",   "64:ff9b:1::/48", "100::/64",
    "2001::/23",     "2001:db8::/32",   "2002::/16",      "fc00::/7",       "fe80::/9",
    "ff00::/8",
};

static gboolean masks_match(GPtrArray *masks, GInetAddress *address)
{
    for (guint i = 0; masks && i < masks->len; i++)
        if (g_inet_address_mask_matches(masks->pdata[i], address))
            return TRUE;
    return FALSE;
}

static GPtrArray *masks_new(void)
{
    return g_ptr_array_new_with_free_func(g_object_unref);
}

static gpointer make_denied(gpointer unused)
{
    (void)unused;
    GPtrArray *masks = masks_new();
    for (gsize i = 0; i < G_N_ELEMENTS(media_url_denied); i++)
        g_ptr_array_add(masks, g_inet_address_mask_new_from_string(media_url_denied[i], NULL));
    return masks;
}

static gboolean is_denied(GInetAddress *address)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, make_denied, NULL);
    return masks_match(once.retval, address);
}

static gboolean add_networks(GPtrArray *masks, const char *networks, GError **error)
{
    g_auto(GStrv) items = g_strsplit_set(networks, ", \t", -1);
    for (char **item = items; *item; item++) {
        if (!**item)
            continue;
        GInetAddressMask *mask = g_inet_address_mask_new_from_string(*item, NULL);
        if (!mask) {
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "\"%s\" is not a network; write it like 10.1.0.0/16 or fd00::/8.", *item);
            return FALSE;
        }
        g_ptr_array_add(masks, mask);
    }
    return TRUE;
}

MediaUrlPolicy *media_url_policy_new(gboolean allow_private, const char *allowed_networks,
                                     GError **error)
{
    g_autoptr(MediaUrlPolicy) policy = g_new0(MediaUrlPolicy, 1);
    policy->refs = 1;
    policy->allow_private = allow_private;
    policy->allowed = masks_new();
    if (allowed_networks && !add_networks(policy->allowed, allowed_networks, error))
        return NULL;
    return g_steal_pointer(&policy);
}

MediaUrlPolicy *media_url_policy_ref(MediaUrlPolicy *policy)
{
    if (policy)
        g_atomic_int_inc(&policy->refs);
    return policy;
}

void media_url_policy_unref(MediaUrlPolicy *policy)
{
    if (!policy || !g_atomic_int_dec_and_test(&policy->refs))
        return;
    g_ptr_array_unref(policy->allowed);
    g_free(policy);
}

gboolean media_url_policy_allows(const MediaUrlPolicy *policy, GInetAddress *address)
{
    if (policy && masks_match(policy->allowed, address))
        return TRUE;
    if (g_inet_address_get_is_multicast(address) || g_inet_address_get_is_any(address))
        return FALSE;
    return (policy && policy->allow_private) || !is_denied(address);
}

gboolean media_url_check(const MediaUrl *url, const MediaUrlPolicy *policy, GList *addresses,
                         GError **error)
{
    for (GList *item = addresses; item; item = item->next) {
        if (media_url_policy_allows(policy, item->data))
            continue;
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                    "%s is, or has, an address inside a private or reserved network, which this "
                    "server does not connect to; its operator can allow that network.",
                    url->host);
        return FALSE;
    }
    return TRUE;
}

gboolean media_url_check_literal(const MediaUrl *url, const MediaUrlPolicy *policy, GError **error)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(url->host);
    GList item = { address, NULL, NULL };
    return !address || media_url_check(url, policy, &item, error);
}

GList *media_url_resolve(const MediaUrl *url, const MediaUrlPolicy *policy,
                         GCancellable *cancellable, GError **error)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    g_autoptr(GError) reason = NULL;
    GList *addresses = g_resolver_lookup_by_name(resolver, url->host, cancellable, &reason);
    if (!addresses) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The host %s cannot be found: %s; check its name and the server's DNS.",
                    url->host, reason->message);
        return NULL;
    }
    if (media_url_check(url, policy, addresses, error))
        return addresses;
    g_list_free_full(addresses, g_object_unref);
    return NULL;
}
