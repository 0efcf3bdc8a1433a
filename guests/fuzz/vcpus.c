/*
 * The two vCPUs of a fuzz guest at each other: one stops the other in the midst of what it does, puts itself to sleep, changes the other's timers
 * and areas.
 *
 * The domain must come to its end all the same, so at most one of them is absent by intention: it is named in `absent`, which whoever wants to
 * stop or sleep must get first. The other then wakes it, and takes no step meanwhile that might not come back. Where a wake-up gets lost all the same,
 * because random writes were there first, it is left behind: vcpus_wait looks how often and how long, never at a clock.
 */
#include "abi/vcpu.h"
#include "event.h"
#include "fuzz.h"

#define NOBODY     FUZZ_VCPUS
#define PATIENCE   1000          /* looks at one that sleeps, although woken before each */
#define MOST_WORK  10000000000UL /* ns that it may run for one operation */
#define PERIOD_MIN 1000000UL     /* ns, the ABI's */

static u32 absent = NOBODY;

static u32 other(void)
{
    return 1 - vcpu_id();
}

static bool claim(u32 vcpu)
{
    u32 nobody = NOBODY;

    return __atomic_compare_exchange_n(&absent, &nobody, vcpu, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void release(void)
{
    __atomic_store_n(&absent, NOBODY, __ATOMIC_SEQ_CST);
}

static bool is_absent(u32 vcpu)
{
    return __atomic_load_n(&absent, __ATOMIC_SEQ_CST) == vcpu;
}

/* An event that comes through: not one of those that are pending, or believed to be. */
static void send_fresh(u32 vcpu)
{
    struct vcpu_info *info = &shared_info->vcpu_info[vcpu];
    s64 port = event_bind_ipi(vcpu);

    if (port < 0) {
        event_reset(DOMID_SELF); /* all are taken */
        return;
    }
    event_clear_bit(shared_info->evtchn_mask, (u32)port);
    event_clear((u32)port);
    __atomic_store_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    event_send((u32)port);
    event_close((u32)port);
}

static void wake(u32 vcpu)
{
    vcpu_op(VCPUOP_up, vcpu, NULL);
    send_fresh(vcpu);
}

/* ---- one is absent ---- */

static void stop_other(void)
{
    if (!claim(other()))
        return;
    vcpu_op(VCPUOP_down, other(), NULL);
    own_fuzzer()->guard = 1 + rnd_below(16);
}

static void start_other(void)
{
    vcpu_op(VCPUOP_up, other(), NULL);
    release();
}

static void block(void)
{
    if (own_fuzzer()->moved || fuzzer(other())->over || !claim(vcpu_id()))
        return;
    sched_op(SCHEDOP_block, NULL);
    events_off();
    release();
}

static void go_down(void)
{
    if (fuzzer(other())->over || !claim(vcpu_id()))
        return;
    vcpu_op(VCPUOP_down, vcpu_id(), NULL);
    release();
}

/* ---- what one may do to the other ---- */

static void poll(void)
{
    struct vcpu_runstate_info now;
    u32 ports[2] = { (u32)rnd_below(24), (u32)rnd_below(24) };
    struct sched_poll poll = { .ports = (u64)ports, .nr_ports = (u32)rnd_below(3) };

    if (vcpu_op(VCPUOP_get_runstate_info, vcpu_id(), &now))
        return;
    poll.timeout = now.state_entry_time + rnd_below(4 * PERIOD_MIN);
    sched_op(SCHEDOP_poll, &poll);
}

static void timers(void)
{
    struct vcpu_set_periodic_timer periodic = { PERIOD_MIN + rnd_below(PERIOD_MIN) };
    struct vcpu_set_singleshot_timer once = { .timeout_abs_ns = rnd() >> rnd_below(64) };

    switch (rnd_below(5)) {
    case 0:
        vcpu_op(VCPUOP_set_periodic_timer, rnd_below(2), &periodic);
        break;
    case 1:
        vcpu_op(VCPUOP_set_singleshot_timer, vcpu_id(), &once);
        break;
    case 2:
        vcpu_op(VCPUOP_stop_singleshot_timer, vcpu_id(), NULL);
        break;
    default:
        vcpu_op(VCPUOP_stop_periodic_timer, rnd_below(2), NULL);
        break;
    }
}

s64 vcpus_move_info(u32 vcpu, void *arg)
{
    s64 rc = vcpu_op(VCPUOP_register_vcpu_info, vcpu, arg);

    if (rc == 0)
        fuzzer(vcpu)->moved = true;
    return rc;
}

/* Areas of either, and the upcall flags of one that has just been stopped, who may be on its way to the same. */
static void areas(void)
{
    u64 words[2] = { rnd_once_in(2) ? pool.mfn[pool_below()] : some_va(), rnd_below(512) * 8 };
    static const u64 commands[] = { VCPUOP_register_runstate_memory_area,
                                    VCPUOP_register_vcpu_time_memory_area,
                                    VCPUOP_get_runstate_info };

    if (rnd_once_in(32))
        vcpus_move_info((u32)rnd_below(2), words);
    else
        vcpu_op(commands[rnd_below(ARRAY_SIZE(commands))], rnd_below(2),
                rnd_once_in(2) ? (void *)words : pool.va[pool_below()]);
}

void step_vcpus(void)
{
    static void (*const steps[])(void) = { stop_other, stop_other, block,  block, go_down,
                                           poll,       timers,     timers, areas, areas };

    steps[rnd_below(ARRAY_SIZE(steps))]();
}

bool vcpus_relied_on(void)
{
    struct fuzzer *own = own_fuzzer();

    if (own->guard && --own->guard == 0)
        start_other();
    else if (!own->guard && rnd_once_in(8))
        wake(other()); /* it may be down by chance, too */
    return is_absent(other());
}

/* ---- the end ---- */

/* How long it has run, and whether it sleeps now. */
static u64 work_of(u32 vcpu, bool *sleeps)
{
    struct vcpu_runstate_info info = { .state = RUNSTATE_runnable };

    vcpu_op(VCPUOP_get_runstate_info, vcpu, &info);
    *sleeps = info.state == RUNSTATE_blocked || info.state == RUNSTATE_offline;
    return info.time[RUNSTATE_running];
}

/* Until it has done another operation; false: it won't. */
static bool gets_on(u32 vcpu)
{
    const struct fuzzer *f = fuzzer(vcpu);
    bool sleeps;
    u64 done = f->done, start = work_of(vcpu, &sleeps);

    for (u64 looks = 0; looks < PATIENCE; looks += sleeps) {
        wake(vcpu);
        yield();
        if (__atomic_load_n(&f->done, __ATOMIC_RELAXED) != done ||
            __atomic_load_n(&f->over, __ATOMIC_SEQ_CST))
            return true;
        if (work_of(vcpu, &sleeps) - start > MOST_WORK)
            return false;
    }
    return false;
}

void vcpus_wait(void)
{
    const struct fuzzer *f = fuzzer(other());

    if (own_fuzzer()->guard)
        start_other();
    while (!__atomic_load_n(&f->over, __ATOMIC_SEQ_CST)) {
        if (gets_on(other()))
            continue;
        print("\nfuzz: vcpu %u: left behind at %#lx\n", other(), f->done);
        return;
    }
}
