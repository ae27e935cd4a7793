#pragma once

/* The numbers of RTCP on the wire, for rtcp_read.c and rtcp_write.c. */

#define RTCP_VERSION_BITS 0x80 /* version 2 in the two highest bits */

/* Packet types: RFC 3550 section 12.1, RFC 4585 section 6.1 */
#define RTCP_PT_SR    200
#define RTCP_PT_RR    201
#define RTCP_PT_SDES  202
#define RTCP_PT_BYE   203
#define RTCP_PT_RTPFB 205
#define RTCP_PT_PSFB  206

/* Feedback formats: RFC 4585 sections 6.2 and 6.3, RFC 5104 section 4.3, the transport-cc and REMB
 * drafts */
#define RTCP_FMT_NACK         1
#define RTCP_FMT_TRANSPORT_CC 15
#define RTCP_FMT_PLI          1
#define RTCP_FMT_FIR          4
#define RTCP_FMT_AFB          15

#define RTCP_REMB_NAME        0x52454d42 /* "REMB" */
#define RTCP_SDES_CNAME       1
