/*
 * A word that vouches for some bytes: SipHash-2-4 of them under a key that the grader writes into the image afresh for each run
 * (grading/seal.py). It has no key in it anywhere else, so who wants to forge what a guest says has to find the key in the
 * guest first.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef GUEST_SEAL_H
#define GUEST_SEAL_H

#include "lib/types.h"

u64 seal(const void *bytes, u64 size);

#endif
