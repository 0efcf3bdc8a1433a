/*
 * Random hypercalls: any number, any arguments, structures in the pool's pages filled with what such a call might want.
 *
 * Left out is what only ends the game: shutdown, and a base pointer to any table. The trap table and the callbacks are put back before they
 * matter (modes.c).
 */
#include "fuzz.h"

/* Fill a few words at `at` with random arguments. */
static void fill(u64 *at, u64 words)
{
    for (u64 i = 0; i < words; i++)
        probe_write64((u64)(at + i), some_word());
}

static u64 buffer(void)
{
    u64 *at = (u64 *)pool.va[pool_below()] + rnd_below(480);

    fill(at, 1 + rnd_below(24));
    return (u64)at;
}

static u64 argument(void)
{
    return rnd_once_in(2) ? buffer() : rnd_once_in(16) ? some_domid() : some_word();
}

static u64 small_or_any(u64 below)
{
    return rnd_once_in(8) ? some_word() : rnd_below(below);
}

/* Calls with their first argument a command, or a buffer: which, and how many commands there are. */
static const struct {
    u32 nr, commands;
} shapes[] = {
    { __HYPERVISOR_mmu_update, 0 },
    { __HYPERVISOR_set_gdt, 0 },
    { __HYPERVISOR_stack_switch, 0 },
    { __HYPERVISOR_fpu_taskswitch, 2 },
    { __HYPERVISOR_set_debugreg, 8 },
    { __HYPERVISOR_get_debugreg, 8 },
    { __HYPERVISOR_update_descriptor, 0 },
    { __HYPERVISOR_memory_op, 28 },
    { __HYPERVISOR_update_va_mapping, 0 },
    { __HYPERVISOR_set_timer_op, 0 },
    { __HYPERVISOR_event_channel_op_compat, 0 },
    { __HYPERVISOR_xen_version, 12 },
    { __HYPERVISOR_physdev_op_compat, 0 },
    { __HYPERVISOR_grant_table_op, 13 },
    { __HYPERVISOR_vm_assist, 2 },
    { __HYPERVISOR_update_va_mapping_otherdomain, 0 },
    { __HYPERVISOR_vcpu_op, 14 },
    { __HYPERVISOR_set_segment_base, 5 },
    { __HYPERVISOR_mmuext_op, 0 },
    { __HYPERVISOR_event_channel_op, 14 },
    { __HYPERVISOR_physdev_op, 30 },
    { __HYPERVISOR_platform_op, 0 },
    { __HYPERVISOR_domctl, 0 },
    { __HYPERVISOR_sysctl, 0 },
    { __HYPERVISOR_hvm_op, 20 },
};

/* The last vCPU that goes down takes the domain with it. */
static u64 spare(u64 cmd)
{
    return (u32)cmd == VCPUOP_down ? VCPUOP_is_up : cmd;
}

static void any_call(void)
{
    u64 i = rnd_below(ARRAY_SIZE(shapes)), cmd = shapes[i].commands;

    u64 first = cmd ? small_or_any(cmd) : argument();
    if (shapes[i].nr == __HYPERVISOR_vcpu_op)
        first = spare(first);
    hypercall(shapes[i].nr, first, argument(), argument(), some_word(), some_word());
}

static void unknown_call(void)
{
    u64 nr = rnd_once_in(2) ? 49 + rnd_below(64) : BIT(rnd_below(64)) | 64;

    hypercall(nr, argument(), argument(), argument(), some_word(), some_word());
}

/* mmuext_op as it should look, with values that need not. */
static void ext(void)
{
    struct mmuext_op ops[4];
    u32 done;
    u64 n = 1 + rnd_below(ARRAY_SIZE(ops));

    for (u64 i = 0; i < n; i++) {
        ops[i].cmd = (u32)small_or_any(21);
        if (ops[i].cmd == MMUEXT_NEW_BASEPTR)
            ops[i].cmd = MMUEXT_UNPIN_TABLE;
        ops[i].arg1.mfn = some_mfn();
        ops[i].arg2.nr_ents = some_word();
    }
    mmuext_op(ops, n, &done, (u32)some_domid());
}

/* A multicall of anything harmless to this guest itself, multicalls included. */
static void many(void)
{
    static struct multicall_entry list[16];
    u64 n = 1 + rnd_below(ARRAY_SIZE(list));

    for (u64 i = 0; i < n; i++) {
        list[i].op =
            rnd_once_in(8) ? __HYPERVISOR_multicall : shapes[rnd_below(ARRAY_SIZE(shapes))].nr;
        for (u64 a = 0; a < 6; a++)
            list[i].args[a] = argument();
    }
    multicall(list, n);
}

static u64 some_wild_op(void)
{
    u64 op = 24 + rnd_below(64);

    return op == __HYPERVISOR_vcpu_op || op == __HYPERVISOR_sched_op ? __HYPERVISOR_xen_version
                                                                     : op;
}

/* A list of garbage, of any length. It must not have zeros: call 0 with argument 0 takes the trap table away. Nor sched_op or vcpu_op: the
 * guest would sleep without an end, or be down. */
static void many_wild(void)
{
    struct multicall_entry *list = (struct multicall_entry *)pool.va[pool_below()];

    for (u64 i = 0; i < PAGE_SIZE / sizeof(*list); i++)
        if (probe_write64((u64)&list[i].op, some_wild_op()))
            return;
    multicall(list, PAGE_SIZE / sizeof(*list));
    multicall((void *)(0xffffffffffffff00UL), some_word());
    multicall((void *)some_word(), 0);
}

/* vCPU information and runstate go to the pool, where the hypervisor then writes while other things happen to the page. */
static void vcpu(void)
{
    u64 words[4] = { rnd_once_in(4) ? some_word() : pool.mfn[pool_below()], rnd_below(520) * 8 };

    if (rnd_once_in(2)) {
        words[0] = some_va();
        vcpu_op(VCPUOP_register_runstate_memory_area, rnd_below(2), words);
    } else if (rnd_once_in(2)) {
        vcpus_move_info((u32)rnd_below(2), words);
    } else {
        vcpu_op(spare(rnd_below(16)), rnd_below(2), words);
    }
}

static void console(void)
{
    static const char text[] = "\033[2J~ \t(koan) ";
    static char lines[512];

    if (rnd_once_in(16)) { /* much text: long lines, or many */
        for (u64 i = 0, every = 1 + rnd_below(128); i < sizeof(lines); i++)
            lines[i] = i % every ? (char)('!' + rnd_below(90)) : '\n';
        console_io(CONSOLEIO_write, sizeof(lines), lines);
        return;
    }
    if (rnd_once_in(4))
        console_io(some_word(), rnd_below(200), (const char *)some_va());
    else
        console_io(rnd_below(2), rnd_below(sizeof(text)),
                   rnd_once_in(8) ? (char *)some_va() : text);
}

/* Ends and watchdogs, but nobody's: a watchdog that bites in a day, or one that there isn't. */
static void endings(void)
{
    struct sched_remote_shutdown end = { .domain_id = (domid_t)(0x7000 + rnd_below(0x9000)),
                                         .reason = (u32)small_or_any(6) };
    struct sched_watchdog watchdog = { .id = (u32)small_or_any(4),
                                       .timeout = rnd_once_in(2) ? 0 : 86400 };

    if (!guest_is_privileged() && rnd_once_in(2))
        end.domain_id = some_domid();
    sched_op(SCHEDOP_remote_shutdown, &end);
    sched_op(SCHEDOP_watchdog, &watchdog);
}

/* Not block, and not the old call's 1 and 2 (block, shutdown): nothing need ever wake it. Polls have time-outs (events.c). */
static void scheduling(void)
{
    yield();
    if (rnd_once_in(8))
        console();
    if (rnd_once_in(8))
        endings();
    hypercall(__HYPERVISOR_sched_op, rnd_once_in(4) ? SCHEDOP_shutdown_code : 7 + rnd_below(5),
              argument(), 0, 0, 0);
    hypercall(__HYPERVISOR_sched_op_compat, rnd_once_in(2) ? 0 : 3 + some_word() % 64, argument(),
              0, 0, 0);
}

void step_hypercall(void)
{
    static void (*const steps[])(void) = { any_call,     any_call, any_call, any_call,
                                           unknown_call, ext,      ext,      many,
                                           many_wild,    vcpu,     vcpu,     scheduling };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
