#pragma once

#include <glib.h>

/** (transfer full) What limits for one address count by: an IPv4 address, or the /64 network of an
 *  IPv6 one ("2001:db8:0:1::/64"), in which everybody has as many addresses as they like. What is
 *  no address stays as it is. Any thread. */
char *address_block(const char *address);
