/*
 * Device memory: machine frames that are no RAM, which a privileged domain may map.
 *
 * Its own devices the hypervisor keeps: local APIC, IO-APIC, HPET and the like are registered here at boot. Frames beyond the CPU's
 * physical addresses don't exist: an entry that names one has a reserved bit set and would fault (SDM vol. 3, 4.7).
 */
#ifndef KOAN_MM_DEVICE_H
#define KOAN_MM_DEVICE_H

#include "mm/addr.h"

/* Boot: physical addresses have so many bits (CPUID 0x80000008). */
void device_init(unsigned int physical_bits);

/* Boot: no guest may map these. */
void device_reserve(mfn_t first, u64 count);

/* May a privileged domain map this frame, which is not RAM? */
bool device_allowed(mfn_t mfn);

#endif
