/*
 * NMIs of guests: one that is sent to a vCPU (VCPUOP_send_nmi), and the machine's own, which the hypervisor reports and passes on to the domain that
 * looks after the machine.
 */
#ifndef KOAN_DOMAIN_NMI_H
#define KOAN_DOMAIN_NMI_H

#include "domain/domain.h"

/* It comes when the vCPU next goes on, wakes it, and waits while another one is being handled. */
void nmi_send(struct vcpu *v);

/* On the way out, after WORK_NMI: the hardware has raised one. */
void nmi_pass_on(void);

/* A handler has just been registered. An NMI of the machine that found none comes now. */
void nmi_registered(struct vcpu *v);

/* On the way out to the vCPU, for which one is pending: into its handler, unless it is still in it. */
void nmi_deliver(struct vcpu *v, struct regs *regs);

#endif
