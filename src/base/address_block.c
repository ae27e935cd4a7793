#include "base/address_block.h"

#include <arpa/inet.h>
#include <string.h>

#define NETWORK_BYTES 8

char *address_block(const char *address)
{
    struct in6_addr parsed;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &parsed) != 1)
        return g_strdup(address);
    if (IN6_IS_ADDR_V4MAPPED(&parsed)) {
        inet_ntop(AF_INET, parsed.s6_addr + 12, text, sizeof text);
        return g_strdup(text);
    }
    memset(parsed.s6_addr + NETWORK_BYTES, 0, sizeof parsed.s6_addr - NETWORK_BYTES);
    inet_ntop(AF_INET6, &parsed, text, sizeof text);
    return g_strconcat(text, "/64", NULL);
}
