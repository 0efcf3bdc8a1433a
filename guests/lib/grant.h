/*
 * Grants (abi/grant_table.h): lend frames of one's own, map and copy those of others.
 *
 *     grant_ref_t ref = grant_access(domid, mfn, GRANT_READONLY);   lend
 *     ...
 *     if (grant_end(ref))                                           take back; false: in use
 *
 * The domain may be one's own, which lets one guest play both parts; on Xen only by its number, not by DOMID_SELF.
 */
#ifndef GUEST_GRANT_H
#define GUEST_GRANT_H

#include "abi/grant_table.h"
#include "memory.h"

#define GRANT_READONLY true
#define GRANT_WRITABLE false

/* The table, mapped here by the first of these calls; n frames at least. Panics if that is refused. */
struct grant_entry_v1 *grant_table(u32 frames);

/* The number of the domain that runs this. */
domid_t grant_own_domid(void);

/* Lend a frame; entries are handed out in order, from the first that is not reserved. */
grant_ref_t grant_access(domid_t to, u64 mfn, bool readonly);

/* Take it back, as the ABI wants it: false, and nothing changed, while it is in use. */
bool grant_end(grant_ref_t ref);

/* Write an entry of one's choice; a hostile guest does so at any time. */
void grant_write(grant_ref_t ref, u16 flags, domid_t to, u32 frame);

static inline s64 grant_table_op(u64 cmd, void *args, u64 count)
{
    return hypercall(__HYPERVISOR_grant_table_op, cmd, (u64)args, count, 0, 0);
}

/* One operation; the result is its status, or the hypercall's error. */
s64 grant_map_at(u64 host_addr, domid_t from, grant_ref_t ref, u32 flags, grant_handle_t *handle);
s64 grant_unmap_at(u64 host_addr, grant_handle_t handle);

/* length bytes; a side without a grant is a frame of one's own. */
struct grant_side {
    bool granted;
    domid_t domid;
    u64 ref_or_mfn;
    u16 offset;
};
s64 grant_copy(const struct grant_side *to, const struct grant_side *from, u16 length);

#endif
