/*
 * Random hypercalls: any number, any arguments, structures in the pool's pages filled with what such a call might want.
 *
 * Left out is what only ends the game: shutdown, and iret with a frame of garbage but once in a while. The trap table and the callbacks are
 * put back right after.
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
    return rnd_once_in(2) ? buffer() : some_word();
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
    { __HYPERVISOR_grant_table_op, 12 },
    { __HYPERVISOR_vm_assist, 2 },
    { __HYPERVISOR_update_va_mapping_otherdomain, 0 },
    { __HYPERVISOR_vcpu_op, 14 },
    { __HYPERVISOR_set_segment_base, 5 },
    { __HYPERVISOR_mmuext_op, 0 },
    { __HYPERVISOR_event_channel_op, 12 },
    { __HYPERVISOR_physdev_op, 30 },
    { __HYPERVISOR_platform_op, 0 },
    { __HYPERVISOR_domctl, 0 },
    { __HYPERVISOR_sysctl, 0 },
    { __HYPERVISOR_hvm_op, 20 },
};

static void any_call(void)
{
    u64 i = rnd_below(ARRAY_SIZE(shapes)), cmd = shapes[i].commands;

    hypercall(shapes[i].nr, cmd ? small_or_any(cmd) : argument(), argument(), argument(),
              some_word(), some_word());
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
        ops[i].cmd = (u32)small_or_any(20);
        if (ops[i].cmd == MMUEXT_NEW_BASEPTR)
            ops[i].cmd = MMUEXT_UNPIN_TABLE;
        ops[i].arg1.mfn = some_mfn();
        ops[i].arg2.nr_ents = some_word();
    }
    mmuext_op(ops, n, &done, rnd_once_in(8) ? (u32)some_word() : DOMID_SELF);
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

/* A list of garbage, of any length. It must not have zeros: call 0 with argument 0 takes the trap table away. */
static void many_wild(void)
{
    struct multicall_entry *list = (struct multicall_entry *)pool.va[pool_below()];

    for (u64 i = 0; i < PAGE_SIZE / sizeof(*list); i++)
        if (probe_write64((u64)&list[i].op, 24 + rnd_below(64)))
            return;
    multicall(list, PAGE_SIZE / sizeof(*list));
    multicall((void *)(0xffffffffffffff00UL), some_word());
    multicall((void *)some_word(), 0);
}

/* The table and the callbacks, then the right ones again. */
static void callbacks(void)
{
    struct trap_info table[4] = { 0 };

    for (u64 i = 0; i < 3; i++)
        table[i] = (struct trap_info){ .vector = (u8)(32 + rnd_below(200)),
                                       .flags = (u8)rnd(),
                                       .cs = (u16)rnd(),
                                       .address = some_va() };
    set_trap_table(table);
    set_callbacks(some_va(), some_va(), some_va());
    set_callbacks((u64)event_entry, (u64)failsafe_entry, (u64)syscall_entry);
    stack_switch(some_word(), some_va());
    set_segment_base(rnd_below(3), some_va());
}

/* Instructions that trap. */
static void instructions(void)
{
    u64 low, high = 0;
#define BOTH_HALVES "=a"(low), "=d"(high)

    switch (rnd_below(8)) {
    case 0:
        TRY("hlt");
        break;
    case 1:
        TRY_IO("rdmsr", BOTH_HALVES, "c"(some_word()));
        break;
    case 2:
        TRY_IO("wrmsr", , "c"(0xc0000100 + rnd_below(4)), "a"((u32)some_va()),
               "d"((u32)(some_va() >> 32)));
        break;
    case 3:
        TRY_IO("mov %0, %%cr4", , "r"(some_word()));
        break;
    case 4:
        TRY_IO("inb %w1, %b0", "=a"(low), "d"((u16)some_word()));
        break;
    case 5:
        TRY_IO("mov %w0, %%ds", , "r"((u16)some_word()));
        break;
    case 6:
        TRY_IO("mov %w0, %%es", , "r"((u16)some_word()));
        break;
    default:
        TRY("ud2");
        break;
    }
    (void)high;
}

void step_hypercall(void)
{
    static void (*const steps[])(void) = { any_call, any_call,     any_call,  any_call,
                                           any_call, unknown_call, ext,       ext,
                                           many,     many_wild,    callbacks, instructions };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}
