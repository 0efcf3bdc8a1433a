/*
 * On the host (unit tests), the machine is made of variables. In the hypervisor the frame table and the direct map stand at fixed addresses,
 * and mm/map.c finds out how much there is.
 */
#include "mm/frame.h"

#ifdef KOAN_HOST
struct frame *frame_table;
u64 *m2p_table;
u64 max_mfn;
u8 *host_memory;
#endif
