/*
 * Stopping the world: all other CPUs wait at a point where they hold no lock and have nothing half done, so that the state of all domains can
 * be read as a whole.
 */
#ifndef KOAN_DEBUG_WORLD_H
#define KOAN_DEBUG_WORLD_H

#include "lib/types.h"

/* Stop all other CPUs. Interrupts must be on and no lock held. False (with a line) if one of them does not come: nothing is stopped then. */
bool world_stop(void);
void world_go(void);

#endif
