/*
 * set_timer_op(time): the one-shot timer by system time, in the old form (Xen's public xen.h). 0 stops it.
 */
#include "domain/vcpu_timer.h"
#include "hypercall/handlers.h"

s64 hc_set_timer_op(u64 when, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (when)
        vcpu_timer_set(current_vcpu(), when);
    else
        vcpu_timer_stop(current_vcpu());
    return 0;
}
