/* The small machine for the tests of mm/: see mm_machine.h. */
#include <stdlib.h>
#include <string.h>

#include "mm_machine.h"
#include "abi/errno.h"
#include "mm/map.h"

struct machine_domain machine_domain[MACHINE_DOMAINS];
u32 machine_interrupts;
u32 machine_flushes;
u32 nr_cpus = 2;
bool work_pending(void);

/* ck_assert notes each line that it passes, which is too slow for what is asked a million times. */
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(#condition " " __VA_ARGS__);                                              \
    } while (0)

static u64 random_state;
static u64 clock_now;

/* The TLBs, which forget nothing by themselves: what each frame could be used for since the last flush, and whose it was. */
#define CPUS     2
#define SEEN     1 /* mapped at all */
#define WRITABLE 2 /* mapped writable */
#define TABLE    4 /* named by a table: the CPU's walker may go on through it */
static struct cpu_model {
    u64 flush_clock;
    u8 cached[MACHINE_FRAMES];
    u16 owner[MACHINE_FRAMES];
} cpus[CPUS];

/* Domain 0 runs on CPU 1, the others on CPU 0. */
static u32 cpu_of_domain(u16 id)
{
    return id == 0;
}

/* ---- what mm/ needs of the machine ---- */

bool work_pending(void)
{
    return machine_interrupts && machine_random(machine_interrupts) == 0;
}

static void flush(u32 cpu)
{
    memset(cpus[cpu].cached, 0, sizeof(cpus[cpu].cached));
    cpus[cpu].flush_clock = ++clock_now;
    machine_flushes++;
}

u64 tlb_clock(void)
{
    return clock_now;
}

void tlb_flush_mask(const struct cpumask *mask, u64 va)
{
    for (u32 cpu = 0; cpu < CPUS; cpu++)
        if (cpumask_test(mask, cpu) && va == TLB_ALL)
            flush(cpu);
}

void tlb_flush_stale(const struct cpumask *mask, u64 stamp)
{
    for (u32 cpu = 0; cpu < CPUS; cpu++)
        if (cpumask_test(mask, cpu) && cpus[cpu].flush_clock <= stamp)
            flush(cpu);
}

/* Any sixteen entries will do, as long as the audit knows them again. */
void map_fill_l4(pte_t *l4)
{
    for (u32 i = HYP_L4_FIRST; i <= HYP_L4_LAST; i++)
        l4[i] = pte_make(MFN(0), i << 3 & ~0x7fULL) | PTE_P;
}

/* xorshift64* */
u64 machine_random(u64 below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * 0x2545f4914f6cdd1dULL >> 16) % below;
}

void machine_start(u64 seed)
{
    random_state = seed * 2 + 1;
    max_mfn = MACHINE_FRAMES;
    host_memory = aligned_alloc(PAGE_SIZE, MACHINE_FRAMES * PAGE_SIZE);
    memset(host_memory, 0xa5, MACHINE_FRAMES * PAGE_SIZE);
    frame_table = calloc(MACHINE_FRAMES, sizeof(*frame_table));
    m2p_table = calloc(MACHINE_FRAMES, sizeof(*m2p_table));
    for (u32 i = 0; i < MACHINE_FRAMES; i++)
        frame_table[i].owner = OWNER_NONE;
    frame_table[0].owner = OWNER_KOAN;
    alloc_give(MFN(0), MACHINE_RAM);
    clock_now = 1; /* the CPUs have not flushed since */
}

struct domain_memory *machine_new_domain(u16 id, bool privileged, u64 reserved, u64 taken,
                                         mfn_t *pages)
{
    struct domain_memory *m = &machine_domain[id].m;

    MUST(memory_init(m, id, privileged, reserved));
    cpumask_set(&m->cpus, cpu_of_domain(id));
    for (u64 i = 0; i < taken; i++) {
        pages[i] = memory_alloc_page(m);
        MUST(mfn_valid(pages[i]));
    }
    return m;
}

void machine_poke(mfn_t mfn, u32 index, u64 value)
{
    ((u64 *)mfn_to_virt(mfn))[index] = value;
}

u64 machine_peek(mfn_t mfn, u32 index)
{
    return ((u64 *)mfn_to_virt(mfn))[index];
}

s64 machine_store(u16 id, mfn_t table, u32 index, pte_t *seen, pte_t e)
{
    struct domain_memory *m = &machine_domain[id].m;
    s64 error = -XEN_EINVAL;

    if (!memory_enter(m))
        return -XEN_ERESTART;
    const struct frame *f = frame_owned(table, id);
    if (f && f->type == FRAME_L1 && f->type_refs)
        error = update_l1_if(m, (pte_t *)mfn_to_virt(table) + index, seen, e);
    memory_leave(m);
    return error;
}

s64 machine_hold(u16 id, mfn_t mfn, enum frame_type type)
{
    struct machine_domain *d = &machine_domain[id];
    s64 error;

    do {
        while (!memory_enter(&d->m))
            ;
        error = type_get(&d->m, mfn, type, &d->results[0]);
        if (!error)
            d->held[d->nr_held++] = mfn;
        memory_leave(&d->m);
    } while (error == -XEN_ERESTART);
    return error;
}

void machine_drop(u16 id, u32 index)
{
    struct machine_domain *d = &machine_domain[id];

    while (!memory_enter(&d->m))
        ;
    type_put(&d->m, d->held[index]);
    d->held[index] = d->held[--d->nr_held];
    memory_leave(&d->m);
}

/* ---- the recount ---- */

static struct {
    u32 refs, type_refs;
    s32 linear_uses, linear_entries;
} expected[MACHINE_FRAMES];

static u16 owner_of(u32 n)
{
    return frame_table[n].owner == OWNER_LIMBO ? (u16)frame_table[n].next : frame_table[n].owner;
}

static void cache(u16 id, u64 n, u8 use)
{
    struct cpu_model *c = &cpus[cpu_of_domain(id)];

    if (c->cached[n] && c->owner[n] != owner_of((u32)n))
        return; /* keep the older one: it is the one that must go */
    c->cached[n] |= use;
    c->owner[n] = owner_of((u32)n);
}

static void expect_one(mfn_t mfn, bool typed)
{
    MUST(mfn.n < MACHINE_FRAMES);
    expected[mfn.n].refs++;
    expected[mfn.n].type_refs += typed;
}

static void recount_l1(u16 id, const pte_t *entries)
{
    for (u32 i = 0; i < 512; i++) {
        u64 n = (entries[i] & 0x000ffffffffff000ULL) >> 12;

        if (!(entries[i] & 1) || n >= MACHINE_RAM)
            continue;
        expect_one(MFN(n), entries[i] & 2);
        cache(id, n, entries[i] & 2 ? SEEN | WRITABLE : SEEN);
        MUST(entries[i] & 4, "L1 entry without U");
        MUST(!(entries[i] & 0x100), "L1 entry with GLOBAL");
    }
}

static void recount_upper(u32 table, const pte_t *entries, u32 accounted)
{
    u8 level = frame_table[table].type;

    for (u32 i = 0; i < accounted; i++) {
        u64 n = (entries[i] & 0x000ffffffffff000ULL) >> 12;

        if (level == FRAME_L4 && i >= 256 && i <= 271) {
            MUST(n == 0 && (entries[i] & 1), "a slot of the hypervisor's has changed");
            continue;
        }
        if (!(entries[i] & 1) || n == table)
            continue;
        MUST((entries[i] & 4) && !(entries[i] & 0x198), "bad flags above L1");
        expect_one(MFN(n), true);
        cache(owner_of(table), n, TABLE);
        if (frame_table[n].type == level) {
            MUST(!(entries[i] & 2), "a writable linear entry");
            expected[n].linear_uses++;
            expected[table].linear_entries++;
        } else {
            MUST(frame_table[n].type == level - 1);
        }
    }
}

static void recount_frame(u32 n)
{
    struct frame *f = &frame_table[n];
    bool type_ref;

    if (f->owner == OWNER_FREE || f->owner == OWNER_NONE || n == 0)
        return;
    if (f->owner != OWNER_LIMBO)
        expect_one(MFN(n), false);
    if (f->flags & FRAME_PINNED)
        expect_one(MFN(n), true);
    if (f->owner == OWNER_KOAN || f->type < FRAME_L1 || f->type > FRAME_L4)
        return;
    MUST(owner_of(n) < MACHINE_DOMAINS);
    struct domain_memory *m = &machine_domain[owner_of(n)].m;
    bool walked = walk_holds(m, MFN(n), &type_ref);
    if (walked)
        expect_one(MFN(n), type_ref);
    if (!f->type_refs && !walked)
        return;
    if (f->type == FRAME_L1)
        recount_l1(owner_of(n), mfn_to_virt(MFN(n)));
    else
        recount_upper(n, mfn_to_virt(MFN(n)), walk_accounted(m, MFN(n)));
}

static void recount_result(const struct walk_result *r)
{
    if (r->state == WALK_DONE && !r->error)
        expect_one(r->root, true);
}

static void recount_domain(struct machine_domain *d)
{
    for (u32 i = 0; i < d->nr_held; i++)
        expect_one(d->held[i], true);
    for (u32 i = 0; i < ARRAY_SIZE(d->results); i++)
        recount_result(&d->results[i]);
    recount_result(&d->m.foreign_result);
}

/*
 * Before this operation's entries are added: a frame that is a table or a descriptor page now must not be writable through any TLB, one that the
 * guest can write must not be walked through, and one that has another owner must not be seen at all.
 */
static void check_tlbs(void)
{
    for (u32 n = 1; n < MACHINE_RAM; n++) {
        const struct frame *f = &frame_table[n];
        u8 forbidden = !f->type_refs ? 0 : f->type == FRAME_WRITABLE ? TABLE : WRITABLE;

        for (u32 cpu = 0; cpu < CPUS; cpu++) {
            const struct cpu_model *c = &cpus[cpu];
            bool owned = f->owner < MACHINE_DOMAINS || f->owner == OWNER_KOAN;

            MUST(!(c->cached[n] & forbidden), "frame %u became type %u, stale entry on CPU %u", n,
                 f->type, cpu);
            MUST(!c->cached[n] || !owned || c->owner[n] == f->owner,
                 "frame %u is seen by its last owner", n);
        }
    }
}

static void check_lists(void)
{
    u64 listed[MACHINE_DOMAINS] = { 0 };

    for (u32 id = 0; id < MACHINE_DOMAINS; id++) {
        u32 before = 0;

        for (u32 n = machine_domain[id].m.page_list; n; before = n, n = frame_table[n].next) {
            MUST(frame_table[n].owner == id);
            MUST(frame_table[n].prev == before);
            listed[id] += !(frame_table[n].flags & FRAME_SHARED);
        }
    }
    for (u32 n = 0; n < MACHINE_RAM; n++)
        if (frame_table[n].owner == OWNER_LIMBO && frame_table[n].next < MACHINE_DOMAINS &&
            !(frame_table[n].flags & FRAME_SHARED))
            listed[frame_table[n].next]++;
    for (u32 id = 0; id < MACHINE_DOMAINS; id++)
        if (machine_domain[id].m.max_pages)
            MUST(machine_domain[id].m.pages == listed[id]);
}

static void check_stats(void)
{
    struct alloc_stats s = alloc_stats();
    u64 free = 0, promised = 0;

    for (u32 n = 0; n < MACHINE_FRAMES; n++)
        free += frame_table[n].owner == OWNER_FREE;
    for (u32 id = 0; id < MACHINE_DOMAINS; id++)
        if (machine_domain[id].m.max_pages > machine_domain[id].m.pages)
            promised += machine_domain[id].m.max_pages - machine_domain[id].m.pages;
    MUST(s.free == free);
    MUST(s.promised == promised);
    MUST(s.promised <= s.free);
}

void machine_audit(void)
{
    memset(expected, 0, sizeof(expected));
    check_tlbs();
    for (u32 n = 0; n < MACHINE_FRAMES; n++)
        recount_frame(n);
    for (u32 id = 0; id < MACHINE_DOMAINS; id++)
        recount_domain(&machine_domain[id]);
    for (u32 n = 1; n < MACHINE_FRAMES; n++) {
        const struct frame *f = &frame_table[n];

        MUST(f->refs == expected[n].refs && f->type_refs == expected[n].type_refs,
             "frame %u (owner %x type %u): refs %u, recounted %u; type refs %u, recounted %u", n,
             f->owner, f->type, f->refs, expected[n].refs, f->type_refs, expected[n].type_refs);
        MUST(f->linear == expected[n].linear_uses - expected[n].linear_entries);
        MUST(!expected[n].linear_uses || !expected[n].linear_entries);
    }
    check_lists();
    check_stats();
}

void machine_end_domain(u16 id)
{
    struct machine_domain *d = &machine_domain[id];

    d->m.dying = true;
    while (d->nr_held)
        machine_drop(id, 0);
    for (u32 i = 0; i < ARRAY_SIZE(d->results); i++) {
        while (!memory_enter(&d->m))
            ;
        walk_forget(&d->m, &d->results[i]);
        memory_leave(&d->m);
    }
    while (!memory_release(&d->m))
        machine_audit();
    for (u32 n = 0; n < MACHINE_FRAMES; n++)
        MUST(frame_table[n].owner != id);
    machine_audit();
}
