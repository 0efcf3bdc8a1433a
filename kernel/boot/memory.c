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

#define LOW_MEMORY     MIB(1) /* the firmware's and the APs' first page; never given out */
#define BOOT_MAP_LIMIT GIB(4) /* what boot/start.asm has mapped */

extern u8 image_start[], image_end[];

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
    info->nr_modules = kept;
    if (info->modules_lost)
        printk("%u modules left out: at most %u, none empty\n", info->modules_lost,
               BOOT_MODULES_MAX);
}

/* Usable memory that nobody uses yet. The loader's data stays: command lines are read from it. */
static void find_free(const struct boot_info *info, u64 info_address, u64 image,
                      struct range_list *free)
{
    u32 info_size = *(const u32 *)(DIRECTMAP_VA + info_address);

    *free = info->ram;
    ranges_subtract(free, 0, LOW_MEMORY);
    ranges_subtract(free, image, image + (image_end - image_start));
    ranges_subtract(free, ROUND_DOWN(info_address, PAGE_SIZE),
                    ROUND_UP(info_address + info_size, PAGE_SIZE));
    for (u32 i = 0; i < info->nr_modules; i++)
        ranges_subtract(free, ROUND_DOWN(info->modules[i].start, PAGE_SIZE),
                        ROUND_UP(info->modules[i].end, PAGE_SIZE));
}

void memory_start(struct boot_info *info, u64 info_address, u64 image)
{
    static struct range_list free;

    /* Image and loader's data are RAM, whatever the map says: both are reached through the direct map. */
    ranges_add(&info->ram, image, image + (image_end - image_start));
    ranges_add(&info->ram, ROUND_DOWN(info_address, PAGE_SIZE),
               ROUND_UP(info_address + *(const u32 *)(DIRECTMAP_VA + info_address), PAGE_SIZE));
    check_modules(info);
    find_free(info, info_address, image, &free);
    early_init(&free, BOOT_MAP_LIMIT);
    map_init(&info->ram, image, cpu_features.pages_1g);
    map_frame_table(&info->ram);
    map_cpu(0);
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
