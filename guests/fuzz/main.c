/*
 * The fuzz guest's loop and its random values: see fuzz.h.
 */
#include "fuzz.h"

struct pool pool;
static u64 state;

u64 rnd(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dUL;
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
        return rnd_below(0x20000); /* anybody's, on a machine of 512 MiB */
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

static u64 number(const char *key, u64 otherwise)
{
    char text[32];
    u64 n = 0;

    if (!cmdline_value(key, text, sizeof(text)))
        return otherwise;
    for (const char *c = text; *c; c++)
        n = n * 16 + (*c <= '9' ? *c - '0' : (*c | 0x20) - 'a' + 10);
    return n;
}

int main(void)
{
    u64 seed = number("seed", 1), ops = number("ops", 0x4000);

    state = seed * 0x9e3779b97f4a7c15UL + 1;
    make_pool();
    vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    print("fuzz: seed %#lx, %#lx operations\n", seed, ops);
    for (u64 i = 0; i < ops; i++) {
        if (rnd_once_in(3))
            step_hypercall();
        else
            step_tables();
        if (i % 0x1000 == 0xfff)
            print("fuzz: %#lx done\n", i + 1);
    }
    print("fuzz: all done\n");
    return 0;
}
