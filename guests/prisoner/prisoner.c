/*
 * Tries to break out, and says how each attempt was refused: these are the walls that make a paravirtualized guest a guest.
 */
#include "memory.h"
#include "trap.h"

static unsigned int attempts, escapes;

static void report(const char *attempt, bool refused, const char *how, s64 detail)
{
    attempts++;
    escapes += !refused;
    print("%2u. %s: %s %ld\n", attempts, attempt, refused ? how : "IT WORKED", (long)detail);
}

static void refused_by_call(const char *attempt, s64 rc)
{
    report(attempt, rc < 0, "the call answers", rc);
}

static void refused_by_trap(const char *attempt, bool trapped)
{
    report(attempt, trapped, "trap", trapped ? trap_last.vector : 0);
}

/* A frame of RAM that is not ours: the M2P says so. */
static u64 foreign_frame(void)
{
    for (u64 mfn = ptr_mfn(&attempts); mfn > 256; mfn--) {
        u64 pfn;

        if (!probe_read64(MACH2PHYS_VIRT_START + 8 * mfn, &pfn) &&
            (pfn >= start_info->nr_pages || pfn_mfn(pfn) != mfn))
            return mfn;
    }
    return 256;
}

static void try_page_tables(void)
{
    u64 *l4 = (u64 *)start_info->pt_base;
    u64 *l1_entry = pte_of((u64)l4, 1);

    refused_by_trap("write into my own L4", probe_write64((u64)&l4[5], 0));
    refused_by_call("map my own L4 writable",
                    update_va_mapping((u64)l4, pte_make(ptr_mfn(l4), PTE_RW_PAGE), UVMF_INVLPG));
    refused_by_call("hang my L4 into itself, writable",
                    pte_write(&l4[5], pte_make(ptr_mfn(l4), PTE_RW_PAGE)));
    refused_by_call("put a data page where an L3 belongs",
                    pte_write(&l4[5], pte_make(ptr_mfn(&attempts), PTE_TABLE)));
    refused_by_call("change an L4 slot of the hypervisor", pte_write(&l4[260], l4[511]));
    refused_by_call("an entry with reserved bits", pte_write(l1_entry, *l1_entry | BIT(51)));
    refused_by_call("run on a data page as L4", mmuext_one(MMUEXT_NEW_BASEPTR, ptr_mfn(&attempts)));
}

static void try_others_memory(void)
{
    u64 hypervisor_va = HYPERVISOR_VIRT_START + GIB(2 * 1024), *window = page_alloc();

    refused_by_call(
        "map a frame that is not mine",
        update_va_mapping((u64)window, pte_make(foreign_frame(), PTE_RW_PAGE), UVMF_INVLPG));
    refused_by_call("give such a frame away", mmuext_one(MMUEXT_PIN_L1_TABLE, foreign_frame()));
    refused_by_trap("read the hypervisor's memory", probe_read64(hypervisor_va, NULL));
    refused_by_trap("write into the machine-to-physical table",
                    probe_write64(MACH2PHYS_VIRT_START, 0));
    refused_by_call("have a call write there for me",
                    xen_version(XENVER_capabilities, (void *)hypervisor_va));
    refused_by_call("have a call read from there",
                    console_io(CONSOLEIO_write, 16, (const char *)hypervisor_va));
}

static void try_instructions(void)
{
    u8 table[10] = { 0 };
    struct {
        u32 offset;
        u16 selector;
    } PACKED inside = { 0, 0xe008 };

    refused_by_trap("lgdt", TRY_IO("lgdt %0", , "m"(table)));
    refused_by_trap("lidt", TRY_IO("lidt %0", , "m"(table)));
    refused_by_trap("load a task register", TRY_IO("ltr %w0", , "r"(0xe038)));
    refused_by_trap("wrmsr: my own system-call entry",
                    TRY_IO("wrmsr", , "c"(0xc0000082), "a"(0), "d"(0)));
    refused_by_trap("a far jump to the hypervisor's code segment",
                    TRY_IO("ljmp *%0", , "m"(inside)));
    refused_by_trap("int 0xf0, a gate of the hypervisor", TRY("int $0xf0"));
}

int main(void)
{
    try_page_tables();
    try_others_memory();
    try_instructions();
    print("%u attempts, %u escapes: %s\n", attempts, escapes,
          escapes ? "THE WALL HAS A HOLE" : "still inside.");
    return escapes != 0;
}
