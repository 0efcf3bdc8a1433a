/*
 * The clean FPU state: see fpu.h.
 */
#include "x86/fpu.h"

#include "lib/string.h"

/* Places in the FXSAVE image, SDM vol. 1, table 10-2. */
#define FXSAVE_FCW   0
#define FXSAVE_MXCSR 24

void fpu_reset(struct fpu_state *fpu)
{
    static const u16 fcw = 0x37f;
    static const u32 mxcsr = 0x1f80;

    memset(fpu, 0, sizeof(*fpu));
    memcpy(fpu->fxsave + FXSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(fpu->fxsave + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}
