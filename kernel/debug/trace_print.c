/*
 * Reading the trace rings on the machine itself, for reports: newest first, all CPUs merged. A
 * reader may meet a record that is being overwritten: it prints what it finds, and nothing depends
 * on it.
 */
#include "debug/say.h"
#include "debug/trace.h"
#include "lib/debug.h"
#include "lib/string.h"
#include "x86/cpu.h"

/* How many records of each ring a report looks at. */
#define DEPTH 40

/* How many records of each ring are still to be read: reports come one at a time. */
static u8 left[NR_CPUS][TRACE_USES];
static u64 end[NR_CPUS][TRACE_USES]; /* the ring's count when the report began */

static void start_reading(void)
{
    for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
        for (u32 use = 0; use < TRACE_USES; use++) {
            const struct trace_ring *ring = trace_ring_of(cpu, use);

            end[cpu][use] = ring ? __atomic_load_n(&ring->count, __ATOMIC_ACQUIRE) : 0;
            left[cpu][use] = (u8)min(end[cpu][use], (u64)DEPTH);
        }
    }
}

/* The newest record of a ring that is still to be read. */
static const struct trace_record *newest_of(u32 cpu, u32 use)
{
    u64 read = min(end[cpu][use], (u64)DEPTH) - left[cpu][use];

    return trace_record_at(trace_ring_of(cpu, use), end[cpu][use] - 1 - read);
}

/* Going back in time over all rings. NULL: all has been read. */
static const struct trace_record *take_newest(u32 *cpu_out)
{
    const struct trace_record *newest = NULL;
    u8 *from = NULL;

    for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
        for (u32 use = 0; use < TRACE_USES; use++) {
            if (!left[cpu][use])
                continue;
            const struct trace_record *r = newest_of(cpu, use);
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

static bool same(const struct trace_record *a, const struct trace_record *b)
{
    return a->kind == b->kind && a->where == b->where && a->a == b->a && a->b == b->b &&
           a->domid == b->domid && a->vcpu == b->vcpu;
}

static void print_record(const struct trace_record *r, u32 cpu, u32 times)
{
    char who[16] = "-", again[24] = "";

    if (r->domid != TRACE_NO_DOMAIN)
        koan_snprintf(who, sizeof(who), "d%uv%u", r->domid, r->vcpu);
    if (times > 1)
        koan_snprintf(again, sizeof(again), " (%u times)", times);
    if (r->kind == TRACE_REFUSAL)
        say("  %16lu cpu %-3u %-6s refused with %ld at %s:%u, value %#lx%s\n", r->tsc, cpu, who,
            -(s64)(r->where & 0xfff), r->b ? short_path((const char *)r->b) : "?", r->where >> 12,
            r->a, again);
    else
        say("  %16lu cpu %-3u %-6s %-9s %#lx %#lx%s\n", r->tsc, cpu, who, trace_kind_name(r->kind),
            r->a, r->b, again);
}

/* Alike ones that follow each other share a line. */
void trace_print(u32 most)
{
    const struct trace_record *r, *before = NULL;
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
