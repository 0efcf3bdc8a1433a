/*
 * Registering the entries of the guest kernel: set_callbacks for all three at once, callback_op for one.
 *
 * Types that do not exist are -ENOSYS or -EINVAL, an address that is not canonical -EINVAL, a command that does not exist -ENOSYS.
 * The system-call entry is tried by being called. Source: callback.h.
 */
#include "test.h"

static s64 registering(u16 type, u64 address)
{
    struct callback_register arg = { .type = type, .flags = 0, .address = address };

    return callback_op(CALLBACKOP_register, &arg);
}

USER static void one_call(u64 argument)
{
    for (;;)
        user_syscall(argument, 0, 0);
}

TEST
{
    struct callback_unregister gone = { .type = CALLBACKTYPE_event };
    struct user_space space;
    struct trap_frame context;

    CHECK_RC(registering(CALLBACKTYPE_event, (u64)event_entry), 0);
    CHECK_RC(registering(CALLBACKTYPE_failsafe, (u64)failsafe_entry), 0);
    CHECK_REFUSED(registering(CALLBACKTYPE_event, 0x0000800000000000));
    CHECK_REFUSED(registering(CALLBACKTYPE_syscall, 0x8000000000000000));
    CHECK_REFUSED(registering(77, (u64)event_entry));
    CHECK_REFUSED(callback_op(77, &gone));
    CHECK_REFUSED(callback_op(CALLBACKOP_unregister,
                              &gone)); /* an event entry can be replaced, but not taken away */

    /* The handler of ud2 as system-call entry: the frame says vector 6. */
    user_space_init(&space);
    user_context_init(&context, one_call, 1234);
    CHECK_EQ(user_run(&space, &context), TRAP_SYSCALL);
    CHECK_RC(registering(CALLBACKTYPE_syscall, trap_table_entries[TRAP_UD]), 0);
    CHECK_EQ(user_run(&space, &context), TRAP_UD);
    CHECK_EQ(context.rax, 1234);
    CHECK_RC(set_callbacks((u64)event_entry, (u64)failsafe_entry, (u64)syscall_entry), 0);
    CHECK_EQ(user_run(&space, &context), TRAP_SYSCALL);
}
