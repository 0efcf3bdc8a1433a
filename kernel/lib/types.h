/*
 * The few types and macros that every file uses: sized integers, page size, and small helpers.
 *
 * Compiled for the hypervisor, for guests and on the host (unit tests, tools), so it holds nothing that depends on where it runs.
 */
#ifndef KOAN_LIB_TYPES_H
#define KOAN_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define BIT(n)           (1UL << (n))
#define KIB(n)           ((u64)(n) << 10)
#define MIB(n)           ((u64)(n) << 20)
#define GIB(n)           ((u64)(n) << 30)
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define ROUND_UP(x, a)   (((x) + (a)-1) & ~((a)-1)) /* a: a power of two */
#define ROUND_DOWN(x, a) ((x) & ~((a)-1))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define min(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) min_a = (a);                                                                 \
        __typeof__(b) min_b = (b);                                                                 \
        min_a < min_b ? min_a : min_b;                                                             \
    })
#define max(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) max_a = (a);                                                                 \
        __typeof__(b) max_b = (b);                                                                 \
        max_a > max_b ? max_a : max_b;                                                             \
    })

/* Spelled in capitals: the plain words appear inside attributes of the host's own headers. */
#define PACKED            __attribute__((packed))
#define ALIGNED(n)        __attribute__((aligned(n)))
#define NORETURN          __attribute__((noreturn))
#define NOINLINE          __attribute__((noinline))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#endif
