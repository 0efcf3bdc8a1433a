/*
 * Another domain's frames in this one's address space: what a privileged domain may map, by mmu_update with the other's id.
 *
 * Two places. The window shows pages of the domain that is being built, a few dozen at a time, and moves as they are asked for. The
 * kept ones stay mapped until they are dropped: rings, for example. A frame that is still mapped here can't be made a page table and
 * can't be freed, so close the window before the tables are pinned.
 */
#ifndef GUEST_FOREIGN_H
#define GUEST_FOREIGN_H

#include "guest.h"

#define FOREIGN_KEPT 256 /* pages that can be kept */

/* Once, before the rest. */
void foreign_init(void);

/* Show pages of this domain: page n is the frame mfns[n], and there are `pages` of them. */
void foreign_open(u16 domid, const u64 *mfns, u64 pages);
void foreign_close(void);

/* The page, writable; good until the next call. NULL: the hypervisor refuses to map it. */
void *foreign_page(u64 n);

/* Copy bytes to an offset from the start of page 0. False: refused. */
bool foreign_write(u64 offset, const void *from, u64 length);

/* Keep one frame mapped in slot `slot`; NULL: refused. */
void *foreign_keep(unsigned int slot, u16 domid, u64 mfn);
void foreign_drop(unsigned int slot);

#endif
