/*
 * Event channels: see event.h.
 *
 * The order in the upcall is the ABI's: clear the flag, take the selector word, then look at the pending bits that it names. An event
 * that comes in between sets them again.
 */
#include "event.h"
#include "trap.h"

static event_handler *handlers[EVENT_PORTS];
static u64 counts[EVENT_PORTS];
static u8 owners[EVENT_PORTS]; /* the vCPU that each port tells */
static u64 upcalls;

/* ---- the calls ---- */

/* Note who is told; the port, or an error, is handed on. */
static s64 owned(s64 port, u32 vcpu)
{
    if (port >= 0 && port < EVENT_PORTS)
        owners[port] = (u8)vcpu;
    return port;
}

s64 event_alloc_unbound(domid_t remote)
{
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = remote };
    s64 rc = event_channel_op(EVTCHNOP_alloc_unbound, &a);

    return owned(rc ? rc : a.port, 0);
}

s64 event_bind_interdomain(domid_t remote, u32 remote_port)
{
    struct evtchn_bind_interdomain a = { .remote_dom = remote, .remote_port = remote_port };
    s64 rc = event_channel_op(EVTCHNOP_bind_interdomain, &a);

    return owned(rc ? rc : a.local_port, 0);
}

s64 event_bind_virq(u32 virq, u32 vcpu)
{
    struct evtchn_bind_virq a = { .virq = virq, .vcpu = vcpu };
    s64 rc = event_channel_op(EVTCHNOP_bind_virq, &a);

    return owned(rc ? rc : a.port, vcpu);
}

s64 event_bind_ipi(u32 vcpu)
{
    struct evtchn_bind_ipi a = { .vcpu = vcpu };
    s64 rc = event_channel_op(EVTCHNOP_bind_ipi, &a);

    return owned(rc ? rc : a.port, vcpu);
}

s64 event_bind_vcpu(u32 port, u32 vcpu)
{
    struct evtchn_bind_vcpu a = { .port = port, .vcpu = vcpu };
    s64 rc = event_channel_op(EVTCHNOP_bind_vcpu, &a);

    owned(rc ? rc : port, vcpu);
    return rc;
}

s64 event_close(u32 port)
{
    struct evtchn_close a = { .port = port };

    return event_channel_op(EVTCHNOP_close, &a);
}

s64 event_unmask(u32 port)
{
    struct evtchn_unmask a = { .port = port };

    return event_channel_op(EVTCHNOP_unmask, &a);
}

s64 event_status(u32 port, struct evtchn_status *status)
{
    *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
    return event_channel_op(EVTCHNOP_status, status);
}

s64 event_reset(domid_t domid)
{
    struct evtchn_reset a = { .dom = domid };

    return event_channel_op(EVTCHNOP_reset, &a);
}

/* ---- the upcall ---- */

static struct vcpu_info *boot_vcpu_info(void)
{
    return &shared_info->vcpu_info[0];
}

struct vcpu_info *(*events_info)(void) = boot_vcpu_info;

static u64 ready_in(u32 word)
{
    return __atomic_load_n(&shared_info->evtchn_pending[word], __ATOMIC_SEQ_CST) &
           ~__atomic_load_n(&shared_info->evtchn_mask[word], __ATOMIC_SEQ_CST);
}

/* What comes after the look sets the selector again. */
static void look_at_word(u32 word)
{
    for (u64 ready = ready_in(word); ready; ready &= ready - 1) {
        u32 port = word * 64 + (u32)__builtin_ctzl(ready);

        if (owners[port] != vcpu_id() || !event_clear(port))
            continue;
        __atomic_fetch_add(&counts[port], 1, __ATOMIC_RELAXED);
        if (handlers[port])
            handlers[port](port);
    }
}

static bool upcall(struct trap_frame *frame)
{
    struct vcpu_info *info = events_info();

    (void)frame;
    __atomic_fetch_add(&upcalls, 1, __ATOMIC_RELAXED);
    while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        u64 words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

        for (; words; words &= words - 1)
            look_at_word((u32)__builtin_ctzl(words));
    }
    return true;
}

void events_init(void)
{
    trap_handle(TRAP_EVENT, upcall);
}

void event_handle(u32 port, event_handler *handler)
{
    handlers[port] = handler;
}

u64 event_count(u32 port)
{
    return __atomic_load_n(&counts[port], __ATOMIC_RELAXED);
}

u64 events_upcalls(void)
{
    return __atomic_load_n(&upcalls, __ATOMIC_RELAXED);
}

/* A pending upcall comes on the way out of any hypercall; the cheapest will do. */
void events_on(void)
{
    struct vcpu_info *info = events_info();

    __atomic_store_n(&info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST))
        xen_version(XENVER_version, NULL);
}

void events_off(void)
{
    __atomic_store_n(&events_info()->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}
