/*
 * Walks over trees of page tables, in steps that can stop: see walk.h.
 *
 * Validating, the stack holds tables whose type is set and counted once; entry `index` of each names the next one. A table that is done
 * leaves the stack and the entry above becomes accounted. Releasing, the tables have no type references left; `index` goes down, and the
 * entry just passed names the next table on the stack, whose reference is given back when it is done.
 */
#include "mm/walk.h"

#include "abi/errno.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/map.h"
#include "mm/memory.h"
#include "mm/type.h"
#include "mm/validate.h"

#ifdef KOAN_HOST
bool work_pending(void); /* the unit test decides where a walk stops */
#else
#include "x86/cpu.h"
#endif

static struct walk_table *walk_top(struct walk *w)
{
    return &w->stack[w->depth - 1];
}

static void walk_push(struct walk *w, struct frame *table, u16 index)
{
    assert(w->depth < WALK_DEPTH);
    w->stack[w->depth++] = (struct walk_table){ .mfn = (u32)frame_to_mfn(table).n, .index = index };
}

/* A table that is about to be validated. An L4 gets the hypervisor's slots first, whatever stood there. */
static void push_to_validate(struct walk *w, struct frame *table)
{
    if (table->type == FRAME_L4)
        map_fill_l4(frame_to_virt(table));
    walk_push(w, table, 0);
}

/* The validation has ended. */
static void tell(struct walk *w, s64 error)
{
    w->result->state = WALK_DONE;
    w->result->error = error;
    w->result = NULL;
}

/* Turn round: what is accounted so far is to be released. The tables on the stack have the walk's type reference only. */
static void turn_round(struct walk *w, s64 error)
{
    for (u32 i = 0; i < w->depth; i++) {
        struct frame *f = mfn_to_frame(MFN(w->stack[i].mfn));

        assert(f->type_refs == 1);
        f->type_refs = 0;
    }
    w->releasing = true;
    w->error = error;
}

/* The table on top is valid. */
static void pop_validated(struct walk *w)
{
    if (w->depth > 1) {
        w->depth--;
        walk_top(w)->index++;
    } else {
        w->depth = 0;
        tell(w, 0);
    }
}

/* One step: go on in the top table until something long has been done or is to be done. */
static void step_validate(struct domain_memory *m)
{
    struct walk *w = &m->walk;
    struct walk_table *top = walk_top(w);
    struct frame *table = mfn_to_frame(MFN(top->mfn));
    pte_t *entries = frame_to_virt(table);
    u16 start = top->index;

    for (;; top->index++) {
        top->index = (u16)next_present(entries, top->index);
        if (top->index == PTES_PER_TABLE)
            break;
        pte_t e = entries[top->index];
        if (!slot_is_guests(table->type, top->index))
            continue;
        if (top->index > start && work_pending())
            return;
        s64 error = upper_entry_get(m, table, table->type, e);
        if (error < 0)
            return turn_round(w, error);
        entries[top->index] = upper_adjust(table->type, e);
        if (error == TYPE_WALK)
            return push_to_validate(w, mfn_to_frame(pte_mfn(e)));
    }
    pop_validated(w);
}

static void pop_released(struct walk *w)
{
    frame_put(mfn_to_frame(MFN(walk_top(w)->mfn)));
    if (--w->depth)
        return;
    w->releasing = false;
    if (w->error)
        tell(w, w->error);
    w->error = 0;
}

static void step_release(struct domain_memory *m)
{
    struct walk *w = &m->walk;
    struct walk_table *top = walk_top(w);
    struct frame *table = mfn_to_frame(MFN(top->mfn));
    const pte_t *entries = frame_to_virt(table);
    u16 start = top->index;

    while ((top->index = (u16)previous_present(entries, top->index)) > 0) {
        pte_t e = entries[top->index - 1];

        if (top->index < start && work_pending())
            return;
        top->index--;
        if (!slot_is_guests(table->type, top->index))
            continue;
        if (upper_entry_put(m, table, table->type, e) == TYPE_WALK)
            return walk_push(w, mfn_to_frame(pte_mfn(e)), PTES_PER_TABLE);
    }
    pop_released(w);
}

bool walk_run(struct domain_memory *m)
{
    while (walk_active(m)) {
        if (m->walk.releasing)
            step_release(m);
        else
            step_validate(m);
        if (walk_active(m) && work_pending())
            return false;
    }
    return true;
}

s64 walk_validate(struct domain_memory *m, struct frame *root, struct walk_result *result)
{
    struct walk_result own = { 0 };
    struct walk_result *to = result ? result : &own;
    s64 error;

    assert(!walk_active(m) && to->state == WALK_NONE);
    *to = (struct walk_result){ .root = frame_to_mfn(root),
                                .type = root->type,
                                .state = WALK_RUNNING };
    m->walk.result = to;
    push_to_validate(&m->walk, root);
    while (!walk_run(m))
        if (result)
            return -XEN_ERESTART;
    return walk_claim(to, frame_to_mfn(root), root->type, &error) ? error : -XEN_ERESTART;
}

bool walk_claim(struct walk_result *result, mfn_t root, enum frame_type type, s64 *error)
{
    if (likely(result->state != WALK_DONE) || result->root.n != root.n || result->type != type)
        return false;
    result->state = WALK_NONE;
    *error = result->error;
    return true;
}

void walk_release(struct domain_memory *m, struct frame *root)
{
    assert(!walk_active(m));
    m->walk.releasing = true;
    m->walk.error = 0;
    walk_push(&m->walk, root, PTES_PER_TABLE);
    walk_run(m);
}

void walk_forget(struct domain_memory *m, struct walk_result *result)
{
    bool holds = result->state == WALK_DONE && result->error == 0;

    assert(!walk_active(m));
    result->state = WALK_NONE;
    if (holds)
        type_put(m, result->root);
}

static const struct walk_table *on_stack(const struct domain_memory *m, mfn_t table)
{
    for (u32 i = 0; i < m->walk.depth; i++)
        if (m->walk.stack[i].mfn == table.n)
            return &m->walk.stack[i];
    return NULL;
}

u32 walk_accounted(const struct domain_memory *m, mfn_t table)
{
    const struct walk_table *t = on_stack(m, table);

    return t ? t->index : PTES_PER_TABLE;
}

bool walk_holds(const struct domain_memory *m, mfn_t table, bool *type_ref)
{
    *type_ref = !m->walk.releasing;
    return on_stack(m, table) != NULL;
}
