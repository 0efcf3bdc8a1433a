/*
 * FPU and SSE state (FXSAVE image, SDM vol. 1, 10.5), switched lazily: the registers stay with the vCPU that used them last until another
 * one traps with #NM. The hypervisor itself never touches them.
 */
#ifndef KOAN_X86_FPU_H
#define KOAN_X86_FPU_H

#include "lib/types.h"

struct fpu_state {
    u8 fxsave[512];
} ALIGNED(16);

struct vcpu;

/* A clean state: FCW 0x37f, MXCSR 0x1f80, all else 0. */
void fpu_reset(struct fpu_state *fpu);

#endif
