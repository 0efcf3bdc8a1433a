/*
 * Guests' descriptor tables in the windows of the CPUs: see descriptor.h.
 *
 * A page of the GDT window that the guest does not use shows a page of zeros, so a selector there
 * faults as it would beyond a limit. cpu->desc_pages is one more than the number of guest pages
 * mapped (0: the window has never been filled); cpu->ldt_pages has a bit for each LDT page mapped,
 * and LDT_LOADED.
 */
#include "domain/descriptor.h"

#include "abi/errno.h"
#include "domain/guest_walk.h"
#include "lib/trace.h"
#include "mm/alloc.h"
#include "mm/map.h"
#include "mm/segdesc.h"
#include "mm/type.h"
#include "x86/descriptors.h"
#include "x86/tlb.h"

#define DESCS_PER_PAGE (PAGE_SIZE / sizeof(u64))
#define LDT_FIRST      16 /* of the window's entries */
#define LDT_LOADED     BIT(63)
#define GUEST_TABLE                                                                                \
    (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX) /* the CPU sets the descriptors' accessed bits */

static mfn_t nothing; /* r: a page of zeros */

void descriptor_init(void)
{
    nothing = alloc_koan_page();
    if (nothing.n == INVALID_MFN.n)
        panic("no memory for a page of empty descriptors");
}

static u32 table_pages(u32 entries)
{
    return (entries + DESCS_PER_PAGE - 1) / DESCS_PER_PAGE;
}

static void window_set(struct cpu *cpu, u32 index, pte_t e)
{
    pte_t *slot = map_desc_entries(cpu->id) + index;
    pte_t old = *slot;

    if (old == e)
        return;
    *slot = e;
    if (old & PTE_P)
        tlb_flush_page_local(gdt_window(cpu->id) + index * PAGE_SIZE);
}

/* ---- GDT ---- */

static void gdt_load(struct vcpu *v, struct cpu *cpu, u32 pages)
{
    u32 stale = cpu->desc_pages ? cpu->desc_pages - 1 : GDT_GUEST_PAGES;

    for (u32 i = 0; i < pages; i++)
        window_set(cpu, i, pte_make(v->ctx.gdt_frames[i], GUEST_TABLE));
    for (u32 i = pages; i < stale; i++)
        window_set(cpu, i, pte_make(nothing, PTE_P | PTE_A | PTE_NX));
    cpu->desc_pages = pages + 1;
}

static void frames_put(struct domain_memory *m, mfn_t *frames, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (frames[i].n != INVALID_MFN.n) {
            type_put(m, frames[i]);
            frames[i] = INVALID_MFN;
        }
}

/* Take all frames as descriptor pages, or none. */
static bool frames_get(struct domain_memory *m, mfn_t *taken, const u64 *frames, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (type_get(m, MFN(frames[i]), FRAME_SEG, NULL)) {
            frames_put(m, taken, i);
            return false;
        }
        taken[i] = MFN(frames[i]);
    }
    return true;
}

s64 descriptor_set_gdt(struct vcpu *v, const u64 *frames, u32 entries)
{
    struct domain_memory *m = &v->domain->mem;
    mfn_t taken[GDT_GUEST_PAGES];
    u32 pages = table_pages(entries);

    if (!memory_enter(m))
        return -XEN_ERESTART;
    bool ok = frames_get(m, taken, frames, pages);
    if (ok) {
        mfn_t old[GDT_GUEST_PAGES];
        u32 old_pages = table_pages(v->ctx.gdt_entries);

        for (u32 i = 0; i < old_pages; i++)
            old[i] = v->ctx.gdt_frames[i];
        for (u32 i = 0; i < GDT_GUEST_PAGES; i++)
            v->ctx.gdt_frames[i] = i < pages ? taken[i] : INVALID_MFN;
        v->ctx.gdt_entries = entries;
        if (v == current_vcpu())
            gdt_load(v, this_cpu(), pages);
        frames_put(m, old, old_pages); /* after no CPU uses them any more */
    }
    memory_leave(m);
    return ok ? 0 : refuse(-XEN_EINVAL, entries);
}

/* ---- LDT ---- */

static void ldt_unload(struct cpu *cpu)
{
    for (u32 i = 0; i < LDT_PAGES; i++)
        if (cpu->ldt_pages & BIT(i))
            window_set(cpu, LDT_FIRST + i, 0);
    cpu->ldt_pages = 0;
    ldt_load(0);
}

static void ldt_reload(struct vcpu *v, struct cpu *cpu)
{
    ldt_unload(cpu);
    if (!v->ctx.ldt_entries)
        return;
    for (u32 i = 0; i < LDT_PAGES; i++)
        if (v->ctx.ldt_frames[i].n != INVALID_MFN.n) {
            window_set(cpu, LDT_FIRST + i, pte_make(v->ctx.ldt_frames[i], GUEST_TABLE));
            cpu->ldt_pages |= BIT(i);
        }
    cpu->ldt_pages |= LDT_LOADED;
    ldt_load(v->ctx.ldt_entries);
}

s64 descriptor_forget_ldt_pages(struct vcpu *v)
{
    struct domain_memory *m = &v->domain->mem;

    if (!memory_enter(m))
        return -XEN_ERESTART;
    if (v == current_vcpu())
        ldt_unload(this_cpu());
    frames_put(m, v->ctx.ldt_frames, LDT_PAGES);
    if (v == current_vcpu()) /* still loaded, each page to be looked up anew */
        ldt_reload(v, this_cpu());
    memory_leave(m);
    return 0;
}

s64 descriptor_set_ldt(struct vcpu *v, u64 va, u32 entries)
{
    if ((va & (PAGE_SIZE - 1)) || entries > LDT_ENTRIES_MAX || !guest_range_ok(va, 0))
        return refuse(-XEN_EINVAL, va);
    if (va == v->ctx.ldt_va && entries == v->ctx.ldt_entries)
        return 0;
    if (v->ctx.ldt_entries && descriptor_forget_ldt_pages(v))
        return -XEN_ERESTART;
    v->ctx.ldt_va = va;
    v->ctx.ldt_entries = entries;
    if (v == current_vcpu())
        ldt_reload(v, this_cpu());
    return 0;
}

/* The frame that the guest has at a page of its LDT, as a descriptor page; under the lock. */
static mfn_t ldt_frame_get(struct vcpu *v, u32 page)
{
    struct domain_memory *m = &v->domain->mem;
    u64 va = v->ctx.ldt_va + page * PAGE_SIZE;

    if (!guest_range_ok(va, PAGE_SIZE))
        return INVALID_MFN;
    pte_t e = guest_walk(v->ctx.cr3_kernel, va);
    if (!(e & PTE_P) || type_get(m, pte_mfn(e), FRAME_SEG, NULL))
        return INVALID_MFN;
    return pte_mfn(e);
}

/* True: mapped now, or to be tried again. */
static bool ldt_map_page(struct vcpu *v, u32 page)
{
    struct cpu *cpu = this_cpu();

    if (page >= table_pages(v->ctx.ldt_entries) || v->ctx.ldt_frames[page].n != INVALID_MFN.n)
        return false;
    if (!memory_enter(&v->domain->mem))
        return true;
    mfn_t mfn = ldt_frame_get(v, page);
    memory_leave(&v->domain->mem);
    if (mfn.n == INVALID_MFN.n)
        return false;
    v->ctx.ldt_frames[page] = mfn;
    window_set(cpu, LDT_FIRST + page, pte_make(mfn, GUEST_TABLE));
    cpu->ldt_pages |= BIT(page);
    return true;
}

bool descriptor_is_ldt(u64 address)
{
    u64 offset = address - ldt_window(this_cpu()->id);

    return offset < LDT_PAGES * PAGE_SIZE;
}

bool descriptor_ldt_fault(struct vcpu *v, u64 address)
{
    return descriptor_is_ldt(address) &&
           ldt_map_page(v, (address - ldt_window(this_cpu()->id)) / PAGE_SIZE);
}

u64 descriptor_ldt_address(const struct vcpu *v, u64 address)
{
    return v->ctx.ldt_va + (address - ldt_window(this_cpu()->id));
}

void descriptor_touch_ldt(struct vcpu *v, u16 selector)
{
    if ((selector & 4) && (selector >> 3) < v->ctx.ldt_entries)
        ldt_map_page(v, (selector >> 3) / DESCS_PER_PAGE);
}

/* ---- both ---- */

void descriptor_load(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();
    u32 pages = table_pages(v->ctx.gdt_entries);

    if (pages || cpu->desc_pages != 1)
        gdt_load(v, cpu, pages);
    if (unlikely(v->ctx.ldt_entries || cpu->ldt_pages)) {
        const u16 selectors[] = { v->ctx.ds, v->ctx.es, v->ctx.fs, v->ctx.gs };

        ldt_reload(v, cpu);
        for (u32 i = 0; i < ARRAY_SIZE(selectors); i++) /* which are loaded next */
            descriptor_touch_ldt(v, selectors[i]);
    }
}

bool descriptor_release(struct vcpu *v)
{
    struct domain_memory *m = &v->domain->mem;

    if (!memory_enter(m))
        return false;
    frames_put(m, v->ctx.gdt_frames, GDT_GUEST_PAGES);
    frames_put(m, v->ctx.ldt_frames, LDT_PAGES);
    v->ctx.gdt_entries = 0;
    v->ctx.ldt_entries = 0;
    memory_leave(m);
    return true;
}

/*
 * An ordinary page of the guest's may be written as well: it may become a descriptor page later,
 * and is checked then.
 */
s64 descriptor_update(struct vcpu *v, u64 machine_address, u64 desc)
{
    struct domain_memory *m = &v->domain->mem;
    mfn_t mfn = MFN(machine_address >> PAGE_SHIFT);

    if ((machine_address % sizeof(u64)) || !segdesc_check(&desc))
        return refuse(-XEN_EINVAL, desc);
    if (!memory_enter(m))
        return -XEN_ERESTART;
    struct frame *f = frame_owned(mfn, m->domid);
    bool ok = f && !type_get(m, mfn, f->type == FRAME_SEG ? FRAME_SEG : FRAME_WRITABLE, NULL);
    if (ok) {
        u64 *slot = (u64 *)((u8 *)mfn_to_virt(mfn) + (machine_address & (PAGE_SIZE - 1)));

        __atomic_store_n(slot, desc, __ATOMIC_RELEASE);
        type_put(m, mfn);
    }
    memory_leave(m);
    return ok ? 0 : refuse(-XEN_EINVAL, machine_address);
}
