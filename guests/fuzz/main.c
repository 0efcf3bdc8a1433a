/*
 * The fuzz guest's loop and its random values: see fuzz.h.
 */
#include "fuzz.h"
#include "smp.h"

struct pool pool;
static struct fuzzer fuzzers[FUZZ_VCPUS];
static bool several; /* vCPUs */

struct fuzzer *fuzzer(u32 vcpu)
{
    return &fuzzers[vcpu];
}

struct fuzzer *own_fuzzer(void)
{
    return fuzzer(vcpu_id());
}

u64 rnd(void)
{
    u64 *state = &own_fuzzer()->state;

    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dUL;
}

u64 rnd_below(u64 n)
{
    return (rnd() >> 16) % n;
}

u64 pool_below(void)
{
    return rnd_below(POOL_PAGES);
}

u64 some_mfn(void)
{
    switch (rnd_below(24)) {
    case 0:
        return rnd_below(0x10000); /* anybody's, on a machine of 256 MiB */
    case 1:
        return rnd();
    case 2:
        return start_info->shared_info >> PAGE_SHIFT;
    case 3:
        return ptr_mfn((void *)start_info->pt_base) + rnd_below(4);
    default:
        return pool.mfn[pool_below()];
    }
}

u64 some_entry(void)
{
    static const u64 flags[] = { PTE_RW_PAGE,
                                 PTE_RO_PAGE,
                                 PTE_TABLE,
                                 PTE_P,
                                 PTE_P | PTE_RW,
                                 0,
                                 PTE_RW_PAGE | PTE_NX,
                                 PTE_RO_PAGE | PTE_PSE,
                                 PTE_RW_PAGE | PTE_G,
                                 PTE_P | PTE_US };
    u64 e = pte_make(some_mfn() & (PTE_ADDRESS >> PAGE_SHIFT), flags[rnd_below(ARRAY_SIZE(flags))]);

    if (rnd_once_in(32))
        e ^= BIT(rnd_below(64));
    return e;
}

u64 some_va(void)
{
    static const u64 places[] = { 0,
                                  0x00007ffffffff000,
                                  0x0000800000000000,
                                  0xffff800000000000,
                                  0xffff808000000000,
                                  0xffff818000000000,
                                  0xffff81800fffff00,
                                  0xffff830000000000,
                                  0xffff87fffffffff8,
                                  0xffff880000000000,
                                  0xfffffffffffffff0 };

    switch (rnd_below(6)) {
    case 0:
        return places[rnd_below(ARRAY_SIZE(places))] + rnd_below(4096);
    case 1:
        return rnd();
    case 2:
        return POOL_VA + pool_below() * PAGE_SIZE + rnd_below(4096);
    default:
        return (u64)pool.va[pool_below()] + rnd_below(512) * 8;
    }
}

u64 some_word(void)
{
    switch (rnd_below(8)) {
    case 0:
        return rnd_below(16);
    case 1:
        return BIT(rnd_below(64)) - rnd_below(2);
    case 2:
        return some_mfn();
    case 3:
        return some_entry();
    case 4:
        return 0x7ff0 + rnd_below(4);
    case 5:
        return rnd();
    default:
        return some_va();
    }
}

u64 some_domid(void)
{
    static const u64 ids[] = { 0, 1, 2, 3, 0x7fef, 0x7ff1, 0x7ff2, 0x7ff4, 0x7ffb, 0x7ffe, 0xffff };

    return rnd_once_in(6) ? ids[rnd_below(ARRAY_SIZE(ids))] : DOMID_SELF;
}

u64 some_selector(void)
{
    switch (rnd_below(4)) {
    case 0:
        return rnd_below(64) * 8 | rnd_below(8);
    case 1:
        return rnd() & 0xffff;
    default:
        return 0xe000 + rnd_below(16) * 8 + rnd_below(8);
    }
}

void pool_store(u64 i, u64 index, u64 value)
{
    probe_write64((u64)((u64 *)pool.va[i] + index), value);
}

void pool_clear(u64 i)
{
    TRY_IO("rep stosq", , "D"(pool.va[i]), "c"(PAGE_SIZE / 8), "a"(0));
}

s64 pool_map(u64 i, u64 flags)
{
    return update_va_mapping((u64)pool.va[i], flags ? pte_make(pool.mfn[i], flags) : 0,
                             UVMF_INVLPG);
}

u64 *some_slot(void)
{
    return (u64 *)pool.va[pool_below()] + (rnd_once_in(2) ? rnd_below(512) : rnd_below(8));
}

static void make_pool(void)
{
    for (u64 i = 0; i < POOL_PAGES; i++) {
        pool.va[i] = page_alloc();
        pool.mfn[i] = ptr_mfn(pool.va[i]);
    }
    for (u64 i = 0; i < POOL_PAGES; i++)
        map(POOL_VA + i * PAGE_SIZE, pool.mfn[i], PTE_RO_PAGE);
}

/* What a step may have left behind that would make the next ones all alike. */
static void tidy(void)
{
    set_debugreg(7, 0x400);
    fpu_taskswitch(false);
    vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
}

static void (*some_step(void))(void)
{
    static void (*const steps[])(void) = {
        step_tables,    step_tables,    step_tables, step_tables,      step_tables,
        step_hypercall, step_hypercall, step_memory, step_grants,      step_grants,
        step_events,    step_events,    step_domctl, step_descriptors, step_modes,
    };

    if (several && vcpus_relied_on())
        return steps[rnd_below(ARRAY_SIZE(steps) - 2)]; /* the last two may not come back */
    if (several && rnd_once_in(32))
        return step_vcpus;
    return rnd_once_in(64) ? step_deep : steps[rnd_below(ARRAY_SIZE(steps))];
}

static void step(void)
{
    trap_last.vector = -1;
    __asm__ volatile("cld" ::: "cc"); /* a step may have left any flags */
    probe_call(some_step(), 0);
    if (current_l4() != ptr_mfn((void *)start_info->pt_base))
        switch_l4(ptr_mfn((void *)start_info->pt_base)); /* the step was cut off on other tables */
    if (rnd_once_in(16))
        tidy();
}

/* All operations of a vCPU, and the domain's end when the other one is through, too. */
static void fuzz(u64 ops)
{
    struct fuzzer *own = own_fuzzer();

    own->state = (cmdline_hex("seed", 1) + vcpu_id()) * 0x9e3779b97f4a7c15UL + 1;
    modes_begin();
    tidy();
    while (own->done < ops) {
        step();
        __atomic_store_n(&own->done, own->done + 1, __ATOMIC_RELAXED);
        if (own->done % 0x800 == 0)
            print("\nfuzz: vcpu %u: %#lx done\n", vcpu_id(), own->done);
    }
    print("\nfuzz: vcpu %u: all done\n", vcpu_id());
    __atomic_store_n(&own->over, true, __ATOMIC_SEQ_CST);
    if (several)
        vcpus_wait();
    domctl_fuzz_end();
    guest_end();
}

int main(void)
{
    u64 ops = cmdline_hex("ops", 0x4000);

    make_pool();
    deep_init();
    grants_init();
    events_fuzz_init();
    modes_init();
    domctl_fuzz_init();
    print("fuzz: seed %#lx, %#lx operations\n", cmdline_hex("seed", 1), ops);
    several = smp_count() > 1;
    if (several && smp_start(1, fuzz, ops))
        guest_panic("the second vCPU can't be started");
    fuzz(ops);
    return 0;
}
