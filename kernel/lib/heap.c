/*
 * Pairing heap: see heap.h. A node's children are a list; a node's key is never larger than its children's.
 */
#include "lib/heap.h"

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Make one tree of two roots: the later becomes the first child of the earlier. Neither has siblings. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (before(b, a)) {
        struct heap_node *t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* One tree of a list of siblings: in pairs from the left, then these from the right. No recursion: the list may be long. */
static struct heap_node *meld_list(struct heap_node *list)
{
    struct heap_node *pairs = NULL, *root = NULL;

    while (list) {
        struct heap_node *a = list, *b = a->next;
        list = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct heap_node *a = pairs;
        pairs = a->next;
        a->next = NULL;
        root = meld(root, a);
    }
    return root;
}

void heap_insert(struct heap *heap, struct heap_node *node, u64 key)
{
    node->key = key;
    node->order = heap->count++;
    node->child = node->next = node->prev = NULL;
    heap->root = meld(heap->root, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *children = meld_list(node->child);

    if (!node->prev) {
        heap->root = children;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next)
            node->next->prev = node->prev;
        heap->root = meld(heap->root, children);
    }
    node->child = node->next = node->prev = NULL;
}
