/*
 * Guest time: see time.h.
 */
#include "domain/time.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/usercopy.h"

#define TIME_REFRESH_NS 500000000UL

void time_update(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->ctx.info->time;
    u64 tsc = rdtsc();
    u64 now = clock_ns_at(tsc);

    if (likely(v->time_info == t && now - v->time_stamp < TIME_REFRESH_NS))
        return;
    v->time_info = t; /* a registered vcpu_info moves it */
    v->time_stamp = now;
    /* Odd while it is being written. The guest can write it, too, so the version is counted from our own. */
    t->version = ++v->time_version;
    asm volatile("" ::: "memory");
    t->tsc_timestamp = tsc;
    t->system_time = now;
    t->tsc_to_system_mul = clock_mul;
    t->tsc_shift = clock_shift;
    t->flags = 0;
    asm volatile("" ::: "memory");
    t->version = ++v->time_version;
    if (unlikely(v->time_va != 0) && v == current_vcpu())
        time_copy(v);
}

/*
 * The second copy, at an address of the guest's: what it maps into its programs. In user mode the kernel's page tables are borrowed. Nothing happens where
 * the guest has unmapped it.
 */
void time_copy(struct vcpu *v)
{
    struct vcpu_time_info info = v->ctx.info->time;
    u32 version = info.version;
    bool borrow = !v->ctx.in_kernel;

    if (borrow)
        tlb_load_cr3(v->ctx.cr3_kernel);
    info.version = version | 1;
    if (copy_to_guest(v->time_va, &info.version, sizeof(info.version)) &&
        copy_to_guest(v->time_va, &info, sizeof(info)))
        copy_to_guest(v->time_va, &version, sizeof(version));
    if (borrow)
        tlb_load_cr3(v->ctx.cr3_user);
}

void time_set_wallclock(struct domain *d)
{
    struct shared_info *s = d->shared;
    u64 at_boot = clock_wall_at_boot();
    u64 start = at_boot / 1000000000 + (u64)d->time_offset; /* s since 1970 at system time 0 */

    s->wc_version |= 1; /* odd: being written */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_sec = (u32)start;
    s->wc_sec_hi = (u32)(start >> 32);
    s->wc_nsec = (u32)(at_boot % 1000000000);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_version++;
}

void runstate_change(struct vcpu *v, u32 state, u64 now)
{
    v->runstate_time[v->runstate] += now - v->runstate_since;
    v->runstate_since = now;
    v->runstate = state;
}

void runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
    u64 now = clock_ns();

    info->state = (s32)v->runstate;
    info->state_entry_time = v->runstate_since;
    for (u32 i = 0; i < 4; i++)
        info->time[i] = v->runstate_time[i] + (i == v->runstate ? now - v->runstate_since : 0);
}

/*
 * The area is at an address of the guest's kernel, so in user mode its page tables are borrowed. With VMASST_TYPE_runstate_update_flag the
 * top bit of the entry time is set while the area changes, for readers on other vCPUs.
 */
void runstate_publish(struct vcpu *v)
{
    struct vcpu_runstate_info info;
    bool flag = v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);
    u64 entry_va = v->runstate_va + offsetof(struct vcpu_runstate_info, state_entry_time);
    bool borrow = !v->ctx.in_kernel;

    if (borrow)
        tlb_load_cr3(v->ctx.cr3_kernel);
    runstate_get(v, &info);
    u64 entry = info.state_entry_time;
    if (flag)
        info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    bool ok = put_guest_u64(entry_va, info.state_entry_time) &&
              copy_to_guest(v->runstate_va, &info, sizeof(info));
    if (ok && flag)
        put_guest_u64(entry_va, entry);
    if (borrow)
        tlb_load_cr3(v->ctx.cr3_user);
}
