/*
 * Ports that a domain may reach: see port.h.
 */
#include "domain/port.h"
#include "x86/asm.h"

#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define INDEX_NO_NMI BIT(7) /* the same port's other use: it would keep NMIs from the machine */

static bool reaches(const struct domain *d, u16 port, u32 size)
{
    return d->privileged && size == 1 && (port == RTC_INDEX || port == RTC_DATA);
}

u64 port_read(const struct domain *d, u16 port, u32 size)
{
    return reaches(d, port, size) ? inb(port) : ~0UL;
}

void port_write(const struct domain *d, u16 port, u32 size, u32 value)
{
    if (!reaches(d, port, size))
        return;
    outb(port, port == RTC_INDEX ? value & ~(u32)INDEX_NO_NMI : value);
}
