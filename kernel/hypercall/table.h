/*
 * All hypercalls: number, name, handler. One list feeds the dispatch table, tracing and the lab index.
 *
 * A number that is not here answers -ENOSYS. ABSENT names calls of Xen's that Koan doesn't offer: they answer so, too.
 */
#ifndef KOAN_HYPERCALL_TABLE_H
#define KOAN_HYPERCALL_TABLE_H

/* clang-format off */
#define HYPERCALLS(CALL, ABSENT)                               \
    CALL(0,  set_trap_table)                                   \
    CALL(1,  mmu_update)                                       \
    CALL(2,  set_gdt)                                          \
    CALL(3,  stack_switch)                                     \
    CALL(4,  set_callbacks)                                    \
    CALL(5,  fpu_taskswitch)                                   \
    CALL(6,  sched_op_compat)                                  \
    CALL(7,  platform_op)                                      \
    CALL(8,  set_debugreg)                                     \
    CALL(9,  get_debugreg)                                     \
    CALL(10, update_descriptor)                                \
    CALL(12, memory_op)                                        \
    CALL(13, multicall)                                        \
    CALL(14, update_va_mapping)                                \
    CALL(15, set_timer_op)                                     \
    CALL(16, event_channel_op_compat)                          \
    CALL(17, xen_version)                                      \
    CALL(18, console_io)                                       \
    CALL(19, physdev_op_compat)                                \
    CALL(20, grant_table_op)                                   \
    CALL(21, vm_assist)                                        \
    CALL(22, update_va_mapping_otherdomain)                    \
    CALL(23, iret)                                             \
    CALL(24, vcpu_op)                                          \
    CALL(25, set_segment_base)                                 \
    CALL(26, mmuext_op)                                        \
    CALL(28, nmi_op)                                           \
    CALL(29, sched_op)                                         \
    CALL(30, callback_op)                                      \
    CALL(32, event_channel_op)                                 \
    CALL(33, physdev_op)                                       \
    ABSENT(34, hvm_op)                                          \
    CALL(35, sysctl)                                           \
    CALL(36, domctl)                                           \
    ABSENT(37, kexec_op)                                        \
    ABSENT(40, xenpmu_op)                                       \
    ABSENT(48, mca)
/* clang-format on */

#define HYPERCALL_SLOTS 64 /* of the dispatch table */

#endif
