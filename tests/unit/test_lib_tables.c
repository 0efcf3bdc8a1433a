/* lib/bitmap.h against a plain array of bools, and lib/list.h against an array of numbers. */
#include <stdlib.h>

#include "unit.h"
#include "lib/bitmap.h"
#include "lib/list.h"

#define BITS 200

static void check_bitmap(const u64 *map, const bool *model)
{
    size_t count = 0;

    for (size_t from = 0; from <= BITS; from++) {
        size_t set = from, clear = from;

        while (set < BITS && !model[set])
            set++;
        while (clear < BITS && model[clear])
            clear++;
        ck_assert_uint_eq(bitmap_next_set(map, BITS, from), set);
        ck_assert_uint_eq(bitmap_find(map, BITS, from, false), clear);
        if (from < BITS)
            ck_assert_int_eq(bitmap_test(map, from), model[from]);
        count += from < BITS && model[from];
    }
    ck_assert_uint_eq(bitmap_count(map, BITS), count);
    ck_assert_int_eq(bitmap_empty(map, BITS), count == 0);
}

START_TEST(test_bitmap_random)
{
    u64 map[BITMAP_WORDS(BITS)] = { 0 };
    bool model[BITS] = { false };

    srand(7);
    check_bitmap(map, model);
    for (int round = 0; round < 600; round++) {
        size_t bit = (size_t)rand() % BITS;

        switch (rand() % 4) {
        case 0:
            bitmap_clear(map, bit);
            model[bit] = false;
            break;
        case 1:
            bitmap_set(map, bit);
            model[bit] = true;
            break;
        case 2:
            ck_assert_int_eq(bitmap_set_atomic(map, bit), model[bit]);
            model[bit] = true;
            break;
        default:
            ck_assert_int_eq(bitmap_clear_atomic(map, bit), model[bit]);
            model[bit] = false;
        }
        check_bitmap(map, model);
    }
}
END_TEST

/* Bits behind the map's length are not its own: a search must never return one. */
START_TEST(test_bitmap_end)
{
    u64 map[2] = { 0, ~0UL << 6 };

    ck_assert_uint_eq(bitmap_first_set(map, 70), 70);
    ck_assert_uint_eq(bitmap_first_set(map, 71), 70);
    map[0] = ~0UL;
    map[1] = 0x3f;
    ck_assert_uint_eq(bitmap_first_clear(map, 70), 70);
    ck_assert_uint_eq(bitmap_first_clear(map, 71), 70);
    ck_assert_uint_eq(bitmap_first_set(map, 0), 0);
}
END_TEST

struct item {
    int number;
    struct list link;
};

static void check_list(struct list *head, const int *numbers, int count)
{
    struct item *item;
    int i = 0;

    list_for_each_entry(item, head, link)
    {
        ck_assert_int_lt(i, count);
        ck_assert_int_eq(item->number, numbers[i]);
        i++;
    }
    ck_assert_int_eq(i, count);
    ck_assert_int_eq(list_empty(head), count == 0);
}

START_TEST(test_list)
{
    struct list head = LIST_INIT(head);
    struct item items[5];
    struct item *item, *spare;

    check_list(&head, NULL, 0);
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        if (i % 2)
            list_add_front(&head, &items[i].link);
        else
            list_add_back(&head, &items[i].link);
    }
    check_list(&head, (int[]){ 3, 1, 0, 2, 4 }, 5);
    ck_assert_int_eq(list_first_entry(&head, struct item, link)->number, 3);
    list_remove(&items[0].link);
    list_remove(&items[0].link); /* harmless */
    check_list(&head, (int[]){ 3, 1, 2, 4 }, 4);
    list_for_each_entry_safe(item, spare, &head, link) if (item->number > 2)
        list_remove(&item->link);
    check_list(&head, (int[]){ 1, 2 }, 2);
    list_remove(&items[1].link);
    list_remove(&items[2].link);
    check_list(&head, NULL, 0);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_bitmap_random);
    tcase_add_test(tests, test_bitmap_end);
    tcase_add_test(tests, test_list);
}
