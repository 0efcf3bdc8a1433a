/*
 * Copies of any length to and from the guest: see usercopy.h. A string instruction that faults goes
 * on behind itself, with what is left in rcx; that something is left means that the copy failed.
 */
#include "x86/usercopy.h"

/* LAB 4.1a: Copy any number of bytes from and to the guest, whatever it says that its address is. */

/* Words, then the odd bytes. Both leave the count at 0 when all went well. */
static bool copy(void *to, const void *from, size_t len)
{
    u64 words = len / 8, bytes = len % 8;

    guest_access_begin();
    asm volatile("1: rep movsq\n"
                 "2:\n\t" EXTABLE("1b", "2b")
                 : "+D"(to), "+S"(from), "+c"(words)
                 :
                 : "memory");
    if (words == 0 && bytes != 0)
        asm volatile("1: rep movsb\n"
                     "2:\n\t" EXTABLE("1b", "2b")
                     : "+D"(to), "+S"(from), "+c"(bytes)
                     :
                     : "memory");
    guest_access_end();
    return (words | bytes) == 0;
}

/* Longer than any hypercall's data: a length that could reach from the lower half into the
 * hypervisor's is refused. */
#define LEN_MAX (1UL << 40)

bool copy_bytes_from_guest(void *to, u64 from, size_t len)
{
    return guest_address_ok(from) && len < LEN_MAX && copy(to, (const void *)from, len);
}

bool copy_bytes_to_guest(u64 to, const void *from, size_t len)
{
    return guest_address_ok(to) && len < LEN_MAX && copy((void *)to, from, len);
}

bool clear_guest(u64 to, size_t len)
{
    u64 left = len;

    if (!guest_address_ok(to) || len >= LEN_MAX)
        return false;
    guest_access_begin();
    asm volatile("1: rep stosb\n"
                 "2:\n\t" EXTABLE("1b", "2b")
                 : "+D"(to), "+c"(left)
                 : "a"(0)
                 : "memory");
    guest_access_end();
    return left == 0;
}

/* END LAB 4.1a */
