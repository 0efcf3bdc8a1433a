/*
 * x86/acpi.c: tables laid out as the ACPI specification (6.5, 5.2.5 to 5.2.12) has them, in a
 * machine memory of 64 KiB, and the same with what firmware gets wrong. The reader may only touch
 * what it has asked for through reach().
 */
#include <string.h>

#include "unit.h"
#include "x86/acpi.h"

#define MEMORY_SIZE 0x10000
#define RSDT        0x1000
#define XSDT        0x2000
#define MADT        0x3000
#define FADT        0x8000

static u8 memory[MEMORY_SIZE];
static u8 rsdp[36];
static u32 rsdp_size;
static struct acpi_info info;

static const void *reach(u64 address, u64 size)
{
    if (address == 0 || address >= MEMORY_SIZE || size > MEMORY_SIZE - address)
        return NULL;
    return memory + address;
}

static u8 sum(const u8 *bytes, size_t size)
{
    u8 total = 0;

    for (size_t i = 0; i < size; i++)
        total += bytes[i];
    return total;
}

static void put32(u8 *at, u32 value)
{
    memcpy(at, &value, 4);
}

/* Byte 9 of a table makes its bytes sum to 0. */
static void seal(u32 at)
{
    u32 length;

    memcpy(&length, memory + at + 4, 4);
    memory[at + 9] = 0;
    memory[at + 9] = -sum(memory + at, length);
}

static void table(u32 at, const char *signature, u32 length)
{
    memset(memory + at, 0, length);
    memcpy(memory + at, signature, 4);
    put32(memory + at + 4, length);
    seal(at);
}

static void add_to_madt(const u8 *entry, u32 size)
{
    u32 length;

    memcpy(&length, memory + MADT + 4, 4);
    memcpy(memory + MADT + length, entry, size);
    put32(memory + MADT + 4, length + size);
    seal(MADT);
}

static void add_cpu(u8 apic_id, u8 flags)
{
    u8 entry[8] = { 0, 8, 0, apic_id, flags };

    add_to_madt(entry, sizeof(entry));
}

static void add_x2apic(u32 apic_id, u8 flags)
{
    u8 entry[16] = { 9, 16 };

    put32(entry + 4, apic_id);
    entry[8] = flags;
    add_to_madt(entry, sizeof(entry));
}

static void add_io_apic(u32 address)
{
    u8 entry[12] = { 1, 12 };

    put32(entry + 4, address);
    add_to_madt(entry, sizeof(entry));
}

static void make_rsdp(u8 revision, u32 rsdt, u64 xsdt)
{
    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    put32(rsdp + 16, rsdt);
    rsdp[8] = -sum(rsdp, 20);
    rsdp_size = 20;
    if (revision >= 2) {
        put32(rsdp + 20, 36);
        memcpy(rsdp + 24, &xsdt, 8);
        rsdp[32] = -sum(rsdp, 36);
        rsdp_size = 36;
    }
}

/* An ACPI 1.0 machine: an RSDT with a MADT and a FADT whose timer is at port 0x608. */
static void make_machine(void)
{
    memset(memory, 0xcc, sizeof(memory));
    make_rsdp(0, RSDT, 0);
    table(RSDT, "RSDT", 36 + 8);
    put32(memory + RSDT + 36, MADT);
    put32(memory + RSDT + 40, FADT);
    seal(RSDT);
    table(MADT, "APIC", 44);
    table(FADT, "FACP", 116);
    put32(memory + FADT + 76, 0x608);
    seal(FADT);
}

static void read_tables(void)
{
    acpi_read(rsdp, rsdp_size, reach, &info);
}

START_TEST(cpus_io_apics_and_the_timer)
{
    make_machine();
    add_cpu(0, 1);
    add_cpu(2, 1);
    add_cpu(5, 0); /* not enabled */
    add_io_apic(0xfec00000);
    add_cpu(4, 1);
    read_tables();
    ck_assert_ptr_null(info.problem);
    ck_assert_uint_eq(info.nr_cpus, 3);
    ck_assert_uint_eq(info.apic_ids[0], 0);
    ck_assert_uint_eq(info.apic_ids[1], 2);
    ck_assert_uint_eq(info.apic_ids[2], 4);
    ck_assert_uint_eq(info.nr_io_apics, 1);
    ck_assert_uint_eq(info.io_apics[0].address, 0xfec00000);
    ck_assert_uint_eq(info.pm_timer, 0x608);
}
END_TEST

START_TEST(the_same_cpu_twice_is_one)
{
    make_machine();
    add_cpu(1, 1);
    add_x2apic(1, 1);
    add_x2apic(0x12345, 1);
    add_x2apic(0x12346, 0);
    read_tables();
    ck_assert_uint_eq(info.nr_cpus, 2);
    ck_assert_uint_eq(info.apic_ids[1], 0x12345);
}
END_TEST

START_TEST(an_xsdt_wins)
{
    u64 address = MADT;

    make_machine();
    add_cpu(7, 1);
    table(XSDT, "XSDT", 36 + 8);
    memcpy(memory + XSDT + 36, &address, 8);
    seal(XSDT);
    make_rsdp(2, RSDT, XSDT);
    read_tables();
    ck_assert_uint_eq(info.nr_cpus, 1);
    ck_assert_uint_eq(info.pm_timer, 0); /* only the RSDT leads to it */
}
END_TEST

START_TEST(a_damaged_xsdt_leaves_the_rsdt)
{
    make_machine();
    add_cpu(7, 1);
    table(XSDT, "XSDT", 36);
    memory[XSDT + 9]++;
    make_rsdp(2, RSDT, XSDT);
    read_tables();
    ck_assert_uint_eq(info.nr_cpus, 1);
    ck_assert_uint_eq(info.pm_timer, 0x608);
    make_rsdp(2, RSDT, 0x123456789000); /* out of reach */
    read_tables();
    ck_assert_uint_eq(info.nr_cpus, 1);
}
END_TEST

START_TEST(no_root_pointer)
{
    acpi_read(NULL, 0, reach, &info);
    ck_assert_ptr_nonnull(info.problem);
    make_machine();
    rsdp[8]++;
    read_tables();
    ck_assert_ptr_nonnull(info.problem);
    make_machine();
    rsdp_size = 19;
    read_tables();
    ck_assert_ptr_nonnull(info.problem);
    ck_assert_uint_eq(info.nr_cpus, 0);
}
END_TEST

START_TEST(a_damaged_table_is_left_out)
{
    make_machine();
    add_cpu(0, 1);
    memory[MADT + 9]++;
    read_tables();
    ck_assert_ptr_nonnull(info.problem);
    ck_assert_uint_eq(info.nr_cpus, 0);
    ck_assert_uint_eq(info.pm_timer, 0x608);
}
END_TEST

START_TEST(lengths_that_lead_nowhere)
{
    static const u32 lengths[] = { 0, 1, 35, MEMORY_SIZE, 0xfffffff0 };

    for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
        make_machine();
        add_cpu(0, 1);
        put32(memory + MADT + 4, lengths[i]);
        read_tables();
        ck_assert_uint_eq(info.nr_cpus, 0);
        put32(memory + RSDT + 4, lengths[i]);
        read_tables();
        ck_assert_ptr_nonnull(info.problem);
    }
}
END_TEST

START_TEST(entries_that_lead_nowhere)
{
    static const u8 bad[][2] = { { 0, 0 }, { 0, 1 }, { 0, 200 }, { 9, 8 }, { 0, 2 } };

    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        make_machine();
        add_cpu(3, 1);
        add_to_madt(bad[i], 2);
        read_tables();
        ck_assert_uint_eq(info.nr_cpus, 1);
    }
}
END_TEST

START_TEST(more_cpus_than_there_is_room_for)
{
    make_machine();
    for (u32 i = 0; i < NR_CPUS + 3; i++)
        add_x2apic(i * 2, 1);
    read_tables();
    ck_assert_uint_eq(info.nr_cpus, NR_CPUS);
    ck_assert_uint_eq(info.cpus_lost, 3);
    ck_assert_uint_eq(info.apic_ids[NR_CPUS - 1], (NR_CPUS - 1) * 2);
}
END_TEST

START_TEST(more_io_apics_than_there_is_room_for)
{
    make_machine();
    add_cpu(0, 1);
    for (u32 i = 0; i < ACPI_IO_APICS_MAX + 2; i++)
        add_io_apic(0xfec00000 + i * 0x1000);
    read_tables();
    ck_assert_uint_eq(info.nr_io_apics, ACPI_IO_APICS_MAX);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, cpus_io_apics_and_the_timer);
    tcase_add_test(tests, the_same_cpu_twice_is_one);
    tcase_add_test(tests, an_xsdt_wins);
    tcase_add_test(tests, a_damaged_xsdt_leaves_the_rsdt);
    tcase_add_test(tests, no_root_pointer);
    tcase_add_test(tests, a_damaged_table_is_left_out);
    tcase_add_test(tests, lengths_that_lead_nowhere);
    tcase_add_test(tests, entries_that_lead_nowhere);
    tcase_add_test(tests, more_cpus_than_there_is_room_for);
    tcase_add_test(tests, more_io_apics_than_there_is_room_for);
}
