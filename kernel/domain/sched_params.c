/*
 * Which policy rules, and what domains ask of it: see sched.h.
 */
#include "abi/errno.h"
#include "domain/run_queue.h"
#include "domain/sched.h"
#include "lib/string.h"
#include "lib/trace.h"

const struct scheduler *scheduler = &sched_credit;

static const struct scheduler *const policies[] = { &sched_rr, &sched_bvt, &sched_credit };

bool sched_choose(const char *name, size_t length)
{
    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strlen(policies[i]->name) == length && !strncmp(policies[i]->name, name, length)) {
            scheduler = policies[i];
            return true;
        }
    }
    return false;
}

const char *sched_name(void)
{
    return scheduler->name;
}

void sched_init_domain(struct domain *d)
{
    d->sched = (struct sched_group){ .params.weight = SCHED_WEIGHT,
                                     .lock = SPINLOCK_INIT(LOCK_SCHED_GROUP) };
}

s64 sched_set_params(struct domain *d, const struct sched_params *params)
{
    if (params->weight < 1 || params->weight > SCHED_WEIGHT_MAX)
        return refuse(-XEN_EINVAL, params->weight);
    if (params->cap > SCHED_CAP_MAX)
        return refuse(-XEN_EINVAL, params->cap);
    if (params->warp > SCHED_TIME_MAX || params->warp_limit > SCHED_TIME_MAX ||
        params->unwarp_limit > SCHED_TIME_MAX)
        return refuse(-XEN_EINVAL, params->warp);
    d->sched.params = *params;
    return 0;
}

void sched_get_params(const struct domain *d, struct sched_params *params)
{
    *params = d->sched.params;
}
