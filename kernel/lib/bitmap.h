/*
 * Bitmaps of any length, as arrays of 64-bit words: CPU masks, port masks, free slots.
 *
 *     u64 online[BITMAP_WORDS(NR_CPUS)];
 *
 * The caller keeps bit < nbits. The plain functions need a lock around them; those named _atomic don't.
 */
#ifndef KOAN_LIB_BITMAP_H
#define KOAN_LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_WORDS(nbits) (((nbits) + 63) / 64)

static inline bool bitmap_test(const u64 *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
    map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
    map[bit / 64] &= ~BIT(bit % 64);
}

static inline bool bitmap_test_atomic(const u64 *map, size_t bit)
{
    return __atomic_load_n(&map[bit / 64], __ATOMIC_ACQUIRE) >> (bit % 64) & 1;
}

/* Both return what the bit was before. */
static inline bool bitmap_set_atomic(u64 *map, size_t bit)
{
    return __atomic_fetch_or(&map[bit / 64], BIT(bit % 64), __ATOMIC_ACQ_REL) >> (bit % 64) & 1;
}

static inline bool bitmap_clear_atomic(u64 *map, size_t bit)
{
    return __atomic_fetch_and(&map[bit / 64], ~BIT(bit % 64), __ATOMIC_ACQ_REL) >> (bit % 64) & 1;
}

/* The first bit at or after `from` that has the value wanted, or nbits when there is none. */
static inline size_t bitmap_find(const u64 *map, size_t nbits, size_t from, bool wanted)
{
    while (from < nbits) {
        u64 word = (wanted ? map[from / 64] : ~map[from / 64]) >> (from % 64);

        if (word)
            return min(from + (size_t)__builtin_ctzl(word), nbits);
        from = (from / 64 + 1) * 64;
    }
    return nbits;
}

static inline size_t bitmap_first_set(const u64 *map, size_t nbits)
{
    return bitmap_find(map, nbits, 0, true);
}

static inline size_t bitmap_next_set(const u64 *map, size_t nbits, size_t from)
{
    return bitmap_find(map, nbits, from, true);
}

static inline size_t bitmap_first_clear(const u64 *map, size_t nbits)
{
    return bitmap_find(map, nbits, 0, false);
}

static inline bool bitmap_empty(const u64 *map, size_t nbits)
{
    return bitmap_first_set(map, nbits) == nbits;
}

static inline size_t bitmap_count(const u64 *map, size_t nbits)
{
    size_t count = 0, bit = 0;

    for (; (bit = bitmap_next_set(map, nbits, bit)) < nbits; bit++)
        count++;
    return count;
}

#define bitmap_for_each_set(bit, map, nbits)                                                       \
    for ((bit) = bitmap_first_set(map, nbits); (bit) < (nbits);                                    \
         (bit) = bitmap_next_set(map, nbits, (bit) + 1))

#endif
