/*
 * What is measured. Each row is a loop (BATCH in bench.h) and what has to be prepared for it.
 *
 * Rows of which the name doesn't say otherwise, and that change a page-table entry, alternate
 * between two frames: a hypervisor may take a shortcut where an entry stays as it was.
 */
#include "bench.h"

#define CALLS   32 /* in the multicall */
#define UPDATES 64 /* in the long mmu_update */

/* Hypercalls that do nothing. */

BATCH(null_hypercall, call2(__HYPERVISOR_xen_version, XENVER_version, 0))

static struct multicall_entry calls[CALLS];

static void multicall_prepare(void)
{
    for (size_t i = 0; i < CALLS; i++)
        calls[i] =
            (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } };
    MUST(multicall(calls, CALLS) == 0 && (s64)calls[CALLS - 1].result > 0);
}

BATCH(multicall_32, call2(__HYPERVISOR_multicall, (u64)calls, CALLS))

BATCH(stack_switch_row, call2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, 0xffffffff80100000))

BATCH(yield_row, call2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0))

/* Page tables. */

static u64 pages[UPDATES]; /* where the pages are mapped */
static u64 entries[UPDATES];
static u64 *table;                            /* the L1 of what follows, as the kernel sees it */
static u64 toggle;                            /* turns the entry of one frame into the other's */
static struct mmu_update updates[2][UPDATES]; /* to the one frame, and to the other */

/* UPDATES entries at SCRATCH_VA, each mapping frame a; b is the other one. */
static void mapping_prepare(void)
{
    if (table)
        return;
    u64 a = ptr_mfn(page_alloc()), b = ptr_mfn(page_alloc());
    toggle = (a ^ b) << PAGE_SHIFT;
    for (u64 i = 0; i < UPDATES; i++) {
        pages[i] = SCRATCH_VA + i * PAGE_SIZE;
        map(pages[i], a, PTE_RW_PAGE | PTE_D);
        entries[i] = pte_make(a, PTE_RW_PAGE | PTE_D);
    }
    table = pte_of(SCRATCH_VA, 1);
    table = pfn_va(va_pfn(table)); /* mapped read-only, with the rest of the guest's memory */
    for (u64 i = 0; i < UPDATES; i++) {
        updates[0][i] = (struct mmu_update){ ptr_maddr(&table[i]), entries[i] ^ toggle };
        updates[1][i] = (struct mmu_update){ ptr_maddr(&table[i]), entries[i] };
    }
    MUST(mmu_update(updates[0], UPDATES, NULL, DOMID_SELF) == 0);
    MUST(mmu_update(updates[1], UPDATES, NULL, DOMID_SELF) == 0);
}

/*
 * The entry stays as it is, which shows the cost of the call and of finding the entry; the same with
 * a flush of the TLB; another frame; the same with a flush of the page.
 */

BATCH(update_va_mapping_row,
      call3(__HYPERVISOR_update_va_mapping, SCRATCH_VA, entries[0], UVMF_NONE))

BATCH(update_va_mapping_flush,
      call3(__HYPERVISOR_update_va_mapping, SCRATCH_VA, entries[0], UVMF_TLB_FLUSH))

BATCH(update_va_mapping_frame,
      call3(__HYPERVISOR_update_va_mapping, SCRATCH_VA, entries[0] ^= toggle, UVMF_NONE))

BATCH(update_va_mapping_invlpg,
      call3(__HYPERVISOR_update_va_mapping, SCRATCH_VA, entries[0] ^= toggle, UVMF_INVLPG))

BATCH(mmu_update_1, call4(__HYPERVISOR_mmu_update, (u64)updates[rounds & 1], 1, 0, DOMID_SELF))

BATCH(mmu_update_64,
      call4(__HYPERVISOR_mmu_update, (u64)updates[rounds & 1], UPDATES, 0, DOMID_SELF))

static void ptwr_prepare(void)
{
    mapping_prepare();
    MUST(vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables) == 0);
}

BATCH(ptwr_store, *(volatile u64 *)table = entries[0] ^= toggle)

/*
 * A tree as a small process has it: L4, L3, L2 and two L1s, of which one maps 64 pages and the
 * other four. Nothing else refers to it, so each pin validates all of it and each unpin releases
 * it.
 */
static struct mmuext_op pin, unpin;

static void tree_prepare(void)
{
    u64 *l4 = page_alloc(), *l3 = page_alloc(), *l2 = page_alloc(), *l1[2], *data = page_alloc();

    for (u64 i = 0; i < 2; i++) {
        l1[i] = page_alloc();
        for (u64 n = 0; n < (i ? 4 : 64); n++)
            l1[i][n] = pte_make(ptr_mfn(data), PTE_RW_PAGE);
        page_readonly(l1[i]);
        l2[i * 300] = pte_make(ptr_mfn(l1[i]), PTE_TABLE);
    }
    page_readonly(l2);
    l3[1] = pte_make(ptr_mfn(l2), PTE_TABLE);
    page_readonly(l3);
    l4[0] = pte_make(ptr_mfn(l3), PTE_TABLE);
    page_readonly(l4);
    pin = (struct mmuext_op){ .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = ptr_mfn(l4) };
    unpin = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = ptr_mfn(l4) };
    MUST(mmuext_op(&pin, 1, NULL, DOMID_SELF) == 0);
    MUST(mmuext_op(&unpin, 1, NULL, DOMID_SELF) == 0);
}

BATCH(pin_unpin_l4, call4(__HYPERVISOR_mmuext_op, (u64)&pin, 1, 0, DOMID_SELF);
      call4(__HYPERVISOR_mmuext_op, (u64)&unpin, 1, 0, DOMID_SELF))

/* Exceptions. */

BATCH(ud_bounce, __asm__ volatile("ud2" ::: "memory"))

/* Nothing is mapped at that address. */
BATCH(pf_bounce, __asm__ volatile("mov (%0), %%rax" ::"D"(SCRATCH_VA / 2) : "rax", "memory"))

/* The bytes before cpuid ask the hypervisor to emulate it (the ABI's forced emulation). */
BATCH(cpuid_forced, u32 leaf = 0; u32 subleaf = 0;
      __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2"
                       : "+a"(leaf), "+c"(subleaf)::"ebx", "edx"))

/* System calls. The loop runs in user mode and hands its time over with the one that ends it. */

static struct user_space space;

USER static void user_loop(u64 rounds)
{
    u64 start = rdtsc();

    do {
        user_syscall(BENCH_SYSCALL, 0, 0);
    } while (--rounds);
    user_syscall(BENCH_SYSCALL + 1, rdtsc() - start, 0);
}

static void user_prepare(void)
{
    user_space_init(&space);
    MUST(set_callbacks((u64)event_entry, (u64)failsafe_entry, (u64)bench_syscall_entry) == 0);
}

static u64 user_syscall_row(u64 rounds)
{
    struct trap_frame context;

    user_context_init(&context, user_loop, rounds);
    MUST(user_run(&space, &context) == TRAP_SYSCALL && context.rax == BENCH_SYSCALL + 1);
    return context.rdi;
}

/* Console. */

static const char line[65] = "A line of 64 bytes, the last of which is the end of the line...\n";

BATCH(console_write_64, call3(__HYPERVISOR_console_io, CONSOLEIO_write, 64, (u64)line))

const struct row rows[] = {
    { "null_hypercall", 64, null_hypercall, NULL },
    { "multicall_32", 8, multicall_32, multicall_prepare },
    { "update_va_mapping", 64, update_va_mapping_row, mapping_prepare },
    { "update_va_mapping_flush", 64, update_va_mapping_flush, mapping_prepare },
    { "update_va_mapping_frame", 64, update_va_mapping_frame, mapping_prepare },
    { "update_va_mapping_invlpg", 64, update_va_mapping_invlpg, mapping_prepare },
    { "mmu_update_1", 64, mmu_update_1, mapping_prepare },
    { "mmu_update_64", 2, mmu_update_64, mapping_prepare },
    { "ptwr_store", 64, ptwr_store, ptwr_prepare },
    { "pin_unpin_l4", 2, pin_unpin_l4, tree_prepare },
    { "ud_bounce", 64, ud_bounce, traps_measured },
    { "pf_bounce", 64, pf_bounce, traps_measured },
    { "user_syscall", 64, user_syscall_row, user_prepare },
    { "cpuid_forced", 64, cpuid_forced, traps_usual },
    { "stack_switch", 64, stack_switch_row, NULL },
    { "yield", 64, yield_row, NULL },
    { "grant_map_unmap", 64, grant_map_unmap, grants_prepare },
    { "grant_map_unmap_32", 2, grant_map_unmap_32, NULL },
    { "grant_copy_in", 16, grant_copy_in, grant_copy_prepare },
    { "grant_copy_out", 16, grant_copy_out, NULL },
    { "event_send_pending", 64, event_send_pending, events_prepare },
    { "event_send_ipi", 64, event_send_ipi, NULL },
    { "event_send_channel", 64, event_send_channel, NULL },
    { "event_upcall", 64, event_upcall, events_upcall_prepare },
    { "timer_upcall", 16, timer_upcall, timer_prepare },
    { "console_write_64", 2, console_write_64, NULL },
};
const size_t nr_rows = ARRAY_SIZE(rows);
