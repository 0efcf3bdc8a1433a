/*
 * vCPUs start, stop, initialise and set timers for each other, all at once: whoever is stopped in the midst of a call goes on with it when
 * another one starts it again.
 *
 * Single answers mean nothing. In the end vCPU 0, which nobody stops, stops all others, and they stay down; its own timer works. Needs four vCPUs.
 * Source: vcpu.h.
 */
#define NEEDS_VCPUS 4
#include "event.h"
#include "smp.h"
#include "test.h"
#include "time.h"

#define ROUNDS 3000
#define MS     1000000UL

static volatile bool stop, through[NEEDS_VCPUS]; /* it acts no more */
static u32 wrong;
static struct vcpu_runstate_info areas[NEEDS_VCPUS];

static u32 next(u64 *seed)
{
    *seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(*seed >> 33);
}

static void expect(s64 rc)
{
    if (rc == -XEN_EFAULT || rc == -XEN_ENOSYS)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void act(u64 *seed, u32 self)
{
    u32 id = 1 + next(seed) % (NEEDS_VCPUS - 1);
    struct vcpu_set_periodic_timer periodic = { .period_ns = MS + next(seed) % MS };
    struct vcpu_set_singleshot_timer once = { .timeout_abs_ns = next(seed) };
    struct vcpu_runstate_info info;
    struct vcpu_register_runstate_memory_area area = { .addr.p = (u64)&areas[id] };

    switch (next(seed) % 9) {
    case 0:
    case 1:
    case 2:
        expect(vcpu_op(VCPUOP_up, id, NULL));
        break;
    case 3:
        expect(vcpu_op(VCPUOP_down, id, NULL));
        break;
    case 4:
        expect(vcpu_op(VCPUOP_is_up, id, NULL));
        break;
    case 5:
        expect(vcpu_op(VCPUOP_get_runstate_info, id, &info));
        break;
    case 6:
        expect(vcpu_op(VCPUOP_register_runstate_memory_area, id, &area));
        break;
    case 7:
        expect(vcpu_op(VCPUOP_set_periodic_timer, next(seed) % 4 ? id : self, &periodic));
        break;
    default:
        expect(vcpu_op(VCPUOP_set_singleshot_timer, self, &once));
        expect(vcpu_op(VCPUOP_stop_periodic_timer, self, NULL));
        break;
    }
}

static void race(u64 id)
{
    u64 seed = id * 7919;

    while (!stop)
        act(&seed, (u32)id);
    through[id] = true;
    while (1)
        vcpu_op(VCPUOP_down, (u32)id, NULL);
}

TEST
{
    u64 seed = 1;

    if (smp_count() < NEEDS_VCPUS)
        TEST_SKIP("needs %d vCPUs", NEEDS_VCPUS);
    for (u32 id = 1; id < NEEDS_VCPUS; id++)
        CHECK_RC(smp_start(id, race, id), 0);
    for (u32 i = 0; i < ROUNDS; i++) {
        act(&seed, 0);
        for (u32 id = 1; id < NEEDS_VCPUS; id++) /* or all might sleep */
            vcpu_op(VCPUOP_up, id, NULL);
        if (i % 8 == 0)
            yield();
    }
    stop = true;
    for (u32 id = 1; id < NEEDS_VCPUS; id++)
        while (!through[id]) { /* another may have stopped it in the midst of something */
            expect(vcpu_op(VCPUOP_up, id, NULL));
            yield();
        }
    for (u32 id = 1; id < NEEDS_VCPUS; id++) /* nobody starts it any more */
        while (smp_is_up(id))
            yield();
    for (int i = 0; i < 200; i++)
        yield();
    for (u32 id = 1; id < NEEDS_VCPUS; id++)
        CHECK(!smp_is_up(id));
    CHECK_EQ(wrong, 0);
    u64 when = system_time() + MS;
    sleep_until(when);
    CHECK(system_time() >= when);
}
