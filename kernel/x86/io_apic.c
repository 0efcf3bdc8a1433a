/*
 * I/O APICs: see io_apic.h. Register select at 0, data at 16 bytes (82093AA data sheet, 3.1); each input has two registers from 0x10 on.
 */
#include "x86/io_apic.h"

#include "lib/bitmap.h"
#include "lib/panic.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"

#define SELECT       0 /* in words */
#define DATA         4
#define REG_VERSION  1
#define REG_ENTRIES  0x10
#define REG_LAST     0xff
#define ENTRY_LOW    BIT(13) /* active low */
#define ENTRY_LEVEL  BIT(15)
#define ENTRY_MASKED BIT(16)
#define ENTRY_CPU    24 /* shift, in the upper half: an APIC's id of 8 bits */

static struct io_apic {
    volatile u32 *registers;
    u64 address;
    u32 first_gsi, inputs;
} io_apics[ACPI_IO_APICS_MAX]; /* r */
static u32 nr_io_apics;        /* r */

static struct arrived {
    u64 vectors[(DEVICE_VECTORS + 63) / 64]; /* a: changed by this CPU's handler, too */
    u32 levels;                              /* a: likewise; not ended yet */
} arrived[NR_CPUS];                          /* c */

static u32 read_register(const struct io_apic *io, u32 reg)
{
    io->registers[SELECT] = reg;
    return io->registers[DATA];
}

static void write_register(const struct io_apic *io, u32 reg, u32 value)
{
    io->registers[SELECT] = reg;
    io->registers[DATA] = value;
}

void io_apic_add(const struct acpi_io_apic *found, volatile u32 *registers)
{
    struct io_apic *io = &io_apics[nr_io_apics++];

    io->registers = registers;
    io->address = found->address;
    io->first_gsi = found->first_gsi;
    io->inputs = (read_register(io, REG_VERSION) >> 16 & 0xff) + 1;
    for (u32 input = 0; input < io->inputs; input++)
        write_register(io, REG_ENTRIES + input * 2, ENTRY_MASKED);
}

static const struct io_apic *find(u32 gsi)
{
    for (u32 i = 0; i < nr_io_apics; i++)
        if (gsi - io_apics[i].first_gsi < io_apics[i].inputs)
            return &io_apics[i];
    return NULL;
}

static const struct io_apic *find_at(u64 address)
{
    for (u32 i = 0; i < nr_io_apics; i++)
        if (io_apics[i].address == address)
            return &io_apics[i];
    return NULL;
}

bool io_apic_has(u32 gsi)
{
    return find(gsi) != NULL;
}

s64 io_apic_gsi(u64 address, u32 reg)
{
    const struct io_apic *io = find_at(address);

    if (!io || reg < REG_ENTRIES || (reg - REG_ENTRIES) / 2 >= io->inputs)
        return -1;
    return io->first_gsi + (reg - REG_ENTRIES) / 2;
}

bool io_apic_read(u64 address, u32 reg, u32 *value)
{
    const struct io_apic *io = find_at(address);

    if (!io || reg > REG_LAST)
        return false;
    *value = read_register(io, reg);
    return true;
}

/* The upper half first: the entry must not be open while it names the old CPU. */
void io_apic_set(u32 gsi, const struct io_apic_route *route)
{
    const struct io_apic *io = find(gsi);
    u32 reg = REG_ENTRIES + (gsi - io->first_gsi) * 2;
    u32 low =
        route->vector | (route->level ? ENTRY_LEVEL : 0) | (route->active_low ? ENTRY_LOW : 0);

    write_register(io, reg, low | ENTRY_MASKED);
    write_register(io, reg + 1, cpu_of(route->cpu)->apic_id << ENTRY_CPU);
    if (!route->masked)
        write_register(io, reg, low);
}

void io_apic_mask(u32 gsi, bool masked)
{
    const struct io_apic *io = find(gsi);
    u32 reg = REG_ENTRIES + (gsi - io->first_gsi) * 2;
    u32 low = read_register(io, reg);

    write_register(io, reg, masked ? low | ENTRY_MASKED : low & ~(u32)ENTRY_MASKED);
}

/* ---- arriving ---- */

void io_apic_interrupt(u8 vector)
{
    struct arrived *a = &arrived[this_cpu()->id];

    bitmap_set_atomic(a->vectors, vector - DEVICE_VECTOR_FIRST);
    if (apic_is_level(vector))
        a->levels++;
    else
        apic_end_of_interrupt();
}

s32 io_apic_take(void)
{
    struct arrived *a = &arrived[this_cpu()->id];

    for (u32 i = 0; i < DEVICE_VECTORS; i++)
        if (bitmap_clear_atomic(a->vectors, i))
            return (s32)i;
    return -1;
}

u32 io_apic_levels(void)
{
    return __atomic_load_n(&arrived[this_cpu()->id].levels, __ATOMIC_RELAXED);
}

/* An end is of the highest vector in service, whichever that is: they all get theirs. */
void io_apic_end_levels(u32 count)
{
    struct arrived *a = &arrived[this_cpu()->id];
    u64 flags = interrupts_save();

    assert(count <= a->levels);
    a->levels -= count;
    while (count--)
        apic_end_of_interrupt();
    interrupts_restore(flags);
}
