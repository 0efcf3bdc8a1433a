/*
 * The hypervisor's page tables (SDM vol. 3, 4.5): see map.h.
 *
 * Every upper-level entry allows all that a leaf below it may ask for, so that the leaf alone
 * decides; the machine-to-physical table makes use of the opposite: its L2s stand in two L3
 * entries, one that says read-only and user (M2P_VA), one that says writable and supervisor
 * (M2P_RW_VA).
 */
#include "mm/map.h"

#include "lib/panic.h"
#include "lib/string.h"
#include "mm/early.h"
#include "mm/frame.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/descriptors.h"

#define SIZE_4K 0x1000UL
#define SIZE_2M 0x200000UL
#define SIZE_1G 0x40000000UL

#define PTE_KEPT                                                                                   \
    (PTE_P | PTE_A | PTE_D |                                                                       \
     PTE_G) /* accessed and dirty from the start: the CPU never writes these tables */
#define PTE_TEXT  (PTE_KEPT)
#define PTE_CONST (PTE_KEPT | PTE_NX)
#define PTE_DATA  (PTE_KEPT | PTE_RW | PTE_NX)
#define PTE_UPPER (PTE_P | PTE_A | PTE_RW)

extern u8 image_start[], rodata_start[], data_start[], image_end[], syscall_stub_page[];

u64 max_mfn;
u64 *m2p_table;

static mfn_t root;
static u64 image_address;
static u64 largest_page = SIZE_2M;
static u64 next_device_va = MMIO_VA;

/* LAB 1.2a: The entry for an address, with the tables above it; ranges by the largest pages. */

/* --- one mapping --- */

/* The entry for va in a table of `level`, the tables on the way made as needed. */
static pte_t *entry_for(u64 va, u32 level)
{
    mfn_t table = root;

    for (u32 l = 4;; l--) {
        pte_t *entry = (pte_t *)mfn_to_virt(table) + pt_index(va, l);

        if (l == level)
            return entry;
        if (!(*entry & PTE_P))
            *entry = pte_make(early_page(), PTE_UPPER);
        table = pte_mfn(*entry);
    }
}

/* Map [pa, pa + size) at va with the largest pages that fit; all three are multiples of 4 KiB.
 * `flags`: PTE_TEXT, PTE_CONST or PTE_DATA, and what a kind of memory needs besides. */
static void map_range(u64 va, u64 pa, u64 size, u64 flags)
{
    while (size > 0) {
        u64 page = SIZE_4K;
        u32 level = 1;

        if (!((va | pa) & (SIZE_2M - 1)) && size >= SIZE_2M)
            page = SIZE_2M, level = 2;
        if (largest_page == SIZE_1G && !((va | pa) & (SIZE_1G - 1)) && size >= SIZE_1G)
            page = SIZE_1G, level = 3;
        *entry_for(va, level) = pa | flags | (level > 1 ? PTE_PSE : 0);
        va += page;
        pa += page;
        size -= page;
    }
}

/* END LAB 1.2a */

/* LAB 1.2b: Map the image by its kinds of access, all RAM, and make every L3 of the sixteen slots. */

/* --- image and direct map --- */

static void map_image_part(const u8 *start, const u8 *end, u64 flags)
{
    map_range((u64)start, image_address + (start - image_start), end - start, flags);
}

/* The image lies in one piece from image_address on; from rodata_start on it holds constants, from
 * data_start to image_end data. */
static void map_image(void)
{
    map_image_part(image_start, rodata_start, PTE_TEXT);
    map_image_part(rodata_start, data_start, PTE_CONST);
    map_image_part(data_start, image_end, PTE_DATA);
}

/* All RAM, but for the image's code and constants: no way to write them is left. */
static void map_all_direct(const struct range_list *ram)
{
    struct range_list list = *ram;

    ranges_subtract(&list, image_address, image_address + (data_start - image_start));
    for (u32 i = 0; i < list.count; i++)
        map_range(DIRECTMAP_VA + list.range[i].start, list.range[i].start,
                  list.range[i].end - list.range[i].start, PTE_DATA);
}

/* Every L3 of the hypervisor's slots exists from the start, so that the sixteen entries never
 * change. Ring 3 may come by the first of them, as the machine-to-physical table is under it. */
static void make_l3s(void)
{
    pte_t *l4 = mfn_to_virt(root);

    for (u32 slot = HYP_L4_FIRST; slot <= HYP_L4_LAST; slot++)
        if (!(l4[slot] & PTE_P))
            l4[slot] = pte_make(early_page(), PTE_UPPER);
    l4[HYP_L4_FIRST] |= PTE_U;
}

/* END LAB 1.2b */

void map_init(const struct range_list *ram, u64 image, bool pages_1g)
{
    assert((u64)image_start == KOAN_VA);
    image_address = image;
    if (pages_1g)
        largest_page = SIZE_1G;
    root = early_page();
    map_image();
    map_all_direct(ram);
    make_l3s();
    write_cr3(root.n << PAGE_SHIFT);
    early_raise_limit(DIRECTMAP_MAX);
}

/* --- frame table and machine-to-physical table --- */

#define FRAMES_PER_2M   (SIZE_2M / sizeof(struct frame)) /* frames whose entries fill a superpage */
#define FRAMES_PER_PAGE (SIZE_4K / sizeof(struct frame))
#define M2P_PER_PAGE    (SIZE_4K / sizeof(u64))

static bool any_ram(const struct range_list *ram, u64 first_mfn, u64 count)
{
    u64 start = first_mfn << PAGE_SHIFT, end = (first_mfn + count) << PAGE_SHIFT;

    for (u32 i = 0; i < ram->count; i++)
        if (ram->range[i].start < end && start < ram->range[i].end)
            return true;
    return false;
}

/* Write whole entries, by a copy that overlaps itself: four moves a frame, which is what most of
 * the start's time is spent on. */
static void frames_fill(struct frame *f, u64 count, u16 owner)
{
    const void *from = f;
    u64 words = (count - 1) * (sizeof(struct frame) / 8);

    if (count == 0)
        return;
    *f++ = (struct frame){ .owner = owner };
    asm volatile("rep movsq" : "+S"(from), "+D"(f), "+c"(words) : : "memory");
}

/* One L1 whose entries all lead to the same read-only page of ownerless frames serves every stretch
 * without RAM. */
static mfn_t make_hole_table(void)
{
    mfn_t page = early_page(), table = early_page();
    pte_t *entries = mfn_to_virt(table);

    frames_fill(mfn_to_virt(page), FRAMES_PER_PAGE, OWNER_NONE);
    for (u32 i = 0; i < PTES_PER_TABLE; i++)
        entries[i] = pte_make(page, PTE_CONST);
    return table;
}

/* Table memory for a stretch of FRAMES_PER_2M frames with RAM: a superpage where that many frames
 * exist, else just the pages that are needed. */
static void map_frames(u64 first)
{
    u64 count = min(max_mfn - first, FRAMES_PER_2M);
    u64 size = ROUND_UP(count * sizeof(struct frame), PAGE_SIZE);
    mfn_t memory = early_take_dirty(size, size == SIZE_2M ? SIZE_2M : PAGE_SIZE);

    map_range((u64)&frame_table[first], memory.n << PAGE_SHIFT, size, PTE_DATA);
}

/* Fill the entries of [first, end) with one owner, except where there is no table memory of their
 * own. */
static void fill_stretch(const struct range_list *ram, u64 first, u64 end, u16 owner)
{
    while (first < end) {
        u64 stop = min(end, ROUND_DOWN(first, FRAMES_PER_2M) + FRAMES_PER_2M);

        if (any_ram(ram, ROUND_DOWN(first, FRAMES_PER_2M), FRAMES_PER_2M))
            frames_fill(&frame_table[first], stop - first, owner);
        first = stop;
    }
}

static void fill_frames(const struct range_list *ram)
{
    u64 done = 0;

    for (u32 i = 0; i < ram->count; i++) {
        u64 first = ram->range[i].start >> PAGE_SHIFT, end = ram->range[i].end >> PAGE_SHIFT;

        fill_stretch(ram, done, first, OWNER_NONE);
        fill_stretch(ram, first, end, OWNER_KOAN);
        done = end;
    }
    /* The table's last page has entries that no frame belongs to. */
    fill_stretch(ram, done, min(ROUND_UP(done, FRAMES_PER_PAGE), ROUND_UP(done, FRAMES_PER_2M)),
                 OWNER_NONE);
}

/* The L1 and the page of the table that hold mfn's entry; both views share the L2s below. */
static void map_m2p_page(u64 first)
{
    u64 offset = first * sizeof(u64);
    mfn_t page = early_take_dirty(PAGE_SIZE, PAGE_SIZE);
    pte_t *reader = entry_for(M2P_VA + offset, 3), *writer = entry_for(M2P_RW_VA + offset, 3);

    if (!(*writer & PTE_P)) {
        *writer = pte_make(early_page(), PTE_UPPER);
        *reader = (*writer & ~PTE_RW) | PTE_U;
    }
    pte_t *upper = entry_for(M2P_RW_VA + offset, 2);
    if (!(*upper & PTE_P))
        *upper = pte_make(early_page(), PTE_UPPER | PTE_U);
    *entry_for(M2P_RW_VA + offset, 1) = pte_make(page, PTE_DATA | PTE_U);
    memset(mfn_to_virt(page), 0xff, PAGE_SIZE); /* INVALID_M2P */
}

void map_frame_table(const struct range_list *ram)
{
    mfn_t hole = make_hole_table();

    max_mfn = ram->range[ram->count - 1].end >> PAGE_SHIFT;
    m2p_table = (u64 *)M2P_RW_VA;
    for (u64 first = 0; first < max_mfn; first += FRAMES_PER_2M) {
        if (any_ram(ram, first, FRAMES_PER_2M))
            map_frames(first);
        else
            *entry_for((u64)&frame_table[first], 2) = pte_make(hole, PTE_UPPER);
    }
    for (u64 first = 0; first < max_mfn; first += M2P_PER_PAGE)
        if (any_ram(ram, first, M2P_PER_PAGE))
            map_m2p_page(first);
    fill_frames(ram);
}

/* --- CPU blocks, descriptor windows, devices --- */

/* LAB 1.2c: Map a CPU's block, with a guard page below each stack, and its page of the GDT. */

/* Pages of the block that have memory: see x86/cpu.h. The others are guards. */
#define BLOCK_PAGES_MAPPED 0xfd54 /* 2, 4, 6, 8, 10..15 */

/* The block has the SYSCALL stub, which is code of the image, in its page 0, then guards and stacks
 * (x86/cpu.h). Of the descriptor window only page GDT_GUEST_PAGES is ours; it isn't global. */
void map_cpu(u32 cpu)
{
    u64 block = STACKS_VA + cpu * CPU_BLOCK_SIZE, window = gdt_window(cpu);

    map_range(block, image_address + (syscall_stub_page - image_start), PAGE_SIZE, PTE_TEXT);
    for (u32 page = 1; page < CPU_BLOCK_SIZE / PAGE_SIZE; page++)
        if (BLOCK_PAGES_MAPPED >> page & 1)
            map_range(block + page * PAGE_SIZE, early_page().n << PAGE_SHIFT, PAGE_SIZE, PTE_DATA);
    /* The guest's pages of the window come and go, and the CPU may keep what is near them. */
    map_range(window + GDT_GUEST_PAGES * PAGE_SIZE, early_page().n << PAGE_SHIFT, PAGE_SIZE,
              PTE_DATA & ~PTE_G);
}

/* END LAB 1.2c */

void *map_device(u64 address, u64 size, enum map_device_cache cache)
{
    u64 first = ROUND_DOWN(address, PAGE_SIZE), end = ROUND_UP(address + size, PAGE_SIZE);
    u64 va = next_device_va;
    u64 flags = cache == MAP_WRITE_COMBINING ? PTE_PAT : PTE_PCD | PTE_PWT;

    next_device_va += end - first + PAGE_SIZE; /* and a gap */
    for (u64 offset = 0; offset < end - first; offset += PAGE_SIZE)
        map_range(va + offset, first + offset, PAGE_SIZE, PTE_DATA | flags);
    return (void *)(va + address - first);
}

void map_fill_l4(pte_t *l4)
{
    memcpy(&l4[HYP_L4_FIRST], map_l4_entries(), (HYP_L4_LAST + 1 - HYP_L4_FIRST) * sizeof(pte_t));
}

const pte_t *map_l4_entries(void)
{
    return (const pte_t *)mfn_to_virt(root) + HYP_L4_FIRST;
}

mfn_t map_root(void)
{
    return root;
}

pte_t *map_desc_entries(u32 cpu)
{
    return entry_for(gdt_window(cpu), 1);
}
