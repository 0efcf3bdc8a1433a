/*
 * Guest user mode, see user.h. The way in is the iret hypercall with a cs of RPL 3; the way back is any trap, for which the
 * hypervisor switches to the kernel's L4 and to the stack that stack_switch named.
 */
#include "user.h"

extern u8 user_start[], user_end[]; /* guest.ld */
void user_resume(struct trap_frame *frame, u64 *rsp);
void user_leave(u64 rsp);

void user_space_init(struct user_space *space)
{
    u64 *l4 = table_alloc();
    s64 rc;

    space->l4_mfn = ptr_mfn(l4);
    rc = mmuext_one(MMUEXT_PIN_L4_TABLE, space->l4_mfn);
    if (rc)
        guest_panic("user L4 cannot be pinned: %ld", (long)rc);
    for (u8 *page = user_start; page < user_end; page += PAGE_SIZE)
        map_in(space->l4_mfn, (u64)page, ptr_mfn(page), PTE_RW_PAGE);
    space->stack = page_alloc();
    map_in(space->l4_mfn, USER_STACK_TOP - PAGE_SIZE, ptr_mfn(space->stack), PTE_RW_PAGE);
}

void user_context_init(struct trap_frame *context, void *function, u64 argument)
{
    *context = (struct trap_frame){
        .rdi = argument,
        .rip = (u64)function,
        .cs = FLAT_USER_CS | 3,
        .rflags = 0x202,
        .rsp = USER_STACK_TOP - 8, /* as after a call: 16-byte aligned plus 8 */
        .ss = FLAT_USER_SS | 3,
    };
}

u64 user_run(const struct user_space *space, struct trap_frame *context)
{
    struct vcpu_own *own = vcpu_own();
    u64 top = vcpu_entry_stack();
    struct trap_frame *frame = (struct trap_frame *)top - 1;

    if (mmuext_one(MMUEXT_NEW_USER_BASEPTR, space->l4_mfn) || stack_switch(FLAT_KERNEL_SS, top))
        guest_panic("user mode cannot be entered");
    *frame = *context;
    own->user = context;
    user_resume(frame, &own->user_rsp);
    return context->vector;
}

void user_trap(struct trap_frame *frame)
{
    struct vcpu_own *own = vcpu_own();
    struct trap_frame *context = own->user;

    if (!context)
        return;
    own->user = NULL;
    *context = *frame;
    user_leave(own->user_rsp);
}
