/*
 * domain/pirq.c and x86/io_apic.c on a machine with two I/O APICs, which QEMU's PC doesn't have, and with a device that interrupts without end.
 *
 * An I/O APIC's two registers are words of memory here: what was selected and written last can be seen.
 */
#include <string.h>

#include "unit.h"
#include "abi/errno.h"
#include "domain/domain.h"
#include "domain/event.h"
#include "x86/asm.h"
#include "x86/cpu.h"

#define FIRST_INPUTS  24
#define SECOND_INPUTS 8
#define SECOND_AT     0xfec10000UL
#define PORT          3
#define APIC_ID       0x21
#define ISA_MOVED     5 /* wired to input 6 of the second I/O APIC */
#define ISA_MOVED_GSI 30
#define PCI_GSI       27
#define ANY           (-1)

enum { SELECTED = 0, WRITTEN = 4 }; /* words of an I/O APIC (82093AA data sheet, 3.1) */
enum { MASKED = 1 << 16, LEVEL = 1 << 15, LOW = 1 << 13 };

static struct cpu here = { .apic_id = APIC_ID };
static struct vcpu vcpu;
static struct domain domain, other;
static struct event_port ports[8];
static u32 io_words[2][8], raised, ends;
static bool level_comes;

u8 *host_memory;

#define this_cpu()            (&here)
#define cpu_of(id)            (&here)
#define interrupts_save()     0UL
#define interrupts_restore(f) ((void)(f))
#define arrived               arrived_vectors /* both files have one */
#include "x86/io_apic.c"
#undef arrived
#define raise pirq_raise_port /* the C library has one */
#include "domain/pirq.c"
#undef raise

void apic_end_of_interrupt(void)
{
    ends++;
}

bool apic_is_level(u8 vector)
{
    (void)vector;
    return level_comes;
}

void event_raise_locked(struct domain *d, u32 port)
{
    ck_assert_ptr_eq(d, &domain);
    ck_assert_uint_eq(port, PORT);
    raised++;
}

s64 event_unmask(struct domain *d, u32 port)
{
    (void)d, (void)port;
    return 0;
}

struct domain *domain_hold(u16 domid)
{
    return domid == domain.id ? &domain : NULL;
}

void domain_let_go(struct domain *d)
{
    (void)d;
}

static void setup(void)
{
    struct acpi_info acpi = { .nr_io_apics = 2 };
    struct acpi_io_apic first = { .address = 0xfec00000 },
                        second = { .address = SECOND_AT, .first_gsi = FIRST_INPUTS };

    for (u32 i = 0; i < ISA_IRQS; i++)
        acpi.isa_irqs[i] = (struct acpi_isa_irq){ .gsi = i };
    acpi.isa_irqs[0].gsi = 2; /* as everywhere */
    acpi.isa_irqs[ISA_MOVED] =
        (struct acpi_isa_irq){ .gsi = ISA_MOVED_GSI, .level = true, .active_low = true };
    memset(lines, 0, sizeof(lines));
    memset(slots, 0, sizeof(slots));
    nr_io_apics = bound = raised = ends = 0;
    level_comes = false;
    vcpu = (struct vcpu){ .domain = &domain };
    domain = (struct domain){ .id = 1, .privileged = true, .max_vcpus = 1 };
    domain.pirq_page = INVALID_MFN;
    other = domain;
    other.id = 2;
    domain.vcpus[0] = other.vcpus[0] = &vcpu;
    domain.events.pages[0] = ports;
    domain.events.ports = ARRAY_SIZE(ports);
    memset(ports, 0, sizeof(ports));
    io_words[0][WRITTEN] = (FIRST_INPUTS - 1)
                           << 16; /* where the version says how many inputs there are */
    io_apic_add(&first, io_words[0]);
    io_words[1][WRITTEN] = (SECOND_INPUTS - 1) << 16;
    io_apic_add(&second, io_words[1]);
    pirq_init(&acpi);
}

/* The line has that port. Its vector. */
static u8 bind_line(u32 irq)
{
    s32 pirq = ANY;

    ck_assert_int_eq(pirq_map(&domain, irq, &pirq), 0);
    ports[PORT] = (struct event_port){ .state = EVENT_PIRQ, .pirq = (u16)pirq };
    ck_assert_int_eq(pirq_bind(&domain, (u32)pirq, PORT), 0);
    return (u8)(line_of(&domain, (u32)pirq)->slot - 1 + DEVICE_VECTOR_FIRST);
}

static void interrupt(u8 vector)
{
    io_apic_interrupt(vector);
    pirq_deliver();
}

static bool is_masked(u32 which)
{
    return io_words[which][WRITTEN] & MASKED;
}

/* ---- several I/O APICs ---- */

START_TEST(lines_are_those_of_all_io_apics)
{
    s32 pirq = ANY;

    setup();
    ck_assert_int_eq(pirq_map(&domain, FIRST_INPUTS - 1, &pirq), 0);
    pirq = ANY;
    ck_assert_int_eq(pirq_map(&domain, FIRST_INPUTS, &pirq), 0);
    pirq = ANY;
    ck_assert_int_eq(pirq_map(&domain, FIRST_INPUTS + SECOND_INPUTS - 1, &pirq), 0);
    pirq = ANY;
    ck_assert_int_eq(pirq_map(&domain, FIRST_INPUTS + SECOND_INPUTS, &pirq), -XEN_EINVAL);
}
END_TEST

START_TEST(a_line_of_the_second_is_routed_there)
{
    setup();
    u32 before[2] = { io_words[0][SELECTED], io_words[0][WRITTEN] };
    u8 vector = bind_line(PCI_GSI);

    ck_assert_uint_eq(io_words[0][SELECTED], before[0]);
    ck_assert_uint_eq(io_words[0][WRITTEN], before[1]);
    ck_assert_uint_eq(io_words[1][SELECTED], 0x10 + (PCI_GSI - FIRST_INPUTS) * 2);
    ck_assert_uint_eq(io_words[1][WRITTEN], vector | LEVEL | LOW);
    level_comes = true;
    interrupt(vector);
    ck_assert_uint_eq(raised, 1);
    ck_assert(is_masked(1));
    ck_assert_int_eq(pirq_end(&domain, line_of_gsi(PCI_GSI)->pirq), 0);
    ck_assert(!is_masked(1));
    ck_assert_uint_eq(ends, 1);
}
END_TEST

/* What the firmware has wired elsewhere is reached by its ISA number, and by no other. */
START_TEST(an_isa_interrupt_may_be_wired_to_the_second)
{
    s32 pirq = ANY;

    setup();
    ck_assert_int_eq(pirq_map(&domain, ISA_MOVED_GSI, &pirq), -XEN_EINVAL);
    u8 vector = bind_line(ISA_MOVED);
    ck_assert_uint_eq(io_words[1][SELECTED], 0x10 + (ISA_MOVED_GSI - FIRST_INPUTS) * 2);
    ck_assert_uint_eq(io_words[1][WRITTEN], vector | LEVEL | LOW);
}
END_TEST

START_TEST(an_older_kernel_finds_the_second_by_its_address)
{
    u32 entry = 0x10 + (PCI_GSI - FIRST_INPUTS) * 2;

    setup();
    ck_assert_int_eq(pirq_apic_write(&domain, SECOND_AT, entry, 40), 0);
    ck_assert(line_of(&domain, 40) == &lines[PCI_GSI]);
    ck_assert(!lines[PCI_GSI].level && !lines[PCI_GSI].low);
    ck_assert_int_eq(pirq_apic_write(&domain, SECOND_AT, 0x10 + SECOND_INPUTS * 2, 41),
                     -XEN_EINVAL);
    ck_assert_int_eq(pirq_apic_write(&domain, SECOND_AT + 0x1000, entry, 41), -XEN_EINVAL);
    ck_assert_int_eq(pirq_apic_write(&other, SECOND_AT, entry, 40), -XEN_EBUSY);
}
END_TEST

/* ---- edges without end ---- */

START_TEST(too_many_edges_stop_until_the_tick)
{
    setup();
    lines[7].level = false;
    u8 vector = bind_line(7);

    for (u32 i = 1; i <= EDGES_A_TICK; i++) {
        ck_assert(!is_masked(0));
        interrupt(vector);
        ck_assert_uint_eq(raised, i);
    }
    ck_assert(is_masked(0));
    interrupt(vector); /* was under way */
    ck_assert(is_masked(0));
    raised = 0;
    pirq_tick();
    ck_assert(!is_masked(0));
    ck_assert_uint_eq(raised, 1); /* one may have been lost */
    pirq_tick();
    ck_assert_uint_eq(raised, 1);
    ck_assert_uint_eq(ends, EDGES_A_TICK + 1);
}
END_TEST

START_TEST(as_many_edges_over_several_ticks_are_no_harm)
{
    setup();
    u8 vector = bind_line(7);

    for (u32 i = 0; i < 4 * EDGES_A_TICK; i++) {
        if (i % (EDGES_A_TICK - 1) == 0)
            pirq_tick();
        interrupt(vector);
        ck_assert(!is_masked(0));
    }
    ck_assert_uint_eq(raised, 4 * EDGES_A_TICK);
}
END_TEST

/* ---- ports that are closed late ---- */

/* A number is unmapped while its port is open, and another line gets it: closing the old port leaves that one alone. */
START_TEST(a_port_that_is_left_over_takes_nothing_with_it)
{
    setup();
    bind_line(7);
    u32 pirq = lines[7].pirq;
    s32 again = (s32)pirq;

    ck_assert_int_eq(pirq_unmap(&domain, pirq), 0);
    ck_assert(is_masked(0));
    ck_assert_int_eq(pirq_map(&domain, PCI_GSI, &again), 0);
    ck_assert_int_eq(pirq_bind(&domain, pirq, PORT + 1), 0);
    pirq_unbind(&domain, pirq, PORT);
    ck_assert_uint_eq(lines[PCI_GSI].port, PORT + 1);
    pirq_unbind(&domain, pirq, PORT + 1);
    ck_assert_uint_eq(lines[PCI_GSI].port, 0);
    ck_assert(is_masked(1));
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, lines_are_those_of_all_io_apics);
    tcase_add_test(tests, a_line_of_the_second_is_routed_there);
    tcase_add_test(tests, an_isa_interrupt_may_be_wired_to_the_second);
    tcase_add_test(tests, an_older_kernel_finds_the_second_by_its_address);
    tcase_add_test(tests, too_many_edges_stop_until_the_tick);
    tcase_add_test(tests, as_many_edges_over_several_ticks_are_no_harm);
    tcase_add_test(tests, a_port_that_is_left_over_takes_nothing_with_it);
}
