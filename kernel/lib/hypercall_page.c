/* The hypercall page. See hypercall_page.h; the guest-visible part is the 32-byte grid, Xen's public xen.h. */
#include "lib/hypercall_page.h"
#include "abi/xen.h"
#include "lib/string.h"

enum { STUB_SIZE = 32, INT3 = 0xcc };

/* The 32-bit number stands behind the opcode b8 (mov $number, %eax). */
static const u8 stub_begin[] = { 0x51, 0x41, 0x53, 0xb8 };           /* push rcx; push r11 */
static const u8 stub_end[] = { 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 }; /* syscall; pop; pop; ret */
static const u8 iret_begin[] = { 0x51, 0x41, 0x53, 0x50, 0xb8 };     /* push rax too */
static const u8 iret_end[] = { 0x0f, 0x05 };                         /* doesn't come back */

static void append(u8 **to, const void *bytes, size_t count)
{
    memcpy(*to, bytes, count);
    *to += count;
}

void hypercall_page_fill(void *page)
{
    memset(page, INT3, PAGE_SIZE); /* a stray jump between stubs traps */
    for (u32 number = 0; number < PAGE_SIZE / STUB_SIZE; number++) {
        bool iret = number == __HYPERVISOR_iret;
        u8 *to = (u8 *)page + number * STUB_SIZE;

        append(&to, iret ? iret_begin : stub_begin, iret ? sizeof(iret_begin) : sizeof(stub_begin));
        append(&to, &number, sizeof(number));
        append(&to, iret ? iret_end : stub_end, iret ? sizeof(iret_end) : sizeof(stub_end));
    }
}
