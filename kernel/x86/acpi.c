/*
 * Reading ACPI's tables: see acpi.h. Pure but for `reach`, so that the tests can feed it tables of
 * their own.
 */
#include "x86/acpi.h"

#include "lib/string.h"

#define TABLE_MAX MIB(1) /* longer than any real table that is read here */

struct PACKED rsdp {
    char signature[8]; /* "RSD PTR " */
    u8 checksum;       /* of the first 20 bytes */
    char oem[6];
    u8 revision; /* 2 and up: the rest is there */
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum; /* of all */
    u8 reserved[3];
};
#define RSDP_OLD_SIZE 20

struct PACKED table {
    char signature[4];
    u32 length; /* of all, with this head */
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};

struct PACKED madt {
    struct table head;
    u32 apic_address, flags;
};

struct PACKED madt_entry {
    u8 type, length;
};
#define MADT_CPU      0
#define MADT_IO_APIC  1
#define MADT_OVERRIDE 2
#define MADT_CPU_X2   9
#define MADT_ENABLED  BIT(0)
#define FADT_PM_TIMER 76 /* offset of the 32-bit I/O port */

typedef const void *reach_fn(u64 address, u64 size);

static bool sums_to_zero(const void *data, size_t length)
{
    const u8 *bytes = data;
    u8 sum = 0;

    while (length--)
        sum += *bytes++;
    return sum == 0;
}

static u32 read32(const void *p)
{
    u32 value;

    memcpy(&value, p, sizeof(value));
    return value;
}

/* The whole table at an address, if it is one. */
static const struct table *reach_table(u64 address, reach_fn *reach)
{
    const struct table *t = reach(address, sizeof(*t));
    u32 length;

    if (!t)
        return NULL;
    length = t->length;
    if (length < sizeof(*t) || length > TABLE_MAX)
        return NULL;
    t = reach(address, length);
    return t && sums_to_zero(t, length) ? t : NULL;
}

/* The table of tables: its entries have 8 bytes in an XSDT, 4 in an RSDT. */
static const struct table *reach_root(const struct rsdp *rsdp, u32 length, reach_fn *reach,
                                      u32 *entry_size)
{
    const struct table *t = NULL;

    *entry_size = 8;
    if (rsdp->revision >= 2 && length >= sizeof(*rsdp) && rsdp->xsdt)
        t = reach_table(rsdp->xsdt, reach);
    if (t && !memcmp(t->signature, "XSDT", 4))
        return t;
    *entry_size = 4;
    t = reach_table(rsdp->rsdt, reach);
    return t && !memcmp(t->signature, "RSDT", 4) ? t : NULL;
}

static void add_cpu(struct acpi_info *out, u32 id)
{
    for (u32 i = 0; i < out->nr_cpus; i++)
        if (out->apic_ids[i] == id)
            return;
    if (out->nr_cpus == NR_CPUS)
        out->cpus_lost++;
    else
        out->apic_ids[out->nr_cpus++] = id;
}

static void add_io_apic(struct acpi_info *out, u64 address, u32 first_gsi)
{
    if (out->nr_io_apics < ACPI_IO_APICS_MAX)
        out->io_apics[out->nr_io_apics++] = (struct acpi_io_apic){ address, first_gsi };
}

/* Flags, 5.2.12.5: polarity in bits 0 and 1, 3 is active low; trigger in bits 2 and 3, 3 is level. 0: as the bus has it. */
static void add_override(struct acpi_info *out, u8 irq, u32 gsi, u8 flags)
{
    if (irq < ISA_IRQS)
        out->isa_irqs[irq] = (struct acpi_isa_irq){ gsi, (flags >> 2 & 3) == 3, (flags & 3) == 3 };
}

/* One entry of the MADT (ACPI 5.2.12.2, .3, .5, .12), `e->length` bytes of it readable. */
static void read_madt_entry(const struct madt_entry *e, struct acpi_info *out)
{
    const u8 *bytes = (const u8 *)e;

    if (e->type == MADT_CPU && e->length >= 8 && read32(bytes + 4) & MADT_ENABLED)
        add_cpu(out, bytes[3]);
    if (e->type == MADT_CPU_X2 && e->length >= 16 && read32(bytes + 8) & MADT_ENABLED)
        add_cpu(out, read32(bytes + 4));
    if (e->type == MADT_IO_APIC && e->length >= 12)
        add_io_apic(out, read32(bytes + 4), read32(bytes + 8));
    if (e->type == MADT_OVERRIDE && e->length >= 10)
        add_override(out, bytes[3], read32(bytes + 4), bytes[8]);
}

static void read_madt(const struct table *t, struct acpi_info *out)
{
    const u8 *at = (const u8 *)t + sizeof(struct madt), *end = (const u8 *)t + t->length;

    while (at + sizeof(struct madt_entry) <= end) {
        const struct madt_entry *e = (const struct madt_entry *)at;

        if (e->length < sizeof(*e) || e->length > end - at)
            return;
        read_madt_entry(e, out);
        at += e->length;
    }
}

static void read_table(u64 address, reach_fn *reach, struct acpi_info *out)
{
    const struct table *t = reach_table(address, reach);

    if (!t)
        return;
    if (!memcmp(t->signature, "APIC", 4))
        read_madt(t, out);
    if (!memcmp(t->signature, "FACP", 4) && t->length >= FADT_PM_TIMER + 4 &&
        read32((const u8 *)t + FADT_PM_TIMER) < 0x10000)
        out->pm_timer = read32((const u8 *)t + FADT_PM_TIMER);
}

static const char *check_rsdp(const struct rsdp *rsdp, u32 length)
{
    if (!rsdp)
        return "the loader passed no root pointer";
    if (length < RSDP_OLD_SIZE || memcmp(rsdp->signature, "RSD PTR ", 8) ||
        !sums_to_zero(rsdp, RSDP_OLD_SIZE))
        return "the root pointer is damaged";
    return NULL;
}

void acpi_read(const void *root, u32 length, reach_fn *reach, struct acpi_info *out)
{
    const struct table *t;
    u32 size;

    memset(out, 0, sizeof(*out));
    for (u32 i = 0; i < ISA_IRQS; i++)
        out->isa_irqs[i].gsi = i;
    out->problem = check_rsdp(root, length);
    if (out->problem)
        return;
    t = reach_root(root, length, reach, &size);
    if (!t) {
        out->problem = "the table of tables is missing or damaged";
        return;
    }
    for (u32 at = sizeof(*t); at + size <= t->length; at += size) {
        u64 address = 0;

        memcpy(&address, (const u8 *)t + at, size);
        read_table(address, reach, out);
    }
    if (!out->nr_cpus)
        out->problem = "no table of CPUs (MADT)";
}
