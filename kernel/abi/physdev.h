/*
 * HYPERVISOR_physdev_op(cmd, arg): real interrupts, ports and PCI devices. An unprivileged guest asks for its I/O privilege
 * level at most. A privileged one is given interrupt lines: newer kernels map a line (map_pirq) and say how it is wired
 * (setup_gsi), older ones write the I/O APIC's entry (alloc_irq_vector, apic_write). Source: Xen's public physdev.h.
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

#define MAP_PIRQ_TYPE_MSI       0
#define MAP_PIRQ_TYPE_GSI       1
#define MAP_PIRQ_TYPE_MSI_SEG   3
#define MAP_PIRQ_TYPE_MULTI_MSI 4

struct physdev_map_pirq {
    u16 domid;
    s32 type;
    s32 index; /* the line */
    s32 pirq;  /* in: the number that it is to have, or -1: any; out */
    s32 bus;
    s32 devfn;
    s32 entry_nr;
    u64 table_base;
};
static_assert(sizeof(struct physdev_map_pirq) == 40, "ABI");

struct physdev_unmap_pirq {
    u16 domid;
    s32 pirq;
};
static_assert(sizeof(struct physdev_unmap_pirq) == 8, "ABI");

struct physdev_setup_gsi {
    s32 gsi;
    u8 triggering; /* 0 edge, 1 level */
    u8 polarity;   /* 0 active high, 1 active low */
};
static_assert(sizeof(struct physdev_setup_gsi) == 8, "ABI");

/* A page of bits, one for each number: set where an interrupt wants its end. v1: the end unmasks the port, too. */
struct physdev_pirq_eoi_gmfn {
    u64 gmfn;
};
static_assert(sizeof(struct physdev_pirq_eoi_gmfn) == 8, "ABI");

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
