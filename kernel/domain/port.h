/*
 * The ports of the machine that a domain may reach: none, but for a privileged one the real-time clock's (MC146818). The hypervisor reads that
 * only while it starts. Behind all others is nothing: what is read is all ones, as on a bus where nobody answers, and what is written is lost.
 */
#ifndef KOAN_DOMAIN_PORT_H
#define KOAN_DOMAIN_PORT_H

#include "domain/domain.h"

/* `size` bytes, 1, 2 or 4; only bytes reach a device. */
u64 port_read(const struct domain *d, u16 port, u32 size);
void port_write(const struct domain *d, u16 port, u32 size, u32 value);

#endif
