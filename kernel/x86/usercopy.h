/*
 * Copies between the hypervisor and the running guest's own address space.
 *
 * Every copy checks the range (canonical, outside the hypervisor's slots) and survives a fault
 * through the exception table: false means that not all was copied, which a hypercall answers with
 * -EFAULT. With SMAP the access is opened for the copy alone. A guest's other vCPU may change the
 * bytes at any time, so copy once and check the copy.
 *
 * A copy of a small constant size, as nearly all arguments are, is a few moves in line; others call
 * usercopy.c.
 */
#ifndef KOAN_X86_USERCOPY_H
#define KOAN_X86_USERCOPY_H

#include "lib/types.h"
#include "x86/extable.h"
#include "x86/layout.h"

#ifdef KOAN_HOST
bool copy_from_guest(void *to, u64 from, size_t len);
bool copy_to_guest(u64 to, const void *from, size_t len);
bool get_guest_u64(u64 *to, u64 from);
bool put_guest_u64(u64 to, u64 value);
bool get_guest_u32(u32 *to, u64 from);
#else

/*
 * Is it no address of the hypervisor's? The start decides: a copy goes upwards, and between the
 * guest's lower half and the hypervisor lie the non-canonical addresses, which fault. Nothing is as
 * long as they are.
 */
static ALWAYS_INLINE bool guest_address_ok(u64 va)
{
    return va - HYP_VA_START >= HYP_VA_END - HYP_VA_START;
}

/* One word, aligned or not. */
static ALWAYS_INLINE bool get_guest_u64(u64 *to, u64 from)
{
    u64 value;

    if (unlikely(!guest_address_ok(from)))
        return false;
    guest_access_begin();
    GUEST_GET(value, from, fault);
    guest_access_end();
    *to = value;
    return true;
fault:
    guest_access_end();
    return false;
}

static ALWAYS_INLINE bool get_guest_u32(u32 *to, u64 from)
{
    u32 value;

    if (unlikely(!guest_address_ok(from)))
        return false;
    guest_access_begin();
    GUEST_GET32(value, from, fault);
    guest_access_end();
    *to = value;
    return true;
fault:
    guest_access_end();
    return false;
}

static ALWAYS_INLINE bool put_guest_u64(u64 to, u64 value)
{
    if (unlikely(!guest_address_ok(to)))
        return false;
    guest_access_begin();
    GUEST_PUT(to, value, fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

/* Whole words, few enough to be unrolled. */
static ALWAYS_INLINE bool copy_words_from_guest(u64 *to, u64 from, size_t words)
{
    u64 value;

    if (unlikely(!guest_address_ok(from)))
        return false;
    guest_access_begin();
#pragma GCC unroll 8
    for (size_t i = 0; i < words; i++) {
        GUEST_GET(value, from + i * 8, fault);
        to[i] = value;
    }
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

static ALWAYS_INLINE bool copy_words_to_guest(u64 to, const u64 *from, size_t words)
{
    if (unlikely(!guest_address_ok(to)))
        return false;
    guest_access_begin();
#pragma GCC unroll 8
    for (size_t i = 0; i < words; i++)
        GUEST_PUT(to + i * 8, from[i], fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

/* Any length; usercopy.c. */
bool copy_bytes_from_guest(void *to, u64 from, size_t len);
bool copy_bytes_to_guest(u64 to, const void *from, size_t len);

#define USERCOPY_INLINE(len) (__builtin_constant_p(len) && (len) % 8 == 0 && (len) <= 64)

static ALWAYS_INLINE bool copy_from_guest(void *to, u64 from, size_t len)
{
    return USERCOPY_INLINE(len) ? copy_words_from_guest(to, from, len / 8)
                                : copy_bytes_from_guest(to, from, len);
}

static ALWAYS_INLINE bool copy_to_guest(u64 to, const void *from, size_t len)
{
    return USERCOPY_INLINE(len) ? copy_words_to_guest(to, from, len / 8)
                                : copy_bytes_to_guest(to, from, len);
}

#endif

bool clear_guest(u64 to, size_t len);

#endif
