/*
 * What the parts of the audit share.
 *
 * audit_count.c recounts who holds what, from the page tables, vCPUs and walks themselves; audit_check.c compares the recount with the frame
 * table and looks at the lists; audit.c stops the world around both. It is a referee: it shares no code with mm/ beyond the
 * definitions of the data.
 */
#ifndef KOAN_DEBUG_AUDIT_H
#define KOAN_DEBUG_AUDIT_H

#include "mm/frame.h"
#include "mm/memory.h"

/* What was found to hold one frame. */
struct recount {
    u32 refs;
    u32 type_refs;
    s32 granted; /* mappings that grants allow unprivileged domains, less those that there are */
    s32 linear; /* of a table: as frame->linear; of a free frame: how many free frames name it as their next */
};

/* The scratch memory for it: there is none for holes. */
bool recount_prepare(void);
void recount_clear(void);
struct recount *recount_of(mfn_t mfn); /* NULL: a hole, or no frame */

/* `by` holds a reference of the frame, and a type reference if it needs a type. */
void audit_hold(mfn_t mfn, u32 type, const char *by);

/* A grant lets that domain map the frame. */
void audit_may_map(const struct domain_memory *m, mfn_t mfn);

/* The uses of grants: audit_grant.c. */
void audit_count_grants(void);

/* Fill the recount in. The world stands still. */
void audit_count(void);

/* Compare. Returns how many frames were looked at. */
u64 audit_check(void);

/* One difference: a line that names the frame, its owner and its type. */
void audit_differs(mfn_t mfn, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* One difference that is no frame's. */
void audit_differs_plain(const char *fmt, ...) PRINTF_LIKE(1, 2);

const char *frame_type_name(u32 type);

#endif
