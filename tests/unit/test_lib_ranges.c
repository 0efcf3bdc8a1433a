/*
 * lib/ranges.c against a model: an array with a flag for every unit of a small address space. What the list says must
 * be what the array says, and the list must be sorted, with gaps.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "lib/ranges.h"

enum { SPACE = 400 };

static struct range_list list;
static bool model[SPACE];

static void set_model(u64 start, u64 end, bool value)
{
    for (u64 i = start; i < end && i < SPACE; i++)
        model[i] = value;
}

static void compare(void)
{
    u64 at = 0, total = 0;

    for (u32 i = 0; i < list.count; i++) {
        ck_assert_uint_lt(list.range[i].start, list.range[i].end);
        if (i)
            ck_assert_uint_lt(list.range[i - 1].end, list.range[i].start);
        for (; at < list.range[i].start; at++)
            ck_assert(!model[at]);
        for (; at < list.range[i].end; at++, total++)
            ck_assert(model[at]);
    }
    for (; at < SPACE; at++)
        ck_assert(!model[at]);
    ck_assert_uint_eq(ranges_total(&list), total);
}

START_TEST(test_add_and_subtract)
{
    srand(3);
    memset(&list, 0, sizeof(list));
    memset(model, 0, sizeof(model));
    for (int round = 0; round < 3000; round++) {
        u64 start = (u64)rand() % SPACE, end = start + (u64)rand() % 20;
        bool add = rand() % 2;

        end = min(end, (u64)SPACE);
        if (add)
            ranges_add(&list, start, end);
        else
            ranges_subtract(&list, start, end);
        set_model(start, end, add);
        compare();
    }
    ck_assert_uint_eq(list.lost, 0);
}
END_TEST

START_TEST(test_contain)
{
    memset(&list, 0, sizeof(list));
    ranges_add(&list, 10, 20);
    ranges_add(&list, 30, 40);
    ck_assert(ranges_contain(&list, 10, 20) && ranges_contain(&list, 31, 39));
    ck_assert(!ranges_contain(&list, 9, 20) && !ranges_contain(&list, 10, 21));
    ck_assert(!ranges_contain(&list, 15, 35));
    ranges_add(&list, 20, 30); /* touches both: one range */
    ck_assert_uint_eq(list.count, 1);
    ck_assert(ranges_contain(&list, 10, 40));
}
END_TEST

START_TEST(test_take)
{
    memset(&list, 0, sizeof(list));
    ranges_add(&list, 0x1000, 0x5000);
    ranges_add(&list, 0x10000, 0x20800);
    ck_assert_uint_eq(ranges_take(&list, 0x1000, 0x1000, ~0UL), 0x1f000); /* the highest */
    ck_assert(!ranges_contain(&list, 0x1f000, 0x1f001));
    ck_assert(ranges_contain(&list, 0x20000, 0x20800)); /* the rest behind it stays */
    ck_assert_uint_eq(ranges_take(&list, 0x800, 0x1000, 0x18400), 0x17000); /* below the limit */
    ck_assert_uint_eq(ranges_take(&list, 0x2000, 0x4000, 0x6000), ~0UL);    /* alignment */
    ck_assert_uint_eq(ranges_take(&list, 0x2000, 0x2000, 0x6000), 0x2000);
    ck_assert_uint_eq(ranges_take(&list, 0x100000, 0x1000, ~0UL), ~0UL);
    ck_assert_uint_eq(ranges_take(&list, 0x1000, 0x1000, 0x800), ~0UL); /* limit below the size */
}
END_TEST

/* A full list never claims memory that isn't there, and says how much it had to leave out. */
START_TEST(test_full)
{
    memset(&list, 0, sizeof(list));
    for (u64 i = 0; i < RANGES_MAX; i++)
        ranges_add(&list, i * 100, i * 100 + 50);
    ck_assert_uint_eq(list.count, RANGES_MAX);
    ranges_add(&list, 1000000, 1000007);
    ck_assert_uint_eq(list.lost, 7);
    ck_assert(!ranges_contain(&list, 1000000, 1000001));
    ranges_subtract(&list, 110, 120); /* would leave 100-110 and 120-150: the smaller is given up */
    ck_assert_uint_eq(list.lost, 17);
    ck_assert(!ranges_contain(&list, 100, 110) && ranges_contain(&list, 120, 150));
    ranges_add(&list, 150, 200); /* joins two: there is room again */
    ck_assert_uint_eq(list.count, RANGES_MAX - 1);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_add_and_subtract);
    tcase_add_test(tests, test_contain);
    tcase_add_test(tests, test_take);
    tcase_add_test(tests, test_full);
}
