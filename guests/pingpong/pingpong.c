/*
 * Two domains that hand an event to and fro, and what that costs: a waking, a switch between them, a send to one that runs or sleeps.
 *
 * Run twice, with role=a peer=ID and role=b peer=ID (lib/pair.h). a measures: under icount a tick of the TSC is an instruction. The middle
 * one of some batches counts, as interrupts fall into a few. One CPU; with the word `beside` two, where both run all the time.
 */
#include "median.h"
#include "pair.h"
#include "time.h"

#define ROUNDS   64       /* in a batch */
#define BATCHES  15       /* odd */
#define PAUSE_NS 400000UL /* of a before it sends */
#define WORK_NS  50000UL  /* of b before it sleeps */

static bool first;
static u32 port;

/* A round: both wake-ups, and both switches between the domains. */
static u64 ping_pong(void)
{
    u64 start = rdtsc();

    for (int i = 0; i < ROUNDS; i++) {
        if (first)
            pair_signal(port);
        pair_wait(port);
        if (!first)
            pair_signal(port);
    }
    return (rdtsc() - start) / ROUNDS;
}

/* The same; answers with the sum of the times at which a sent, or at which b ran again. The TSC is the same everywhere: b's less a's is what
 * passed between the two. */
static u64 wake_up(void)
{
    u64 sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (first) {
            sum += rdtsc();
            pair_signal(port);
            pair_wait(port);
        } else {
            pair_wait(port);
            sum += rdtsc();
            pair_signal(port);
        }
    }
    return sum;
}

/* A round: to the other domain and back, both of which could run on. */
static u64 give_way(void)
{
    u64 start = rdtsc();

    for (int i = 0; i < ROUNDS; i++)
        yield();
    return (rdtsc() - start) / ROUNDS;
}

static void spin_for_event(void)
{
    while (!event_pending(port))
        __asm__ volatile("pause");
    event_clear(port);
}

/* The peer runs on another CPU, and looks. Only the sender's side counts. */
static u64 send_beside(void)
{
    u64 sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (!first)
            spin_for_event();
        u64 start = rdtsc();
        pair_signal(port);
        sum += rdtsc() - start;
        if (first)
            spin_for_event();
    }
    return sum / ROUNDS;
}

/* What a's sending takes while b sleeps. No two events meet in one pending bit: b has answered the last one, and sleeps again long before a
 * goes on. Before it sleeps b works for longer than a ever does: so a has more right to the CPU when b wakes, and what b does is not in the figure. */
static u64 send_to_sleeper(void)
{
    u64 sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (first) {
            sleep_until(system_time() + PAUSE_NS);
            u64 start = rdtsc();
            pair_signal(port);
            sum += rdtsc() - start;
            if (event_pending(port))
                guest_panic("the peer has answered before the sending was over");
            pair_wait(port);
        } else {
            spin_until(system_time() + WORK_NS);
            pair_wait(port);
            pair_signal(port);
        }
    }
    return sum / ROUNDS;
}

static void run(const char *name, u64 (*batch)(void))
{
    u64 ticks[BATCHES];

    batch();
    for (int i = 0; i < BATCHES; i++)
        ticks[i] = batch();
    if (first)
        print("BENCH %s %lu\n", name, median(ticks, BATCHES));
}

static void run_stamps(const char *name, u64 (*batch)(void))
{
    u64 sums[BATCHES];

    batch();
    for (int i = 0; i < BATCHES; i++)
        sums[i] = batch();
    for (int i = 0; i < BATCHES; i++)
        print("STAMPS %s %c %d %lu\n", name, first ? 'a' : 'b', i, sums[i]);
}

int main(void)
{
    first = pair_is_a();
    port = pair_connect();
    if (cmdline_has("beside")) {
        run("event_send_running", send_beside);
        return 0;
    }
    run("ping_pong", ping_pong);
    run("event_send_blocked", send_to_sleeper);
    run_stamps("wake_up_to_running", wake_up);
    if (first) {
        run("domain_switch_twice", give_way);
        pair_signal(port);
    } else {
        while (!event_clear(port))
            yield();
    }
    return 0;
}
