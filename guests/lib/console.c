/*
 * Console output.
 *
 * By console_io, the call that works from the first instruction on, where the domain may make it; Xen's release build refuses it to all
 * but the privileged domain. Then by the console ring, which its backend empties: whoever built the domain.
 */
#include <stdarg.h>

#include "abi/event_channel.h"
#include "abi/io.h"
#include "guest.h"
#include "memory.h"

/* The ring, as the builder mapped it; NULL: there is none. A privileged domain has another thing at that place of start_info. */
static struct xencons_interface *console_ring(void)
{
    if (guest_is_privileged() || !start_info->console.domU.mfn || !start_info->console.domU.evtchn)
        return NULL;
    return pfn_va(mfn_pfn(start_info->console.domU.mfn));
}

static void console_kick(void)
{
    struct evtchn_send send = { .port = start_info->console.domU.evtchn };

    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send, 0, 0, 0);
}

/* Waits for room, as long as it takes: a lost line is worse than a slow one. */
static void ring_write(const char *text, size_t length)
{
    struct xencons_interface *ring = console_ring();
    u32 prod;

    if (!ring)
        return;
    prod = ring->out_prod;
    for (size_t i = 0; i < length; i++) {
        while (prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) == sizeof(ring->out)) {
            console_kick();
            yield();
        }
        ring->out[prod++ & (sizeof(ring->out) - 1)] = text[i];
        __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
    }
    console_kick();
}

static void vprint(const char *format, va_list args)
{
    char text[512];
    size_t length = (size_t)koan_vsnprintf(text, sizeof(text), format, args);

    length = min(length, sizeof(text) - 1);
    if (console_io(CONSOLEIO_write, length, text) == -XEN_EPERM)
        ring_write(text, length);
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprint(format, args);
    va_end(args);
}

void guest_panic(const char *format, ...)
{
    va_list args;

    print("guest panic: ");
    va_start(args, format);
    vprint(format, args);
    va_end(args);
    print("\n");
    guest_shutdown(SHUTDOWN_crash);
}
