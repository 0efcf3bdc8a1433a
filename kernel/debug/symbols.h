/*
 * Names for the hypervisor's own code addresses, and walks along its stacks.
 *
 * The table is made by tools/symbols.py from the first link of the image and linked in by the second. Everything here is usable in a panic:
 * it takes no lock, allocates nothing and reads only memory that is known to be there.
 */
#ifndef KOAN_DEBUG_SYMBOLS_H
#define KOAN_DEBUG_SYMBOLS_H

#include "x86/regs.h"

/* Is this an address inside the hypervisor's code? */
bool symbols_is_code(u64 address);

/* The function that holds the address and the distance from its start; NULL outside the code. */
const char *symbols_find(u64 address, u64 *offset);

/* "name+0x12", or "?" outside the code, into `buf`; returns buf. */
const char *symbols_format(char *buf, size_t size, u64 address);
#define SYMBOL_TEXT 80 /* a buffer for it */

/* Is [address, address + length) inside the mapped stack pages of one CPU's block (x86/cpu.h)? */
bool stack_readable(u64 address, size_t length);

/* Print the calls that led to rip, by the chain of frame pointers from rbp on. `rsp`: where rip was interrupted, it may have had no frame
 * yet; 0: rip is a return address. */
void backtrace_print(u64 rip, u64 rsp, u64 rbp);

/* Print words from the stack pointer on, naming those that look like code addresses. */
void stack_print(u64 rsp, u32 words);

#endif
