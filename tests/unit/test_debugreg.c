/*
 * domain/debugreg.c: what a guest may put into its debug registers (SDM vol. 3, 17.2; errors as Xen
 * 4.17's set_debugreg).
 */
#include "unit.h"
#include "abi/errno.h"
#include "domain/debugreg.h"

struct check_case {
    u32 reg;
    u64 value;
    bool accepted;
    u64 stored;
};

#define HYPERVISOR      0xffff800000000000UL
#define AFTER_IT        0xffff880000000000UL
#define LOWER_HALF_LAST 0x00007fffffffffffUL

static const struct check_case cases[] = {
    { 0, 0, true, 0 },
    { 1, LOWER_HALF_LAST, true, LOWER_HALF_LAST },
    { 2, LOWER_HALF_LAST + 1, false, 0 }, /* not canonical */
    { 3, HYPERVISOR - 1, false, 0 },
    { 0, HYPERVISOR, false, 0 },
    { 0, 0xffff818000000000UL, false, 0 },
    { 0, AFTER_IT - 1, false, 0 },
    { 0, AFTER_IT, true, AFTER_IT },
    { 3, ~0UL, true, ~0UL },
    { 6, 0, true, 0xffff0ff0 },          /* bits 4..11 and 16..31 are always 1 */
    { 6, 0xffffffff, true, 0xffffefff }, /* bit 12 always 0 */
    { 6, 0x4001, true, 0xffff4ff1 },
    { 6, 1UL << 32, false, 0 },
    { 7, 0, true, 0x400 },
    { 7, 0x00000101, true, 0x501 },      /* L0 and LE: break on execution at DR0 */
    { 7, 0x000f0303, true, 0x000f0703 }, /* 4 bytes, read or write */
    { 7, 0x0000d800, true, 0x400 },      /* 11, 12, 14, 15 are always 0 */
    { 7, 0x2000, false, 0 },             /* general detect */
    { 7, 0x2401, false, 0 },
    { 7, 0x00020001, false, 0 },         /* a port, in slot 0 */
    { 7, 0x20000001, false, 0 },         /* a port, in slot 3, while another is on */
    { 7, 0x00020000, true, 0x00020400 }, /* a port, but nothing is switched on */
    { 7, 1UL << 63, false, 0 },
};

START_TEST(test_check)
{
    const struct check_case *c = &cases[_i];
    u64 value = c->value;

    ck_assert_int_eq(debugreg_check(c->reg, &value), c->accepted);
    if (c->accepted)
        ck_assert_uint_eq(value, c->stored);
}
END_TEST

START_TEST(test_registers)
{
    static struct vcpu v;
    u64 value;

    v.ctx.debugreg[7] = DR7_RESET; /* nothing is on, so the hardware is left alone */
    ck_assert_int_eq(debugreg_set(&v, 2, 0x1000), 0);
    ck_assert(debugreg_get(&v, 2, &value));
    ck_assert_uint_eq(value, 0x1000);
    ck_assert_int_eq(debugreg_set(&v, 2, HYPERVISOR), -XEN_EPERM);
    ck_assert(debugreg_get(&v, 2, &value));
    ck_assert_uint_eq(value, 0x1000);

    ck_assert_int_eq(debugreg_set(&v, 4, 1), 0); /* another name of DR6 */
    ck_assert(debugreg_get(&v, 6, &value));
    ck_assert_uint_eq(value, 0xffff0ff1);
    ck_assert(debugreg_get(&v, 5, &value)); /* and of DR7 */
    ck_assert_uint_eq(value, 0x400);

    ck_assert_int_eq(debugreg_set(&v, 8, 0), -XEN_ENODEV);
    ck_assert_int_eq(debugreg_set(&v, ~0U, 0), -XEN_ENODEV);
    ck_assert(!debugreg_get(&v, 8, &value));
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_loop_test(tests, test_check, 0, ARRAY_SIZE(cases));
    tcase_add_test(tests, test_registers);
}
