/*
 * console_io(cmd, count, buffer): a guest writes to the console, or reads what was typed for it.
 * All arguments but the buffer count with their low 32 bits, as in Xen. Who may do it: the domain's
 * `console=` (Xen's release build lets only the privileged domain).
 */
#include "domain/console.h"
#include "hypercall/handlers.h"

#define CHUNK 128 /* bytes copied at a time; between two chunks an interrupt is looked for */

/* 0, -XEN_EFAULT, or -XEN_ERESTART: work is pending and *buffer and *count say what is left. */
static s64 write_text(struct domain *d, u64 *buffer, u32 *count)
{
    char text[CHUNK];

    while (*count) {
        u32 n = min(*count, (u32)CHUNK);

        if (unlikely(!copy_from_guest(text, *buffer, n)))
            return refuse(-XEN_EFAULT, *buffer);
        console_guest_write(d, text, n);
        *buffer += n;
        *count -= n;
        if (*count && work_pending())
            return -XEN_ERESTART;
    }
    return 0;
}

/* What was taken from the queue and can't be copied is lost: the guest gave a bad buffer. */
static s64 read_input(struct domain *d, u64 buffer, u32 count)
{
    u8 input[CHUNK];
    u32 done = 0;

    if (count > INT32_MAX)
        return refuse(-XEN_E2BIG, count);
    while (done < count) {
        u32 n = console_guest_read(d, input, min(count - done, (u32)CHUNK));

        if (!n)
            break;
        if (!copy_to_guest(buffer + done, input, n))
            return refuse(-XEN_EFAULT, buffer + done);
        done += n;
    }
    return done;
}

s64 hc_console_io(u64 cmd, u64 count, u64 buffer, u64 a4, u64 a5, u64 a6)
{
    struct domain *d = current_domain();
    u32 left = count;
    s64 result;

    if (unlikely(!d->console_ok))
        return refuse(-XEN_EPERM, cmd);
    switch ((u32)cmd) {
    case CONSOLEIO_write:
        result = write_text(d, &buffer, &left);
        if (unlikely(result == -XEN_ERESTART))
            return hypercall_restart(__HYPERVISOR_console_io, cmd, left, buffer, a4, a5, a6);
        return result;
    case CONSOLEIO_read:
        return read_input(d, buffer, count);
    default:
        return refuse(-XEN_ENOSYS, cmd);
    }
}
