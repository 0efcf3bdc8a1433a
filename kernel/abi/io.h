/*
 * The two rings of bytes in frames that every unprivileged domain starts with: console and xenstore.
 *
 * Indices count bytes and are never wrapped; `index & (size - 1)` is the place. The one who writes moves prod, the one who
 * reads moves cons, and both kick the other through the event channel. Source: Xen's public io/console.h and io/xs_wire.h.
 */
#ifndef KOAN_ABI_IO_H
#define KOAN_ABI_IO_H

#include "lib/types.h"

struct xencons_interface {
    char in[1024];  /* to the guest */
    char out[2048]; /* from the guest */
    u32 in_cons;    /* guest's */
    u32 in_prod;    /* backend's */
    u32 out_cons;   /* backend's */
    u32 out_prod;   /* guest's */
};
static_assert(sizeof(struct xencons_interface) == 3088, "ABI");
static_assert(offsetof(struct xencons_interface, in_cons) == 3072, "ABI");

#define XENSTORE_RING_SIZE   1024
#define XENSTORE_PAYLOAD_MAX 4096

struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE]; /* requests of the guest */
    char rsp[XENSTORE_RING_SIZE]; /* answers and watch events */
    u32 req_cons;                 /* daemon's */
    u32 req_prod;                 /* guest's */
    u32 rsp_cons;                 /* guest's */
    u32 rsp_prod;                 /* daemon's */
    u32 server_features;
    u32 connection;
    u32 error;
};
static_assert(offsetof(struct xenstore_domain_interface, req_cons) == 2048, "ABI");
static_assert(sizeof(struct xenstore_domain_interface) == 2076, "ABI");

/* Header of every message in either ring; len bytes follow. */
struct xsd_sockmsg {
    u32 type;   /* XS_* */
    u32 req_id; /* comes back in the answer */
    u32 tx_id;  /* transaction; 0: none */
    u32 len;    /* bytes of payload */
};
static_assert(sizeof(struct xsd_sockmsg) == 16, "ABI");

#define XS_DIRECTORY         1
#define XS_READ              2
#define XS_GET_PERMS         3
#define XS_WATCH             4
#define XS_UNWATCH           5
#define XS_TRANSACTION_START 6
#define XS_TRANSACTION_END   7
#define XS_INTRODUCE         8
#define XS_RELEASE           9
#define XS_GET_DOMAIN_PATH   10
#define XS_WRITE             11
#define XS_MKDIR             12
#define XS_RM                13
#define XS_SET_PERMS         14
#define XS_WATCH_EVENT       15
#define XS_ERROR             16

#endif
