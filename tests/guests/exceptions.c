/*
 * The frame of an exception in guest kernel mode, for each exception that a guest can easily make.
 *
 * Error code or none; rip at the instruction or behind it; cs with its RPL cleared as a sign of kernel mode, and the event mask of
 * before in its upper half; the mask set on entry; IOPL 0 in the saved flags. Source: "bounce frame", checklist section 4.
 */
#include "test.h"

/* One instruction each, with its operand in rdi; the handler goes on at raise_return. */
__asm__("raise_de: divq %rdi\n"
        "raise_bp: int3\n"
        "raise_of: int $4\n"
        "raise_ud: ud2\n"
        "raise_ss: movw %di, %ss\n"
        "raise_gp: movw %di, %fs\n"
        "raise_pf: movq (%rdi), %rax\n"
        "raise_end: ud2\n"
        "raise_return: ret\n");
extern u8 raise_de[], raise_bp[], raise_of[], raise_ud[], raise_gp[], raise_pf[], raise_ss[],
    raise_end[], raise_return[];

static struct trap_frame seen;
static u8 mask_inside;

static bool take(struct trap_frame *frame)
{
    seen = *frame;
    mask_inside = shared_info->vcpu_info[0].evtchn_upcall_mask;
    frame->rip = (u64)raise_return;
    return true;
}

/* `next` is the instruction behind: that is where rip stands after a trap, as opposed to a fault. */
static void raise(u8 *at, u8 *next, u64 operand, unsigned int vector, u64 error)
{
    struct vcpu_info *info = &shared_info->vcpu_info[0];

    trap_handle(vector, take);
    seen = (struct trap_frame){ .vector = 999 };
    for (u8 mask = 0; mask < 2; mask++) {
        info->evtchn_upcall_mask = mask;
        ((void (*)(u64))at)(operand);
        CHECK_EQ(seen.vector, vector);
        CHECK_EQ(seen.rip, (u64)next);
        CHECK_EQ(seen.error, error);
        CHECK_EQ(seen.cs & 0xffff, FLAT_KERNEL_CS & ~3);
        CHECK_EQ(seen.cs >> 32 & 0xff, mask);
        CHECK_EQ(seen.ss | 3, FLAT_KERNEL_SS | 3);
        CHECK_EQ(seen.rflags & 0x3200, mask ? 0 : 0x200); /* IOPL 0; IF is the mask, turned round */
        CHECK_EQ(mask_inside, 1);
        CHECK_EQ(info->evtchn_upcall_mask, mask);
    }
    info->evtchn_upcall_mask = 1;
}

TEST
{
    raise(raise_de, raise_de, 0, TRAP_DE, 0);
    raise(raise_bp, raise_of, 0, TRAP_BP, 0);
    raise(raise_of, raise_ud, 0, TRAP_OF, 0);
    raise(raise_ud, raise_ud, 0, TRAP_UD, 0);
    raise(raise_gp, raise_gp, 0xe038, TRAP_GP,
          0xe038); /* a system descriptor of the hypervisor's, or none */
    raise(raise_ss, raise_ss, 0, TRAP_GP, 0);
    raise(raise_pf, raise_pf, 0x123456789000, TRAP_PF, 0);
}
