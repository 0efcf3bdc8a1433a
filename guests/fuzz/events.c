/*
 * Event channels: ports made, connected with other fuzz guests', sent on, moved and closed in any order, by both calls; the shared bits and
 * the console ring's indices full of nonsense. Upcalls are let in now and then; each masks them again, so that no storm stops the guest.
 */
#include "abi/io.h"
#include "abi/physdev.h"
#include "event.h"
#include "fuzz.h"

static struct xencons_interface *ring; /* NULL: a dom0 has none */

static u32 some_port(void)
{
    return (u32)(rnd_once_in(16)  ? some_word()
                 : rnd_once_in(8) ? rnd_below(EVENT_PORTS + 2)
                                  : rnd_below(24));
}

static u32 some_vcpu(void)
{
    return (u32)(rnd_once_in(16) ? some_word() : rnd_below(2));
}

static domid_t some_peer(void)
{
    return rnd_once_in(3)   ? DOMID_SELF
           : rnd_once_in(8) ? (domid_t)some_domid()
                            : (domid_t)rnd_below(3);
}

static s64 call(struct evtchn_op *op)
{
    if (rnd_once_in(4))
        return hypercall(__HYPERVISOR_event_channel_op_compat,
                         rnd_once_in(32) ? some_va() : (u64)op, 0, 0, 0, 0);
    return event_channel_op(op->cmd, rnd_once_in(32) ? (void *)some_va() : &op->u);
}

static void make(struct evtchn_op *op)
{
    static const u32 makers[] = { EVTCHNOP_alloc_unbound,    EVTCHNOP_bind_interdomain,
                                  EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq,
                                  EVTCHNOP_bind_ipi,         EVTCHNOP_bind_pirq };

    op->cmd = makers[rnd_below(ARRAY_SIZE(makers))];
    switch (op->cmd) {
    case EVTCHNOP_alloc_unbound:
        op->u.alloc_unbound.dom = rnd_once_in(4) ? some_peer() : DOMID_SELF;
        op->u.alloc_unbound.remote_dom = some_peer();
        break;
    case EVTCHNOP_bind_interdomain:
        op->u.bind_interdomain.remote_dom = some_peer();
        op->u.bind_interdomain.remote_port = some_port();
        break;
    case EVTCHNOP_bind_virq:
        op->u.bind_virq.virq = (u32)rnd_below(NR_VIRQS + 2);
        op->u.bind_virq.vcpu = some_vcpu();
        break;
    case EVTCHNOP_bind_ipi:
        op->u.bind_ipi.vcpu = some_vcpu();
        break;
    default:
        op->u.bind_pirq.pirq = (u32)(rnd_once_in(8) ? some_word() : rnd_below(32));
        op->u.bind_pirq.flags = (u32)rnd_below(3);
        break;
    }
    call(op);
}

/* The arguments of these begin with the port, but for status. */
static void use(struct evtchn_op *op)
{
    static const u32 users[] = { EVTCHNOP_close,  EVTCHNOP_send,      EVTCHNOP_send,  EVTCHNOP_send,
                                 EVTCHNOP_status, EVTCHNOP_bind_vcpu, EVTCHNOP_unmask };

    op->cmd = users[rnd_below(ARRAY_SIZE(users))];
    if (op->cmd == EVTCHNOP_status)
        op->u.status = (struct evtchn_status){ .dom = some_peer(), .port = some_port() };
    else
        op->u.bind_vcpu = (struct evtchn_bind_vcpu){ some_port(), some_vcpu() };
    call(op);
}

/* Interrupt lines: a privileged domain maps, wires, binds and loses them; no device of theirs is at work. */
static void lines(struct evtchn_op *op)
{
    s32 line = (s32)(rnd_once_in(8) ? some_word() : rnd_below(32));
    s32 pirq = rnd_once_in(2) ? line : (s32)rnd_below(34) - 1;
    struct physdev_map_pirq map = {
        .domid = rnd_once_in(8) ? some_peer() : DOMID_SELF,
        .type = rnd_once_in(8) ? (s32)rnd_below(6) : MAP_PIRQ_TYPE_GSI,
        .index = line,
        .pirq = pirq,
    };
    struct physdev_unmap_pirq unmap = { .domid = map.domid, .pirq = pirq };
    struct physdev_setup_gsi wire = { line, (u8)rnd_below(2), (u8)rnd_below(2) };
    struct physdev_apic apic = { 0xfec00000, (u32)rnd_below(70), (u32)some_word() };
    struct physdev_eoi eoi = { .irq = (u32)pirq };
    struct physdev_pirq_eoi_gmfn page = { .gmfn = some_mfn() };

    physdev_op(PHYSDEVOP_map_pirq, &map);
    physdev_op(PHYSDEVOP_setup_gsi, &wire);
    physdev_op(rnd_once_in(2) ? PHYSDEVOP_apic_write : PHYSDEVOP_apic_read, &apic);
    op->cmd = EVTCHNOP_bind_pirq;
    op->u.bind_pirq = (struct evtchn_bind_pirq){ .pirq = (u32)map.pirq };
    call(op);
    physdev_op(PHYSDEVOP_eoi, &eoi);
    if (rnd_once_in(2))
        physdev_op(PHYSDEVOP_unmap_pirq, &unmap);
    if (rnd_once_in(64))
        physdev_op(rnd_once_in(2) ? PHYSDEVOP_pirq_eoi_gmfn_v1 : PHYSDEVOP_pirq_eoi_gmfn_v2, &page);
}

/* What later guests don't know of, and what closes all at once. */
static void rare(void)
{
    struct evtchn_reset all = { rnd_once_in(2) ? DOMID_SELF : some_peer() };
    u64 words[4] = { some_word(), some_word(), some_word(), some_word() };

    event_channel_op(EVTCHNOP_init_control + rnd_below(4), words);
    if (rnd_once_in(8))
        event_channel_op(EVTCHNOP_reset, &all);
}

static void scribble(void)
{
    struct vcpu_info *info = &shared_info->vcpu_info[rnd_below(2)];
    u64 word = rnd_once_in(4) ? rnd_below(64) : 0;

    shared_info->evtchn_pending[word] = rnd_once_in(2) ? rnd() : 0;
    shared_info->evtchn_mask[word] = rnd_once_in(2) ? rnd() : 0;
    info->evtchn_pending_sel = rnd_once_in(2) ? rnd() : 0;
    info->evtchn_upcall_pending = rnd_once_in(2) ? (u8)rnd() : 0;
}

static void console_ring(void)
{
    u32 *indices[] = { &ring->in_cons, &ring->in_prod, &ring->out_cons, &ring->out_prod };

    if (rnd_once_in(2))
        *indices[rnd_below(ARRAY_SIZE(indices))] = (u32)some_word();
    else
        ring->out_prod += (u32)rnd_below(rnd_once_in(16) ? sizeof(ring->out) + 8 : 32);
    ring->out[rnd_below(sizeof(ring->out))] = (char)(rnd_once_in(4) ? '\n' : rnd());
    event_send(start_info->console.domU.evtchn);
}

static void sleep_a_little(void)
{
    u32 ports[8];
    struct sched_poll poll = { (u64)ports, (u32)rnd_below(ARRAY_SIZE(ports) + 1), 1 };

    for (u64 i = 0; i < ARRAY_SIZE(ports); i++)
        ports[i] = some_port();
    sched_op(SCHEDOP_poll, &poll);
}

static void let_in(void)
{
    events_on();
    event_send(some_port());
    events_off();
}

static bool upcall(struct trap_frame *frame)
{
    frame->rflags &= ~BIT(9); /* masked again */
    return true;
}

void events_fuzz_init(void)
{
    trap_handle(TRAP_EVENT, upcall);
    if (!guest_is_privileged() && start_info->console.domU.evtchn)
        ring = pfn_va(mfn_pfn(start_info->console.domU.mfn));
}

void step_events(void)
{
    struct evtchn_op op;

    for (u64 n = 1 + rnd_below(8); n; n--) {
        if (rnd_once_in(3))
            make(&op);
        else
            use(&op);
    }
    if (rnd_once_in(4))
        scribble();
    if (rnd_once_in(16))
        rare();
    if (rnd_once_in(16))
        lines(&op);
    if (rnd_once_in(8) && ring)
        console_ring();
    if (rnd_once_in(8))
        sleep_a_little();
    if (rnd_once_in(8))
        let_in();
}
