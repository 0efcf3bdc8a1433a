/*
 * A heap of objects by a 64-bit key, smallest first: a pairing heap, whose links stand inside the objects, so that nothing is
 * allocated. Insertion and the look at the first take a few instructions; taking one out costs O(log n) amortized.
 * Of equal keys, the one inserted first comes first.
 *
 * It locks nothing: each user says what protects its own. Source of the method: Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap",
 * Algorithmica 1 (1986).
 */
#ifndef KOAN_LIB_HEAP_H
#define KOAN_LIB_HEAP_H

#include "lib/types.h"

struct heap_node {
    u64 key;
    u64 order;               /* which of equal keys came first */
    struct heap_node *child; /* its first child */
    struct heap_node *next;  /* the sibling behind it */
    struct heap_node
        *prev; /* the sibling before it, or its parent; NULL: the root, or in no heap */
};

struct heap {
    struct heap_node *root;
    u64 count; /* insertions ever, for `order` */
};

void heap_insert(struct heap *heap, struct heap_node *node, u64 key);

/* Take out a node that is in the heap, first or not. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest key, or NULL. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->root;
}

static inline bool heap_empty(const struct heap *heap)
{
    return !heap->root;
}

#define heap_entry(node, type, member) container_of(node, type, member)

#endif
