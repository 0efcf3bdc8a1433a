/*
 * Writing the trace: see debug/trace.h. Refusals are always recorded, since "why did I get
 * -EINVAL?" is asked afterwards; other kinds only when `trace=` on Koan's command line names them.
 *
 * Fields: (r) set during start-up.
 */
#include "debug/trace.h"

#include "debug/say.h"
#include "domain/domain.h"
#include "lib/debug.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/cpu.h"

extern const struct trace_site trace_sites_start[], trace_sites_end[]; /* koan.lds */

static struct trace_ring *rings[NR_CPUS][TRACE_USES]; /* r */
static u32 kinds = BIT(TRACE_REFUSAL);                /* r */
static u32 event_pages = 1;                           /* r */

static const char *const kind_names[TRACE_KINDS] = {
    [TRACE_REFUSAL] = "refused", [TRACE_SWITCH] = "switch",       [TRACE_TYPE] = "type",
    [TRACE_DOMAIN] = "domain",   [TRACE_HYPERCALL] = "hypercall", [TRACE_EXCEPTION] = "exception",
    [TRACE_EVENT] = "event",     [TRACE_WAKE] = "wake",
};

const char *trace_kind_name(u32 kind)
{
    return kind < TRACE_KINDS ? kind_names[kind] : "?";
}

struct trace_ring *trace_ring_of(u32 cpu, enum trace_use use)
{
    return cpu < NR_CPUS ? __atomic_load_n(&rings[cpu][use], __ATOMIC_ACQUIRE) : NULL;
}

/* ---- writing ---- */

static void record(enum trace_use use, enum trace_kind kind, u32 where, u64 a, u64 b)
{
    struct cpu *cpu = this_cpu();
    struct vcpu *v = cpu->current;
    struct trace_ring *ring = rings[cpu->id][use];

    if (unlikely(!ring)) /* start-up is not that far yet, or there was no memory */
        return;
    *trace_record_at(ring, ring->count) = (struct trace_record){
        .tsc = rdtsc(),
        .a = a,
        .b = b,
        .domid = v ? v->domain->id : TRACE_NO_DOMAIN,
        .vcpu = v ? (u8)v->id : 0,
        .kind = (u8)kind,
        .where = where,
    };
    ring->count++; /* last: a reader never meets a record that is not there */
}

void trace_refusal(const char *file, u32 line, s64 error, u64 value)
{
    record(TRACE_REFUSALS, TRACE_REFUSAL, line << 12 | (u32)(-error & 0xfff), value, (u64)file);
}

void trace_record(enum trace_kind kind, u64 a, u64 b)
{
    record(TRACE_EVENTS, kind, 0, a, b);
}

/* ---- start-up ---- */

/* JMP rel32 (SDM vol. 2, JMP): the distance counts from behind its five bytes. */
void trace_patch(void)
{
    for (const struct trace_site *site = trace_sites_start; site < trace_sites_end; site++) {
        u8 *code = (u8 *)site->nop;
        s32 distance = (s32)(site->on - site->nop - 5);

        assert(site->kind < TRACE_KINDS && code[0] == 0x0f);
        if (!(kinds & BIT(site->kind)))
            continue;
        code[0] = 0xe9;
        memcpy(code + 1, &distance, sizeof(distance));
    }
}

/* A ring that can't have all its pages does with fewer; without one page it isn't made. */
static struct trace_ring *make_ring(u32 cpu, u32 pages)
{
    mfn_t head = alloc_koan_page();

    if (head.n == INVALID_MFN.n)
        return NULL;
    struct trace_ring *ring = mfn_to_virt(head);
    memset(ring, 0, PAGE_SIZE);
    for (u32 i = 0; i < pages; i++) {
        mfn_t mfn = alloc_koan_page();

        if (mfn.n == INVALID_MFN.n)
            break;
        ring->mfns[ring->pages++] = mfn.n;
    }
    ring->magic = TRACE_MAGIC;
    ring->cpu = cpu;
    ring->clock_mul = clock_mul;
    ring->clock_shift = clock_shift;
    return ring->pages ? ring : NULL;
}

/* The line is for tools/trace.py, which reads the rings out of the machine's memory. */
static void announce(u32 cpu)
{
    const struct trace_ring *ring = rings[cpu][TRACE_EVENTS];

    if (ring && kinds != BIT(TRACE_REFUSAL))
        printk("trace: cpu %u records %u events at machine address %#lx\n", cpu,
               ring->pages * (u32)TRACE_PER_PAGE, (u64)ring - DIRECTMAP_VA);
}

void trace_init(void)
{
    u32 pages = kinds == BIT(TRACE_REFUSAL) ? 1 : event_pages;

    for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
        struct trace_ring *refusals = make_ring(cpu, 1), *events = make_ring(cpu, pages);

        __atomic_store_n(&rings[cpu][TRACE_REFUSALS], refusals, __ATOMIC_RELEASE);
        __atomic_store_n(&rings[cpu][TRACE_EVENTS], events, __ATOMIC_RELEASE);
        announce(cpu);
    }
}

/* trace=type,switch,... : false if a word is no kind. */
bool trace_option(struct slice value)
{
    while (value.length) {
        struct slice word = slice_cut(&value, ',');
        u32 kind = 0;

        while (kind < TRACE_KINDS && !slice_equals(word, kind_names[kind]))
            kind++;
        if (kind == TRACE_KINDS)
            return false;
        kinds |= BIT(kind);
    }
    return true;
}

bool trace_pages_option(struct slice value)
{
    u64 pages;

    if (!parse_number(value, &pages) || pages < 1 || pages > TRACE_PAGES)
        return false;
    event_pages = (u32)pages;
    return true;
}
