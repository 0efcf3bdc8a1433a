/*
 * The trace: one ring per CPU, written without a lock by that CPU alone, read by a report.
 *
 * Refusals (lib/trace.h: refuse()) are always recorded, since "why did I get -EINVAL?" is asked afterwards; other kinds only when
 * `trace=` on Koan's command line names them. A ring keeps the last RING_ENTRIES records; older ones are overwritten. A reader may meet
 * a record that is being written: it prints what it finds, and nothing depends on it.
 *
 * Fields: (c) written by the CPU that owns the ring; (r) set during start-up.
 */
#include "debug/trace.h"

#include "debug/say.h"
#include "domain/domain.h"
#include "lib/debug.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "x86/asm.h"
#include "x86/cpu.h"

struct record {
    u64 tsc;
    const char *file; /* of a refusal */
    u64 a, b;         /* value and error of a refusal; what the kind says for others */
    u32 line;
    u16 domid; /* NO_DOMAIN: none was running */
    u8 vcpu;
    u8 kind; /* enum trace_kind */
};

#define NO_DOMAIN    0xffff
#define RING_ENTRIES 40

/* Refusals have a ring to themselves: they must not be pushed out by events that come by the thousand. */
enum ring_use { REFUSALS, EVENTS, RINGS };

struct ring {
    u64 count; /* c: records ever written; the next one goes to count % RING_ENTRIES */
    struct record records[RING_ENTRIES];
};

struct rings {
    struct ring ring[RINGS];
};
static_assert(sizeof(struct rings) <= PAGE_SIZE, "one page for each CPU");

static struct rings boot_rings; /* the boot CPU traces from its first refusal on */
static struct rings *rings[NR_CPUS] = { &boot_rings }; /* r */
u32 trace_kinds = BIT(TRACE_REFUSAL);                  /* r */

static const char *const kind_names[TRACE_KINDS] = {
    [TRACE_REFUSAL] = "refused",
    [TRACE_SWITCH] = "switch",
    [TRACE_TYPE] = "type",
    [TRACE_DOMAIN] = "domain",
};

static void record(enum trace_kind kind, const char *file, u32 line, u64 a, u64 b)
{
    struct cpu *cpu = this_cpu();
    struct vcpu *v = cpu->current;

    if (unlikely(!rings[cpu->id]))
        return;
    struct ring *ring = &rings[cpu->id]->ring[kind == TRACE_REFUSAL ? REFUSALS : EVENTS];
    ring->records[ring->count++ % RING_ENTRIES] = (struct record){
        .tsc = rdtsc(),
        .file = file,
        .a = a,
        .b = b,
        .line = line,
        .domid = v ? v->domain->id : NO_DOMAIN,
        .vcpu = v ? (u8)v->id : 0,
        .kind = (u8)kind,
    };
}

void trace_refusal(const char *file, u32 line, s64 error, u64 value)
{
    record(TRACE_REFUSAL, file, line, value, (u64)error);
}

void trace_record(enum trace_kind kind, u64 a, u64 b)
{
    record(kind, NULL, 0, a, b);
}

void trace_init(void)
{
    for (u32 cpu = 1; cpu < nr_cpus; cpu++) {
        mfn_t mfn = alloc_koan_page();

        if (mfn.n == INVALID_MFN.n)
            return; /* those CPUs then don't trace */
        __atomic_store_n(&rings[cpu], (struct rings *)mfn_to_virt(mfn), __ATOMIC_RELEASE);
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
        trace_kinds |= BIT(kind);
    }
    return true;
}

/* ---- reading ---- */

/* How many records of each ring are still to be read: reports come one at a time. */
static u16 left[NR_CPUS][RINGS];

static void start_reading(void)
{
    for (u32 cpu = 0; cpu < nr_cpus; cpu++)
        for (u32 use = 0; use < RINGS; use++)
            left[cpu][use] =
                rings[cpu] ? (u16)min(rings[cpu]->ring[use].count, (u64)RING_ENTRIES) : 0;
}

/* The newest record of a ring that is still to be read. */
static const struct record *newest_of(const struct ring *ring, u32 rest)
{
    u64 oldest = ring->count - min(ring->count, (u64)RING_ENTRIES);

    return &ring->records[(oldest + rest - 1) % RING_ENTRIES];
}

/* Going back in time over all rings. NULL: all has been read. */
static const struct record *take_newest(u32 *cpu_out)
{
    const struct record *newest = NULL;
    u16 *from = NULL;

    for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
        for (u32 use = 0; use < RINGS; use++) {
            if (!left[cpu][use])
                continue;
            const struct record *r = newest_of(&rings[cpu]->ring[use], left[cpu][use]);
            if (newest && r->tsc <= newest->tsc)
                continue;
            newest = r;
            from = &left[cpu][use];
            *cpu_out = cpu;
        }
    }
    if (newest)
        --*from;
    return newest;
}

/* The part of a path that a reader types: from `kernel/` on. */
static const char *short_path(const char *file)
{
    for (const char *p = file; *p; p++)
        if (!strncmp(p, "kernel/", 7))
            return p + 7;
    return file;
}

static bool same(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->file == b->file && a->line == b->line && a->a == b->a &&
           a->b == b->b && a->domid == b->domid && a->vcpu == b->vcpu;
}

static void print_record(const struct record *r, u32 cpu, u32 times)
{
    char who[16] = "-", again[24] = "";

    if (r->domid != NO_DOMAIN)
        koan_snprintf(who, sizeof(who), "d%uv%u", r->domid, r->vcpu);
    if (times > 1)
        koan_snprintf(again, sizeof(again), " (%u times)", times);
    if (r->kind == TRACE_REFUSAL)
        say("  %16lu cpu %-3u %-6s refused with %ld at %s:%u, value %#lx%s\n", r->tsc, cpu, who,
            (s64)r->b, r->file ? short_path(r->file) : "?", r->line, r->a, again);
    else
        say("  %16lu cpu %-3u %-6s %-9s %#lx %#lx%s\n", r->tsc, cpu, who,
            r->kind < TRACE_KINDS ? kind_names[r->kind] : "?", r->a, r->b, again);
}

/* Alike ones that follow each other share a line. */
void trace_print(u32 most)
{
    const struct record *r, *before = NULL;
    u32 cpu = 0, cpu_before = 0, times = 0, printed = 0;

    start_reading();
    say("trace, newest first (time stamp counter, CPU, vCPU):\n");
    while (printed < most && (r = take_newest(&cpu))) {
        if (before && same(before, r)) {
            times++;
            continue;
        }
        if (before) {
            print_record(before, cpu_before, times);
            printed++;
        }
        before = r;
        cpu_before = cpu;
        times = 1;
    }
    if (before && printed < most)
        print_record(before, cpu_before, times);
    else if (!before)
        say("  nothing was recorded\n");
}
