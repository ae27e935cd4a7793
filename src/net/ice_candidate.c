#include "net/ice_candidate.h"

#include "base/error.h"

#include <netinet/in.h>
#include <string.h>

#define MAX_TOKENS 40
#define MIN_TOKENS 8 /* up to the type */

static const struct {
    const char *name;
    NiceCandidateType type;
} candidate_types[] = {
    { "host", NICE_CANDIDATE_TYPE_HOST },
    { "srflx", NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE },
    { "relay", NICE_CANDIDATE_TYPE_RELAYED },
};

static gboolean candidate_number(const char *text, guint64 max, guint64 *value)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, value, NULL);
}

gboolean ice_address_is_loopback(const NiceAddress *address)
{
    if (nice_address_ip_version(address) == 4)
        return ntohl(address->s.ip4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->s.ip6.sin6_addr);
}

/* Checks go to where a candidate says: never to groups, and to this machine only if allowed. */
static gboolean candidate_address_usable(const NiceAddress *address, gboolean allow_loopback)
{
    if (nice_address_ip_version(address) == 4) {
        guint32 ip = ntohl(address->s.ip4.sin_addr.s_addr);
        if (ip >> 24 == 0 || ip >> 28 >= 14) /* "this network"; multicast and reserved */
            return FALSE;
    } else {
        const struct in6_addr *ip = &address->s.ip6.sin6_addr;
        if (IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_MULTICAST(ip) || IN6_IS_ADDR_V4MAPPED(ip) ||
            IN6_IS_ADDR_LINKLOCAL(ip)) /* it has no meaning without an interface */
            return FALSE;
    }
    return allow_loopback || !ice_address_is_loopback(address);
}

static gboolean candidate_set_type(NiceCandidate *candidate, const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(candidate_types); i++)
        if (strcmp(name, candidate_types[i].name) == 0) {
            candidate->type = candidate_types[i].type;
            return TRUE;
        }
    return FALSE;
}

/* foundation component transport priority address port "typ" type ... */
static IceCandidateResult candidate_from_tokens(char **tokens, gboolean allow_loopback,
                                                NiceCandidate *candidate)
{
    guint64 component, priority, port;
    if (!candidate_number(tokens[1], 256, &component) ||
        !candidate_number(tokens[3], G_MAXUINT32, &priority) || strcmp(tokens[6], "typ") != 0)
        return ICE_CANDIDATE_MALFORMED;
    if (component != NICE_COMPONENT_TYPE_RTP || g_ascii_strcasecmp(tokens[2], "udp") != 0 ||
        priority == 0 || strlen(tokens[0]) >= NICE_CANDIDATE_MAX_FOUNDATION ||
        !candidate_number(tokens[5], G_MAXUINT16, &port) || port == 0 ||
        !candidate_set_type(candidate, tokens[7]) ||
        !nice_address_set_from_string(&candidate->addr, tokens[4]) ||
        !candidate_address_usable(&candidate->addr, allow_loopback))
        return ICE_CANDIDATE_UNUSABLE;
    nice_address_set_port(&candidate->addr, (guint)port);
    candidate->base_addr = candidate->addr;
    candidate->component_id = NICE_COMPONENT_TYPE_RTP;
    candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    candidate->priority = (guint32)priority;
    g_strlcpy(candidate->foundation, tokens[0], sizeof candidate->foundation);
    return ICE_CANDIDATE_USABLE;
}

static gboolean candidate_text_ok(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!g_ascii_isgraph(*c) && *c != ' ')
            return FALSE;
    return strnlen(text, ICE_CANDIDATE_MAX_TEXT + 1) <= ICE_CANDIDATE_MAX_TEXT;
}

IceCandidateResult ice_candidate_parse(const char *text, gboolean allow_loopback,
                                       NiceCandidate **candidate)
{
    if (g_str_has_prefix(text, "a="))
        text += 2;
    if (!*text || strcmp(text, "candidate:") == 0 || strcmp(text, "end-of-candidates") == 0)
        return ICE_CANDIDATE_UNUSABLE;
    if (!g_str_has_prefix(text, "candidate:") || !candidate_text_ok(text))
        return ICE_CANDIDATE_MALFORMED;
    g_auto(GStrv) tokens = g_strsplit(text + strlen("candidate:"), " ", MAX_TOKENS);
    if (g_strv_length(tokens) < MIN_TOKENS)
        return ICE_CANDIDATE_MALFORMED;
    NiceCandidate *parsed = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
    IceCandidateResult result = candidate_from_tokens(tokens, allow_loopback, parsed);
    if (result == ICE_CANDIDATE_USABLE)
        *candidate = parsed;
    else
        nice_candidate_free(parsed);
    return result;
}

static const char *candidate_type_name(NiceCandidateType type)
{
    switch (type) {
    case NICE_CANDIDATE_TYPE_HOST:
        return "host";
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
        return "srflx";
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
        return "prflx";
    default:
        return "relay";
    }
}

char *ice_candidate_format(const NiceCandidate *candidate, const NiceAddress *address)
{
    char ip[NICE_ADDRESS_STRING_LEN], base[NICE_ADDRESS_STRING_LEN];
    nice_address_to_string(address, ip);
    nice_address_to_string(&candidate->base_addr, base);
    GString *text = g_string_new(NULL);
    gboolean tcp = candidate->transport == NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE;
    g_string_append_printf(text, "candidate:%s %u %s %u %s %u typ %s", candidate->foundation,
                           candidate->component_id, tcp ? "TCP" : "UDP", candidate->priority, ip,
                           nice_address_get_port(&candidate->addr),
                           candidate_type_name(candidate->type));
    if (candidate->type != NICE_CANDIDATE_TYPE_HOST)
        g_string_append_printf(text, " raddr %s rport %u", base,
                               nice_address_get_port(&candidate->base_addr));
    if (tcp) /* RFC 6544 section 4.5 */
        g_string_append(text, " tcptype passive");
    return g_string_free(text, FALSE);
}

gboolean ice_nat_parse(const char *text, IceNat *nat, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    guint n = g_strv_length(parts);
    memset(nat, 0, sizeof *nat);
    nice_address_init(&nat->public_address);
    nice_address_init(&nat->private_address);
    nat->has_private = n == 2;
    gboolean ok = (n == 1 || n == 2) &&
                  nice_address_set_from_string(&nat->public_address, parts[0]) &&
                  (n == 1 || nice_address_set_from_string(&nat->private_address, parts[1])) &&
                  (n == 1 || nice_address_ip_version(&nat->public_address) ==
                                 nice_address_ip_version(&nat->private_address));
    if (!ok)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "ice.public_ip: \"%s\" is not an address; write 203.0.113.7, or "
                    "203.0.113.7/10.0.0.5 for public and private address.",
                    text);
    return ok;
}

gboolean ice_nat_matches(const IceNat *nat, const NiceAddress *address)
{
    if (nat->has_private)
        return nice_address_equal_no_port(&nat->private_address, address);
    return nice_address_ip_version(&nat->public_address) == nice_address_ip_version(address) &&
           !ice_address_is_loopback(address);
}
