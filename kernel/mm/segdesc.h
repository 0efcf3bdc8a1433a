/*
 * May a guest have this segment descriptor? The rule for every page of type FRAME_SEG and for
 * update_descriptor.
 *
 * Guests load these descriptors in ring 3, so what they may hold is: nothing present, code and data
 * of ring 3, and call gates to guest code, which are kept but disarmed. Anything of the system's
 * (TSS, LDT, interrupt gates) would let a guest reach ring 0. Formats: SDM vol. 3, 3.4.5 and 5.8.3.
 * What is accepted and changed is what Xen 4.17 accepts and changes.
 */
#ifndef KOAN_MM_SEGDESC_H
#define KOAN_MM_SEGDESC_H

#include "lib/types.h"

/*
 * False: no guest may have it. True: *desc is now as it may stand in a table (its DPL may have been
 * changed).
 */
bool segdesc_check(u64 *desc);

/*
 * A whole page of descriptors, changed in place. False: one is refused; those before it may have
 * been changed.
 */
bool segdesc_check_page(u64 *table);

#endif
