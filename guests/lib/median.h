/*
 * The middle one of an odd number of values, which it sorts: for measurements, as interrupts fall into a few of them.
 */
#ifndef GUEST_MEDIAN_H
#define GUEST_MEDIAN_H

#include "lib/types.h"

static inline u64 median(u64 *values, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j && values[j] < values[j - 1]; j--) {
            u64 value = values[j];

            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    return values[n / 2];
}

#endif
