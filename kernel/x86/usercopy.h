/*
 * Copies between the hypervisor and the running guest's own address space.
 *
 * Every copy checks the range (canonical, outside the hypervisor's slots) and survives a fault through the exception table: false means
 * that not all was copied, which a hypercall answers with -EFAULT. With SMAP the access is opened for the copy alone. A guest's other vCPU may
 * change the bytes at any time, so copy once and check the copy.
 */
#ifndef KOAN_X86_USERCOPY_H
#define KOAN_X86_USERCOPY_H

#include "lib/types.h"

bool copy_from_guest(void *to, u64 from, size_t len);
bool copy_to_guest(u64 to, const void *from, size_t len);
bool clear_guest(u64 to, size_t len);

/* One aligned or unaligned word: the fast forms. */
bool get_guest_u64(u64 *to, u64 from);
bool put_guest_u64(u64 to, u64 value);

#endif
