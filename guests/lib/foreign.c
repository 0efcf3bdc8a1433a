/*
 * Mapping frames of other domains, see foreign.h. The L1 tables of both places are made once; what is in them changes by mmu_update,
 * whose last argument says whose the frames are.
 */
#include "foreign.h"
#include "memory.h"
#include "vcpu.h"

#define WINDOW_VA    0x0000000060000000UL
#define WINDOW_PAGES 64
#define KEPT_VA      0x0000000060200000UL

/* Each vCPU has a window of its own, as long as there are no more of them than places in its L1 table. */
#define WINDOWS (512 / WINDOW_PAGES)

struct window {
    u16 domid;
    const u64 *mfns;
    u64 pages;
    u64 first, shown; /* pages first .. first + shown - 1 are mapped */
};
static struct window windows[WINDOWS];

static struct window *own_window(void)
{
    return &windows[vcpu_id() % WINDOWS];
}

static u64 window_va(const struct window *w)
{
    return WINDOW_VA + (u64)(w - windows) * WINDOW_PAGES * PAGE_SIZE;
}

/* Tables down to the L1, which can map 512 pages from va on. */
static void make_tables(u64 va)
{
    void *page = page_alloc();

    map(va, ptr_mfn(page), PTE_RO_PAGE);
    if (pte_write(pte_of(va, 1), 0))
        guest_panic("a page cannot be unmapped");
}

void foreign_init(void)
{
    make_tables(WINDOW_VA);
    make_tables(KEPT_VA);
}

static void flush(void)
{
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

    mmuext_op(&op, 1, NULL, DOMID_SELF);
}

void foreign_open(u16 domid, const u64 *mfns, u64 pages)
{
    *own_window() = (struct window){ .domid = domid, .mfns = mfns, .pages = pages };
}

/* Entries at va for frames of a domain; mfns NULL: none. False: refused, and some may be there. */
static bool write_entries(u64 va, u16 domid, const u64 *mfns, u64 count)
{
    struct mmu_update updates[WINDOW_PAGES];

    for (u64 i = 0; i < count; i++)
        updates[i] = (struct mmu_update){
            .ptr = ptr_maddr(pte_of(va + i * PAGE_SIZE, 1)) | MMU_NORMAL_PT_UPDATE,
            .val = mfns ? pte_make(mfns[i], PTE_RW_PAGE) : 0,
        };
    bool ok = count == 0 || mmu_update(updates, count, NULL, mfns ? domid : DOMID_SELF) == 0;
    flush();
    return ok;
}

void foreign_close(void)
{
    struct window *w = own_window();

    if (!write_entries(window_va(w), 0, NULL, w->shown))
        guest_panic("pages of domain %u cannot be unmapped", w->domid);
    w->shown = 0;
}

void *foreign_page(u64 n)
{
    struct window *w = own_window();

    if (n - w->first >= w->shown) {
        foreign_close();
        if (n >= w->pages)
            return NULL;
        w->first = n;
        w->shown = min((u64)WINDOW_PAGES, w->pages - n);
        if (!write_entries(window_va(w), w->domid, w->mfns + n, w->shown)) {
            foreign_close();
            return NULL;
        }
    }
    return (void *)(window_va(w) + (n - w->first) * PAGE_SIZE);
}

bool foreign_write(u64 offset, const void *from, u64 length)
{
    const u8 *p = from;

    while (length) {
        u64 in_page = offset % PAGE_SIZE;
        u64 n = min(length, PAGE_SIZE - in_page);
        u8 *page = foreign_page(offset / PAGE_SIZE);

        if (!page)
            return false;
        memcpy(page + in_page, p, n);
        p += n;
        offset += n;
        length -= n;
    }
    return true;
}

void *foreign_keep(unsigned int slot, u16 domid, u64 mfn)
{
    u64 va = KEPT_VA + slot * PAGE_SIZE;

    if (slot >= FOREIGN_KEPT || !write_entries(va, domid, &mfn, 1))
        return NULL;
    return (void *)va;
}

void foreign_drop(unsigned int slot)
{
    if (!write_entries(KEPT_VA + slot * PAGE_SIZE, 0, NULL, 1))
        guest_panic("a kept page cannot be unmapped");
}
