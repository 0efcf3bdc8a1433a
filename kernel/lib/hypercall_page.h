/*
 * The hypercall page: a page of code in the guest through which it may issue hypercalls, 32 bytes for each number.
 *
 * A stub saves what `syscall` destroys, so that C sees an ordinary function. Filled where an image asks for
 * it (note HYPERCALL_PAGE), or when the guest writes its address to the MSR that CPUID 0x40000002 names.
 */
#ifndef KOAN_LIB_HYPERCALL_PAGE_H
#define KOAN_LIB_HYPERCALL_PAGE_H

#include "lib/types.h"

void hypercall_page_fill(void *page);

#endif
