/*
 * Doubly linked lists whose links stand inside the listed objects.
 *
 * A `struct list` is the head of a list (a ring of one when empty) or a link inside an object; list_entry
 * leads from the link to its object. The lists lock nothing: each user says what protects its own.
 *
 *     struct vcpu { ...; struct list run_link; };
 *     list_for_each_entry (vcpu, &queue, run_link) ...
 */
#ifndef KOAN_LIB_LIST_H
#define KOAN_LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert(struct list *link, struct list *before, struct list *after)
{
    link->prev = before;
    link->next = after;
    before->next = link;
    after->prev = link;
}

static inline void list_add_front(struct list *head, struct list *link)
{
    list_insert(link, head, head->next);
}

static inline void list_add_back(struct list *head, struct list *link)
{
    list_insert(link, head->prev, head);
}

/* Leaves the link as an empty ring, so that removing it again, or asking list_empty, is harmless. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* The first object; only for a list that isn't empty. */
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)

/* `item` is a pointer variable of the object's type. The body must not remove the item: see _safe. */
#define list_for_each_entry(item, head, member)                                                    \
    for ((item) = list_entry((head)->next, __typeof__(*(item)), member);                           \
         &(item)->member != (head);                                                                \
         (item) = list_entry((item)->member.next, __typeof__(*(item)), member))

/* The body may remove `item` (no other): `spare`, a second variable of the type, holds the next one. */
#define list_for_each_entry_safe(item, spare, head, member)                                        \
    for ((item) = list_entry((head)->next, __typeof__(*(item)), member),                           \
        (spare) = list_entry((item)->member.next, __typeof__(*(item)), member);                    \
         &(item)->member != (head);                                                                \
         (item) = (spare), (spare) = list_entry((item)->member.next, __typeof__(*(item)), member))

#endif
