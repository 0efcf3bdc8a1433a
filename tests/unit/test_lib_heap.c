/*
 * lib/heap.c against a model: an array that is searched from end to end. Equal keys come out in the order of their insertion.
 */
#include <stdlib.h>

#include "unit.h"
#include "lib/heap.h"

enum { NODES = 200 };

struct item {
    struct heap_node node;
    u64 key, order;
    bool in;
};

static struct item items[NODES];
static struct heap heap;
static u64 inserted;

static struct item *model_first(void)
{
    struct item *best = NULL;

    for (int i = 0; i < NODES; i++)
        if (items[i].in && (!best || items[i].key < best->key ||
                            (items[i].key == best->key && items[i].order < best->order)))
            best = &items[i];
    return best;
}

static void compare(void)
{
    struct item *want = model_first();
    struct heap_node *got = heap_first(&heap);

    ck_assert_ptr_eq(got ? heap_entry(got, struct item, node) : NULL, want);
    ck_assert_int_eq(heap_empty(&heap), !want);
}

START_TEST(test_against_model)
{
    srand(5);
    for (int round = 0; round < 100000; round++) {
        struct item *item = &items[rand() % NODES];

        if (rand() % 4 == 0 && !heap_empty(&heap))
            item = heap_entry(heap_first(&heap), struct item, node);
        if (item->in) {
            heap_remove(&heap, &item->node);
        } else {
            item->key = (u64)rand() % 50;
            item->order = inserted++;
            heap_insert(&heap, &item->node, item->key);
        }
        item->in = !item->in;
        compare();
    }
}
END_TEST

/* A list of very many siblings, then all in order: neither recursion nor quadratic time. */
START_TEST(test_many)
{
    enum { MANY = 200000 };
    struct heap big = { 0 };
    struct heap_node *nodes = calloc(MANY, sizeof(*nodes));
    u64 last = 0;

    srand(6);
    heap_insert(&big, &nodes[0], 0);
    for (int i = 1; i < MANY; i++)
        heap_insert(&big, &nodes[i], 1 + (u64)rand());
    for (int i = 0; i < MANY; i++) {
        struct heap_node *n = heap_first(&big);
        ck_assert_uint_ge(n->key, last);
        last = n->key;
        heap_remove(&big, n);
    }
    ck_assert(heap_empty(&big));
    free(nodes);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_against_model);
    tcase_add_test(tests, test_many);
}
