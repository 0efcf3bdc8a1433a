/*
 * For the tests of domain/event*.c: three domains of two vCPUs on a machine without a scheduler; whoever is told is counted. Included by one
 * file of a test, as it includes the files that it tests.
 */
#ifndef KOAN_TESTS_EVENT_MACHINE_H
#define KOAN_TESTS_EVENT_MACHINE_H

#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "domain/domain.h"
#include "mm/addr.h"

static bool work_comes;
#define work_pending() work_comes
#define current_vcpu() (&vcpus[0][0])

#define DOMAINS 3
#define VCPUS   2
#define PAGES   64

static struct vcpu vcpus[DOMAINS][VCPUS];
static struct domain domains[DOMAINS];
static u32 notified[DOMAINS][VCPUS], polled[DOMAINS];
static u32 holds, ring_sends, ring_ends;
static s32 pirqs_bound;
static u64 pages_used, pages_freed, pages_left;

u8 *host_memory;

/* What the files below call. */
#define KOAN_DOMAIN_SCHED_H
static inline void sched_notify(struct vcpu *v)
{
    notified[v->domain->id][v->id]++;
}
static inline void sched_wake_pollers(struct domain *d, u32 port)
{
    (void)port;
    polled[d->id]++;
}

#include "domain/event.c"
#include "domain/event_info.c"
#include "domain/event_port.c"

s64 pirq_bind(struct domain *d, u32 pirq, u32 port)
{
    (void)d, (void)port;
    pirqs_bound++;
    return pirq == 9 ? 0 : -XEN_EPERM;
}

void pirq_unbind(struct domain *d, u32 pirq, u32 port)
{
    (void)d, (void)port;
    ck_assert_uint_eq(pirq, 9);
    pirqs_bound--;
}

mfn_t alloc_koan_page(void)
{
    if (!pages_left)
        return INVALID_MFN;
    pages_left--;
    return MFN(pages_used++);
}

void alloc_free_koan_page(mfn_t mfn)
{
    memset(mfn_to_virt(mfn), 0xee, PAGE_SIZE);
    pages_freed++;
}

struct domain *domain_hold(u16 domid)
{
    if (domid >= DOMAINS)
        return NULL;
    holds++;
    return &domains[domid];
}

void domain_let_go(struct domain *d)
{
    (void)d;
    holds--;
}

s64 console_ring_sent(struct domain *d)
{
    (void)d;
    ring_sends++;
    return 0;
}

void console_ring_taken(struct domain *d)
{
    (void)d;
    ring_ends++;
}

static inline void setup(void)
{
    static struct shared_info shared[DOMAINS];

    free(host_memory);
    host_memory = calloc(PAGES, PAGE_SIZE);
    pages_used = pages_freed = 0;
    pages_left = PAGES;
    work_comes = false;
    holds = ring_sends = ring_ends = 0;
    memset(shared, 0, sizeof(shared));
    memset(notified, 0, sizeof(notified));
    memset(polled, 0, sizeof(polled));
    memset(vcpus, 0, sizeof(vcpus));
    for (u32 i = 0; i < DOMAINS; i++) {
        domains[i] = (struct domain){ .id = i, .max_vcpus = VCPUS, .shared = &shared[i] };
        for (u32 j = 0; j < VCPUS; j++) {
            vcpus[i][j].domain = &domains[i];
            vcpus[i][j].id = j;
            vcpus[i][j].ctx.info = &shared[i].vcpu_info[j];
            domains[i].vcpus[j] = &vcpus[i][j];
        }
        ck_assert(event_init(&domains[i]));
    }
}

static inline u32 made(s64 error, const u32 *port)
{
    ck_assert_int_eq(error, 0);
    ck_assert_uint_gt(*port, 0);
    return *port;
}

static inline u32 unbound(u32 d, u16 remote)
{
    u32 port = 0;

    return made(event_alloc_unbound(&domains[d], remote, &port), &port);
}

static inline u32 bind_to(u32 d, u16 remote, u32 remote_port)
{
    u32 port = 0;

    return made(event_bind_interdomain(&domains[d], remote, remote_port, &port), &port);
}

static inline u32 ipi(u32 d, u32 vcpu)
{
    u32 port = 0;

    return made(event_bind_ipi(&domains[d], vcpu, &port), &port);
}

static inline u32 virq(u32 d, u32 which, u32 vcpu)
{
    u32 port = 0;

    return made(event_bind_virq(&domains[d], which, vcpu, &port), &port);
}

static inline struct evtchn_status status_of(u32 d, u32 port)
{
    struct evtchn_status s = { .port = port };

    ck_assert_int_eq(event_status(&domains[d], &s), 0);
    return s;
}

static inline struct vcpu_info *info(u32 d, u32 v)
{
    return vcpus[d][v].ctx.info;
}

/* The guest has looked. */
static inline void take_all(u32 d)
{
    memset(domains[d].shared->evtchn_pending, 0, sizeof(domains[d].shared->evtchn_pending));
    for (u32 v = 0; v < VCPUS; v++) {
        info(d, v)->evtchn_pending_sel = 0;
        info(d, v)->evtchn_upcall_pending = 0;
    }
}

#endif
