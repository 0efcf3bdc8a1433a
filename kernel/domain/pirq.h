/*
 * Physical interrupts of privileged domains: an input of an I/O APIC becomes an event.
 *
 * A domain maps a line, which gives it a number in that domain (the PIRQ), and binds the number to a port. From then on each interrupt raises
 * the port. A level-triggered line is masked from its interrupt until the guest says that it has looked (PHYSDEVOP_eoi), or the device would
 * interrupt without end. An edge needs no end; when more of them come than any device means well with, the line is masked until the next
 * tick. A line belongs to one domain at a time. It follows the vCPU that its port is bound to: each interrupt that finds it on another
 * CPU sends the next one there.
 *
 * A line is named as ACPI and Xen do: an ISA interrupt below 16, wherever the firmware says it is wired, else a global system interrupt. The timer's
 * (0) and the cascade's (2) are nobody's.
 *
 * All functions take the lock of the lines, LOCK_PIRQ. Those that return s64 return 0 or -XEN_E*.
 */
#ifndef KOAN_DOMAIN_PIRQ_H
#define KOAN_DOMAIN_PIRQ_H

#include "domain/domain.h"
#include "x86/acpi.h"

/* At start-up, when the I/O APICs are known. */
void pirq_init(const struct acpi_info *acpi);

/* Give the line to the domain. *pirq: the number that it is to have, or -1 for any; out. */
s64 pirq_map(struct domain *d, u32 irq, s32 *pirq);
s64 pirq_unmap(struct domain *d, u32 pirq);

/* How the line is wired. -XEN_EEXIST: somebody has said so already. */
s64 pirq_set_up(u32 irq, bool level, bool active_low);

/* What an older kernel writes into, and reads from, the I/O APIC at a machine address. */
s64 pirq_apic_write(struct domain *d, u64 address, u32 reg, u32 value);
s64 pirq_apic_read(u64 address, u32 reg, u32 *value);

/* The number gets a port, whose domain's event lock is held; and loses it, likewise. */
s64 pirq_bind(struct domain *d, u32 pirq, u32 port);
void pirq_unbind(struct domain *d, u32 pirq, u32 port);

/* The guest has looked at the device. -XEN_EINVAL: it has no such number. */
s64 pirq_end(struct domain *d, u32 pirq);

/* From now on the page tells which numbers want an end; the caller has a reference for it. */
void pirq_tell_ends(struct domain *d, mfn_t page);

/* The domain ends, and its ports are closed: all its lines become free. */
void pirq_release(struct domain *d);

/* On the way out, after WORK_PIRQ: raise what has come to this CPU. And at each tick of the boot CPU. */
void pirq_deliver(void);
void pirq_tick(void);

#endif
