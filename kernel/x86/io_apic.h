/*
 * I/O APICs: which CPU is interrupted by which vector when a device raises its line (82093AA data sheet, 3.2). Each has some inputs;
 * all inputs of the machine are numbered through as global system interrupts (GSI).
 *
 * Device interrupts have vectors of their own, below those of the hypervisor: so timer, kicks and flushes come even while one of them
 * is not ended. Their handler touches no I/O APIC: it notes the vector for this CPU and sets WORK_PIRQ. An edge is ended at once. A level
 * is ended by io_apic_end_levels(), after whoever took it from io_apic_take() has masked the input: until then it could only come again.
 *
 * Registers are reached in two steps, select and data. The caller of all but the last three functions holds the lock of domain/pirq.c.
 */
#ifndef KOAN_X86_IO_APIC_H
#define KOAN_X86_IO_APIC_H

#include "lib/types.h"
#include "x86/acpi.h"

#define DEVICE_VECTOR_FIRST 0x90
#define DEVICE_VECTOR_LAST  0xdf
#define DEVICE_VECTORS      (DEVICE_VECTOR_LAST - DEVICE_VECTOR_FIRST + 1)

struct io_apic_route {
    u8 vector;
    bool level, active_low, masked;
    u32 cpu; /* the host CPU to be interrupted */
};

/* At start-up. Its registers are mapped at `registers`; all its inputs are masked. */
void io_apic_add(const struct acpi_io_apic *io_apic, volatile u32 *registers);

/* Is there an input of that number? */
bool io_apic_has(u32 gsi);

/* The GSI that a redirection register (0x10 and up) of the I/O APIC at a machine address belongs to, or -1. */
s64 io_apic_gsi(u64 address, u32 reg);

/* A register of the I/O APIC at that machine address; false: there is none. */
bool io_apic_read(u64 address, u32 reg, u32 *value);

/* Write a whole entry, or only its mask; the input exists. */
void io_apic_set(u32 gsi, const struct io_apic_route *route);
void io_apic_mask(u32 gsi, bool masked);

/* Interrupt context: a device's vector has come. */
void io_apic_interrupt(u8 vector);

/* A vector that has come to this CPU and was not taken yet, as a number from 0 on; -1: none. */
s32 io_apic_take(void);

/* End the levels that had come to this CPU when io_apic_levels() was asked. */
u32 io_apic_levels(void);
void io_apic_end_levels(u32 count);

#endif
