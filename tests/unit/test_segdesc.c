/*
 * mm/segdesc.c: which segment descriptors a guest may have, and how they are changed. Descriptors
 * are built from their fields here (SDM vol. 3, figures 3-8 and 5-8), and so are the expected ones.
 */
#include "unit.h"
#include "lib/types.h"
#include "mm/segdesc.h"

/* A code or data segment (system false) or a system descriptor; base and limit as given. */
static u64 segment(unsigned type, bool code_or_data, unsigned dpl, bool present, u32 base,
                   u32 limit)
{
    u64 d = limit & 0xffff;

    d |= (u64)(base & 0xffffff) << 16;
    d |= (u64)type << 40;
    d |= (u64)code_or_data << 44;
    d |= (u64)dpl << 45;
    d |= (u64)present << 47;
    d |= (u64)(limit >> 16) << 48;
    d |= (u64)(base >> 24) << 56;
    return d;
}

static u64 call_gate(u16 selector, u32 offset, unsigned dpl, u8 reserved)
{
    return (offset & 0xffff) | (u64)selector << 16 | (u64)reserved << 32 | (u64)0xc << 40 |
           (u64)dpl << 45 | 1UL << 47 | (u64)(offset >> 16) << 48;
}

START_TEST(test_not_present)
{
    for (unsigned type = 0; type < 16; type++)
        for (unsigned dpl = 0; dpl < 4; dpl++)
            for (unsigned s = 0; s < 2; s++) {
                u64 d = segment(type, s, dpl, false, 0x12345678, 0xabcde), before = d;

                ck_assert(segdesc_check(&d));
                ck_assert_uint_eq(d, before);
            }
}
END_TEST

START_TEST(test_code_and_data)
{
    for (unsigned type = 0; type < 16; type++)
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            u64 d = segment(type, true, dpl, true, 0xffff0000, 0xfffff) | 5UL << 53;

            ck_assert(segdesc_check(&d));
            ck_assert_uint_eq(d, segment(type, true, 3, true, 0xffff0000, 0xfffff) | 5UL << 53);
        }
}
END_TEST

START_TEST(test_system)
{
    /*
     * All but 0 (reserved) and 12 (call gate): LDT 2, TSS 9 and 11, interrupt gate 14, trap gate 15
     * and the reserved ones.
     */
    for (unsigned type = 1; type < 16; type++)
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            u64 d = segment(type, false, dpl, true, 0, 0);

            if (type != 12)
                ck_assert_msg(!segdesc_check(&d), "system type %u with DPL %u accepted", type, dpl);
        }
}
END_TEST

START_TEST(test_type_0)
{
    u64 d = segment(0, false, 1, true, 0x1000, 0);

    ck_assert(segdesc_check(&d));
    ck_assert_uint_eq(d, segment(0, false, 3, true, 0x1000, 0));
}
END_TEST

struct gate_case {
    u16 selector;
    u8 reserved;
    bool accepted;
};

static const struct gate_case gates[] = {
    { 0x0008, 0, true },     /* the guest's own GDT */
    { 0xdffb, 0, true },     /* its last entry: 7167 */
    { 0xe000, 0, false },    /* the first of the hypervisor's */
    { 0xe008, 0, false },    /* the hypervisor's own code segment */
    { 0xe033, 0, true },     /* flat 64-bit code for guests */
    { 0xe030, 0, false },    /* the same with RPL 0 */
    { 0xe023, 0, false },    /* flat 32-bit code: not for gates */
    { 0xe038, 0, false },    /* the TSS */
    { 0x0004, 0, true },     /* LDT */
    { 0xe00c, 0, true },     /* LDT, high index */
    { 0x0008, 0x01, false }, /* reserved bits */
    { 0x0008, 0x1f, false }, { 0x0008, 0x80, false },
};

START_TEST(test_call_gates)
{
    const struct gate_case *c = &gates[_i];

    for (unsigned dpl = 0; dpl < 4; dpl++) {
        u64 d = call_gate(c->selector, 0x12345678, dpl, c->reserved);

        ck_assert_int_eq(segdesc_check(&d), c->accepted);
        if (c->accepted) /* disarmed: DPL 0 */
            ck_assert_uint_eq(d, call_gate(c->selector | 3, 0x12345678, 0, 0));
    }
}
END_TEST

START_TEST(test_page)
{
    static u64 table[512];

    ck_assert(segdesc_check_page(table));
    table[0] = segment(11, true, 0, true, 0, 0xfffff);
    table[511] = segment(3, true, 0, true, 0, 0xfffff);
    ck_assert(segdesc_check_page(table));
    ck_assert_uint_eq(table[0], segment(11, true, 3, true, 0, 0xfffff));
    ck_assert_uint_eq(table[511], segment(3, true, 3, true, 0, 0xfffff));
    table[511] = segment(9, false, 3, true, 0, 0x67); /* a TSS in the last place */
    ck_assert(!segdesc_check_page(table));
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_not_present);
    tcase_add_test(tests, test_code_and_data);
    tcase_add_test(tests, test_system);
    tcase_add_test(tests, test_type_0);
    tcase_add_loop_test(tests, test_call_gates, 0, ARRAY_SIZE(gates));
    tcase_add_test(tests, test_page);
}
