/*
 * Memory at start-up: see memory.h.
 */
#include "boot/memory.h"

#include "lib/panic.h"
#include "mm/alloc.h"
#include "mm/early.h"
#include "mm/frame.h"
#include "mm/map.h"
#include "x86/cpu.h"
#include "x86/features.h"

#define LOW_MEMORY     MIB(1)    /* the firmware's; never given out but for the trampoline */
#define REAL_MODE_END  0xa0000UL /* RAM that real mode reaches ends here */
#define BOOT_MAP_LIMIT GIB(4)    /* what boot/start.asm has mapped */

extern u8 image_start[], image_end[];
extern pte_t boot_l4[]; /* start.asm: the first page tables */

static u64 image_address;
static u32 blocks;     /* CPU blocks mapped */
static u64 trampoline; /* 0: there is no memory for one */

const void *memory_reach(u64 address, u64 size)
{
    if (address == 0 || address >= BOOT_MAP_LIMIT || size > BOOT_MAP_LIMIT - address)
        return NULL;
    return (const void *)(DIRECTMAP_VA + address);
}

/* A module must lie in RAM; one that doesn't is dropped, with a line. */
static void check_modules(struct boot_info *info)
{
    u32 kept = 0;

    for (u32 i = 0; i < info->nr_modules; i++) {
        struct boot_module *m = &info->modules[i];

        if (ranges_contain(&info->ram, ROUND_DOWN(m->start, PAGE_SIZE),
                           ROUND_UP(m->end, PAGE_SIZE)))
            info->modules[kept++] = *m;
        else
            printk("module `%s` at %#lx-%#lx is not in usable memory: left out\n", m->command_line,
                   m->start, m->end);
    }
    info->modules_lost += info->nr_modules - kept;
    info->nr_modules = kept;
}

/* Usable memory that nobody uses yet. The loader's data stays: command lines are read from it. */
static void find_free(const struct boot_info *info, u64 info_address, u64 image,
                      struct range_list *free)
{
    u32 info_size = *(const u32 *)(DIRECTMAP_VA + info_address);

    *free = info->ram;
    ranges_subtract(
        free, 0, PAGE_SIZE); /* frame 0 ends lists; and the firmware's interrupt table lies there */
    ranges_subtract(free, image, image + (image_end - image_start));
    ranges_subtract(free, ROUND_DOWN(info_address, PAGE_SIZE),
                    ROUND_UP(info_address + info_size, PAGE_SIZE));
    for (u32 i = 0; i < info->nr_modules; i++)
        ranges_subtract(free, ROUND_DOWN(info->modules[i].start, PAGE_SIZE),
                        ROUND_UP(info->modules[i].end, PAGE_SIZE));
    trampoline = ranges_take(free, PAGE_SIZE, PAGE_SIZE, REAL_MODE_END);
    if (trampoline == ~0UL)
        trampoline = 0;
    ranges_subtract(free, 0, LOW_MEMORY);
}

void memory_start(struct boot_info *info, u64 info_address, u64 image, u32 cpus)
{
    static struct range_list free;

    /* Image and loader's data are RAM, whatever the map says: both are reached through the direct
     * map. */
    ranges_add(&info->ram, image, image + (image_end - image_start));
    ranges_add(&info->ram, ROUND_DOWN(info_address, PAGE_SIZE),
               ROUND_UP(info_address + *(const u32 *)(DIRECTMAP_VA + info_address), PAGE_SIZE));
    ranges_subtract(&info->ram, DIRECTMAP_MAX, ~0UL); /* more than the address space can show */
    image_address = image;
    check_modules(info);
    find_free(info, info_address, image, &free);
    early_init(&free, BOOT_MAP_LIMIT);
    map_init(&info->ram, image, cpu_features.pages_1g);
    map_frame_table(&info->ram);
    for (blocks = 0; blocks < cpus; blocks++)
        map_cpu(blocks);
}

void memory_smp_setup(struct smp_setup *setup)
{
    map_fill_l4(boot_l4); /* slot 0 still maps the first 4 GiB at their own addresses */
    *setup = (struct smp_setup){
        .trampoline = trampoline,
        .trampoline_page = (void *)(DIRECTMAP_VA + trampoline),
        .first_cr3 = image_address + ((u8 *)boot_l4 - image_start),
        .blocks = blocks,
        .cr3 = map_root().n << PAGE_SHIFT,
    };
}

void memory_finish(const struct boot_info *info)
{
    const struct range_list *rest = early_finish();

    for (u32 i = 0; i < rest->count; i++)
        alloc_give(MFN(rest->range[i].start >> PAGE_SHIFT),
                   (rest->range[i].end - rest->range[i].start) >> PAGE_SHIFT);
    printk("memory: %lu MiB usable, %lu MiB free, %lu KiB for tables and stacks\n",
           ranges_total(&info->ram) >> 20, ranges_total(rest) >> 20, early_taken() >> 10);
}

NORETURN void memory_enter_block(u32 cpu, void (*next)(void))
{
    struct cpu *c = cpu_of(cpu);

    c->id = cpu;
    c->cr3 = map_root().n << PAGE_SHIFT;
    asm volatile("mov %0, %%rsp\n\t"
                 "xor %%ebp, %%ebp\n\t"
                 "call *%1\n\t"
                 "ud2"
                 :
                 : "r"((u64)c - sizeof(struct regs)), "r"(next)
                 : "memory");
    __builtin_unreachable();
}
