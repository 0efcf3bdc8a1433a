/* What the host fuzzers share. Each fuzz_NAME.c is a libFuzzer program; build.mk links it with what it tests. */
#ifndef KOAN_TESTS_FUZZ_H
#define KOAN_TESTS_FUZZ_H

#include "lib/plan.h"
#include "lib/types.h"

/* libFuzzer calls this with each input. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A broken promise ends the run as a crash does, with the input saved. */
#define FUZZ_REQUIRE(x)                                                                            \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_trap();                                                                      \
    } while (0)

/* Reads every byte, so that the address sanitizer looks at it. */
void fuzz_touch(const void *bytes, size_t size);

/* The promises of plan.h, on a sample of the tables where there are many. */
void fuzz_check_plan(const struct plan *plan);

#endif
