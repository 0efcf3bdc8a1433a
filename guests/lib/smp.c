/*
 * Starting vCPUs: see smp.h. Source: struct vcpu_guest_context in Xen's public arch-x86/xen.h.
 */
#include "smp.h"
#include "event.h"
#include "abi/arch-x86_64.h"
#include "memory.h"
#include "trap.h"

static struct smp_cpu {
    u64 id;
    void (*run)(u64);
    u64 argument;
} cpus[VCPU_MAX];

static u8 stacks[VCPU_MAX][VCPU_STACK] ALIGNED(PAGE_SIZE);
static struct vcpu_guest_context contexts[VCPU_MAX];

/* The first function of a vCPU. */
static NORETURN void smp_main(struct smp_cpu *cpu)
{
    cpu->run(cpu->argument);
    for (;;)
        vcpu_op(VCPUOP_down, cpu->id, NULL);
}

static void fill_traps(struct vcpu_guest_context *c)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(trap_table_entries); i++) {
        u8 vector = (u8)(i < 32 ? i : TRAP_INT80);
        bool open = vector == TRAP_BP || vector == TRAP_OF || vector == TRAP_INT80;

        c->trap_ctxt[vector] = (struct trap_info){ .vector = vector,
                                                   .flags = (u8)((open ? 3 : 0) | TI_MASK_EVENTS),
                                                   .cs = FLAT_KERNEL_CS,
                                                   .address = trap_table_entries[i] };
    }
    c->event_callback_eip = (u64)event_entry;
    c->failsafe_callback_eip = (u64)failsafe_entry;
    c->syscall_callback_eip = (u64)syscall_entry;
}

struct vcpu_guest_context *smp_context(u32 id, void (*f)(u64), u64 argument)
{
    struct vcpu_guest_context *c = &contexts[id];

    vcpu_stacks(stacks);
    events_info = smp_info;
    cpus[id] = (struct smp_cpu){ .id = id, .run = f, .argument = argument };
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_IN_KERNEL;
    c->user_regs.rip = (u64)smp_main;
    c->user_regs.rdi = (u64)&cpus[id];
    c->user_regs.rsp = (u64)&stacks[id][VCPU_STACK] - 8; /* as after a call */
    c->user_regs.rflags = 0x200;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = (u64)&stacks[id][VCPU_ENTRY_STACK];
    c->ctrlreg[3] = ptr_mfn((void *)start_info->pt_base) << 12;
    fill_traps(c);
    return c;
}

s64 smp_start(u32 id, void (*f)(u64), u64 argument)
{
    s64 rc = vcpu_op(VCPUOP_initialise, id, smp_context(id, f, argument));

    return rc ? rc : vcpu_op(VCPUOP_up, id, NULL);
}

u32 smp_count(void)
{
    u32 n = 0;

    while (n < VCPU_MAX && vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
        n++;
    return n;
}

struct vcpu_info *smp_info(void)
{
    return &shared_info->vcpu_info[vcpu_id()];
}

bool smp_is_up(u32 id)
{
    return vcpu_op(VCPUOP_is_up, id, NULL) == 1;
}
