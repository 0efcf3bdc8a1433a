/*
 * The guest kernel's exceptions: table, dispatch, probes. See trap.h.
 */
#include "trap.h"
#include "guest.h"
#include "user.h"

struct ex_entry {
    u64 trapping; /* address of the instruction that may trap */
    u64 go_on;
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

static trap_handler *handlers[TRAP_FAILSAFE + 1];

void trap_handle(unsigned int vector, trap_handler *handler)
{
    handlers[vector] = handler;
}

/* Gates 3, 4 and 0x80 may be used by an int instruction of user mode; entries 0..31 and 0x80. */
void trap_init(void)
{
    static struct trap_info table[34];

    for (unsigned int i = 0; i < ARRAY_SIZE(trap_table_entries); i++) {
        u8 vector = (u8)(i < 32 ? i : TRAP_INT80);
        bool open = vector == TRAP_BP || vector == TRAP_OF || vector == TRAP_INT80;

        table[i] = (struct trap_info){
            .vector = vector,
            .flags = (u8)((open ? 3 : 0) | TI_MASK_EVENTS),
            .cs = FLAT_KERNEL_CS,
            .address = trap_table_entries[i],
        };
    }
    s64 rc = set_trap_table(table);
    if (rc)
        guest_panic("set_trap_table: %ld", (long)rc);
    rc = set_callbacks((u64)event_entry, (u64)failsafe_entry, (u64)syscall_entry);
    if (rc)
        guest_panic("set_callbacks: %ld", (long)rc);
}

static u64 last_cr2(void)
{
    return shared_info ? shared_info->vcpu_info[vcpu_id()].arch.cr2 : 0;
}

static void remember(struct trap_info_last *last, const struct trap_frame *frame)
{
    last->vector = (int)frame->vector;
    last->error = frame->error;
    last->cr2 = frame->vector == TRAP_PF ? last_cr2() : 0;
    last->rip = frame->rip;
}

static void NORETURN unexpected(const struct trap_frame *f)
{
    print("trap %lu error %#lx at rip %#lx cs %#lx rflags %#lx rsp %#lx cr2 %#lx\n", f->vector,
          f->error, f->rip, f->cs, f->rflags, f->rsp, last_cr2());
    print("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
    print("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
    guest_panic("unexpected trap %lu", f->vector);
}

/* Called by entry.asm; the frame is what the way back restores. */
void trap_dispatch(struct trap_frame *frame);

void trap_dispatch(struct trap_frame *frame)
{
    if (handlers[frame->vector] && handlers[frame->vector](frame))
        return;
    if (trap_frame_user(frame))
        user_trap(frame);
    struct vcpu_own *own = vcpu_own();
    for (const struct ex_entry *entry = ex_table_start; entry < ex_table_end; entry++) {
        if (entry->trapping != frame->rip)
            continue;
        remember(&own->last, frame);
        frame->rip = entry->go_on;
        return;
    }
    if (!own->probe_rip)
        unexpected(frame);
    remember(&own->last, frame);
    frame->rip = own->probe_rip;
    frame->rsp = own->probe_rsp;
    frame->cs =
        FLAT_KERNEL_CS & ~3UL; /* the probe may have gone to user mode, or have had odd selectors */
    frame->ss = FLAT_KERNEL_SS;
    frame->rflags &= ~0x44500UL; /* and odd flags: AC, NT, DF, TF */
}

bool probe_read64(u64 va, u64 *value)
{
    u64 got = 0;
    bool trapped = TRY_IO("movq (%1), %0", "=&r"(got), "r"(va));

    if (value)
        *value = got;
    return trapped;
}

bool probe_write64(u64 va, u64 value)
{
    return TRY_IO("movq %1, (%0)", , "r"(va), "r"(value));
}
