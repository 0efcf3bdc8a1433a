/*
 * HYPERVISOR_physdev_op(cmd, arg): real interrupts, ports and PCI devices. An unprivileged guest asks for its I/O privilege
 * level at most. Source: Xen's public physdev.h.
 */
#ifndef KOAN_ABI_PHYSDEV_H
#define KOAN_ABI_PHYSDEV_H

#include "lib/types.h"

#define PHYSDEVOP_irq_status_query   5
#define PHYSDEVOP_set_iopl           6
#define PHYSDEVOP_set_iobitmap       7
#define PHYSDEVOP_apic_read          8
#define PHYSDEVOP_apic_write         9
#define PHYSDEVOP_alloc_irq_vector   10
#define PHYSDEVOP_free_irq_vector    11
#define PHYSDEVOP_eoi                12
#define PHYSDEVOP_map_pirq           13
#define PHYSDEVOP_unmap_pirq         14
#define PHYSDEVOP_manage_pci_add     15
#define PHYSDEVOP_manage_pci_remove  16
#define PHYSDEVOP_pirq_eoi_gmfn_v1   17
#define PHYSDEVOP_setup_gsi          21
#define PHYSDEVOP_get_free_pirq      23
#define PHYSDEVOP_pci_mmcfg_reserved 24
#define PHYSDEVOP_pci_device_add     25
#define PHYSDEVOP_pci_device_remove  26
#define PHYSDEVOP_pirq_eoi_gmfn_v2   28

struct physdev_irq_status_query {
    u32 irq;
    u32 flags; /* out: XENIRQSTAT_* */
};
static_assert(sizeof(struct physdev_irq_status_query) == 8, "ABI");

#define XENIRQSTAT_needs_eoi 0x1
#define XENIRQSTAT_shared    0x2

struct physdev_set_iopl {
    u32 iopl; /* 0..3, for this vCPU; virtual: the real one stays 0 */
};
static_assert(sizeof(struct physdev_set_iopl) == 4, "ABI");

struct physdev_set_iobitmap {
    u64 bitmap; /* address of bits: 0 lets user mode use the port */
    u32 nr_ports;
};
static_assert(sizeof(struct physdev_set_iobitmap) == 16, "ABI");

struct physdev_apic {
    u64 apic_physbase; /* which I/O APIC */
    u32 reg;
    u32 value; /* in or out */
};
static_assert(sizeof(struct physdev_apic) == 16, "ABI");

struct physdev_irq {
    u32 irq;
    u32 vector; /* in or out */
};
static_assert(sizeof(struct physdev_irq) == 8, "ABI");

struct physdev_eoi {
    u32 irq;
};

/* Argument of the older call 19, which NetBSD uses: the command comes inside. */
struct physdev_op {
    u32 cmd;
    union {
        struct physdev_irq_status_query irq_status_query;
        struct physdev_set_iopl set_iopl;
        struct physdev_set_iobitmap set_iobitmap;
        struct physdev_apic apic_op;
        struct physdev_irq irq_op;
    } u;
};
static_assert(sizeof(struct physdev_op) == 24, "ABI");
static_assert(offsetof(struct physdev_op, u) == 8, "ABI");

#endif
