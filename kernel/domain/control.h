/*
 * Domains in the hands of a toolstack: a privileged domain that makes, stops and ends others through domctl.
 *
 * Such a domain ("built") starts paused. When it shuts down or crashes it stays as it is, asleep, so that its end can be looked at and its
 * memory read; VIRQ_DOM_EXC says so, and destroydomain takes it away. When no privileged domain is left, those that would wait for
 * ever are taken away at once.
 *
 * domctl works on one domain at a time, one call at a time in the whole machine (control_enter), so a call finds things as it left them
 * but for what the domain itself does. Teardown of a domain does not begin while a call works on it.
 */
#ifndef KOAN_DOMAIN_CONTROL_H
#define KOAN_DOMAIN_CONTROL_H

#include "domain/domain.h"

/* One call at a time: false: another CPU's is going on, to be called again. */
bool control_enter(void);
void control_leave(void);

/* A domain by its id, for the call that has entered: it is not torn down until control_put. NULL: there is none. */
struct domain *control_get(u16 domid);
void control_put(struct domain *d);

/* Is such a call at work on it? Asked by teardown after it was marked as dying. */
bool control_is_busy(const struct domain *d);

/* A new domain, paused, without memory; domid 0: any. -XEN_EEXIST: that id is not free. */
s64 control_create(u16 domid, u32 vcpus, const u8 *handle, u16 *id);

/* Counted, as Xen does; a new domain has been paused once. 0, -XEN_EINVAL, -XEN_EOVERFLOW. */
s64 control_pause(struct domain *d);
s64 control_unpause(struct domain *d);

/* A vCPU is kept from running: waits until it has left its CPU. Not for one of the caller's. */
void control_stop_vcpu(struct vcpu *v, u32 waits);

/* From domain_end(): is this end one that waits for destroydomain? Then it has been made so. */
bool control_keep(struct domain *d, enum domain_end end);

/* A privileged domain has ended: if it was the last, take away what nobody can any more. */
void control_orphans(void);

/* The call that has entered ends this domain; control_reaped() then takes it away. */
void control_destroy(struct domain *d);

/* A step of that, to be called with nothing entered or got. True: it is gone, its memory, but for what others still hold, and its number. */
bool control_reaped(u16 domid, u64 serial);

#endif
