/*
 * GDT, TSS, IDT and the SYSCALL registers of each CPU: see descriptors.h.
 */
#include "x86/descriptors.h"

#include "x86/asm.h"
#include "x86/regs.h"

struct idt_gate {
    u16 offset_low;
    u16 selector;
    u8 ist;
    u8 type; /* present, DPL, 0xe: interrupt gate */
    u16 offset_middle;
    u32 offset_high;
    u32 reserved;
};
static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3, figure 6-8");

struct PACKED table_pointer {
    u16 limit;
    u64 base;
};

#define TYPE_LDT 0x2
#define TYPE_TSS 0x9 /* available */

extern const u64 trap_stub_table[256]; /* entry.asm */

static struct idt_gate idt[256] ALIGNED(4096); /* r */

/* Interrupt gates only. `dpl`: the highest ring that may come by INT n; `ist`: which stack of the
 * TSS, 1 to 7, or 0: go on with the one that is there, or rsp0 when ring 3 was interrupted. */
static void set_gate(u32 vector, u16 selector, u8 dpl, u8 ist)
{
    u64 target = trap_stub_table[vector];

    idt[vector] = (struct idt_gate){
        .offset_low = target & 0xffff,
        .offset_middle = target >> 16 & 0xffff,
        .offset_high = target >> 32,
        .selector = selector,
        .ist = ist,
        .type = 0x8e | dpl << 5,
    };
}

static void load_idt(void)
{
    struct table_pointer idtr = { sizeof(idt) - 1, (u64)idt };

    asm volatile("lidt %0" : : "m"(idtr));
}

void descriptors_early(void)
{
    u16 code;

    asm("mov %%cs, %0" : "=r"(code));
    for (u32 vector = 0; vector < 256; vector++)
        set_gate(vector, code, 0, 0);
    load_idt();
}

/* LAB 1.3a: Fill the interrupt table: who may come by INT n, and who needs a stack of its own. */

/*
 * All vectors enter at SEL_KOAN_CODE, with interrupts off. A guest may use int3 and into directly
 * (vectors 3 and 4); any other INT n is a general-protection fault, which domain/ answers from the
 * guest's trap table. Who has a stack of its own, and no one else: IST_ in x86/cpu.h.
 */
void descriptors_init(void)
{
    for (u32 vector = 0; vector < 256; vector++)
        set_gate(vector, SEL_KOAN_CODE, vector == TRAP_BP || vector == TRAP_OF ? 3 : 0, 0);
    set_gate(TRAP_DF, SEL_KOAN_CODE, 0, IST_DF);
    set_gate(TRAP_NMI, SEL_KOAN_CODE, 0, IST_NMI);
    set_gate(TRAP_MC, SEL_KOAN_CODE, 0, IST_MC);
    set_gate(TRAP_DB, SEL_KOAN_CODE, 0, IST_DB);
}

/* END LAB 1.3a */

static u64 *gdt_entry(u32 cpu, u32 selector)
{
    return (u64 *)(gdt_window(cpu) + (selector & ~7UL));
}

/* LAB 1.3b: Fill this CPU's GDT: code and data for both rings, and the TSS's descriptor. */

#define DESC_CODE64_RING0 0x00af9b000000ffffUL
#define DESC_DATA_RING0   0x00cf93000000ffffUL
#define DESC_CODE32_RING3 0x00cffb000000ffffUL
#define DESC_DATA_RING3   0x00cff3000000ffffUL
#define DESC_CODE64_RING3 0x00affb000000ffffUL

/* Write the descriptor of a TSS or an LDT at base, whose last byte is at base + limit, to
 * entry[0..1]. */
static void set_system(u64 *entry, u64 base, u64 limit, u64 type)
{
    /* A system descriptor takes two slots (SDM vol. 3, figure 8-4); the low one is written last. */
    entry[1] = base >> 32;
    entry[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | 1UL << 47 |
               (limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56;
}

/* Flat segments, each where its SEL_ name (descriptors.h) says, and c's TSS. */
static void fill_gdt(struct cpu *c)
{
    *gdt_entry(c->id, SEL_KOAN_CODE) = DESC_CODE64_RING0;
    *gdt_entry(c->id, SEL_KOAN_DATA) = DESC_DATA_RING0;
    *gdt_entry(c->id, SEL_GUEST_CS32) = DESC_CODE32_RING3;
    *gdt_entry(c->id, SEL_GUEST_DATA) = DESC_DATA_RING3;
    *gdt_entry(c->id, SEL_GUEST_CS64) = DESC_CODE64_RING3;
    set_system(gdt_entry(c->id, SEL_TSS), (u64)&c->tss, sizeof(c->tss) - 1, TYPE_TSS);
}

/* END LAB 1.3b */

static u64 block_page(const struct cpu *c, u32 page)
{
    return STACKS_VA + c->id * CPU_BLOCK_SIZE + page * PAGE_SIZE;
}

/* LAB 1.3c: Fill the TSS with this CPU's stacks, then load GDT, segments, IDT and TSS. */

/* Stacks: each IST stack is the page below its guard; the main one ends at struct cpu, where the
 * outermost struct regs shall lie. */
static void fill_tss(struct cpu *c)
{
    c->tss.rsp0 = (u64)c;
    c->tss.ist[IST_DF - 1] = block_page(c, 3);
    c->tss.ist[IST_NMI - 1] = block_page(c, 5);
    c->tss.ist[IST_MC - 1] = block_page(c, 7);
    c->tss.ist[IST_DB - 1] = block_page(c, 9);
    c->tss.iomap_base = sizeof(c->tss); /* no port is open to ring 3 */
}

/* Load GDTR, CS and SS with the hypervisor's own, null selectors for the other segments, IDTR, TR;
 * no LDT. */
static void load_tables(const struct cpu *c)
{
    struct table_pointer gdtr = { GDT_LIMIT, gdt_window(c->id) };

    asm volatile("lgdt %0" : : "m"(gdtr));
    asm volatile("pushq %0\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:"
                 :
                 : "i"(SEL_KOAN_CODE)
                 : "rax", "memory");
    asm volatile("mov %0, %%ss" : : "r"(SEL_KOAN_DATA));
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
    load_idt();
    asm volatile("ltr %w0" : : "r"(SEL_TSS));
    asm volatile("lldt %w0" : : "r"(0));
}

/* END LAB 1.3c */

/*
 * SYSCALL enters with KOAN_CODE and KOAN_CODE + 8; 64-bit SYSRET leaves with base + 16 and base +
 * 8, ring 3: GUEST_CS64 and GUEST_DATA (SDM vol. 3, 5.8.8). The entry point is the stub page of
 * this CPU's own block. SYSENTER stays closed.
 */
static void setup_syscall(const struct cpu *c)
{
    wrmsr(MSR_STAR, (u64)SEL_GUEST_CS32 << 48 | (u64)SEL_KOAN_CODE << 32);
    wrmsr(MSR_LSTAR, block_page(c, 0));
    wrmsr(MSR_CSTAR, block_page(c, 0) + 64);
    wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL |
                          RFLAGS_RF | RFLAGS_VM);
    if (cpuid(1, 0).edx & BIT(11))
        wrmsr(MSR_SYSENTER_CS, 0);
}

void descriptors_setup_cpu(void)
{
    struct cpu *c = this_cpu();

    fill_tss(c);
    fill_gdt(c);
    load_tables(c);
    setup_syscall(c);
}

void ldt_load(u32 entries)
{
    u32 id = this_cpu()->id;

    if (entries == 0) {
        asm volatile("lldt %w0" : : "r"(0));
        return;
    }
    set_system(gdt_entry(id, SEL_LDT), ldt_window(id), entries * 8UL - 1, TYPE_LDT);
    asm volatile("lldt %w0" : : "r"(SEL_LDT));
}
