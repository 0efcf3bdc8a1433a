/*
 * Memory and string routines for code without a C library. See string.h.
 *
 * The bulk routines use the CPU's string instructions, eight bytes at a step: short code, no vector
 * registers (the hypervisor must not touch the guest's), and fast on every CPU of the last ten years.
 */
#include "lib/string.h"

#ifndef KOAN_HOST

void *memcpy(void *dst, const void *src, size_t n)
{
    void *to = dst;
    size_t words = n / 8, rest = n % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest) : : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    u8 *to = dst;
    const u8 *from = src;

    /* One unsigned comparison: true unless dst lies inside [src, src + n). */
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(dst, src, n);
    while (n--) {
        to[n] = from[n];
        __asm__ volatile("" : : : "memory"); /* or the compiler turns this loop into memmove */
    }
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    void *to = dst;
    u64 pattern = (u8)byte * 0x0101010101010101UL;
    size_t words = n / 8, rest = n % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n]) {
        n++;
        __asm__ volatile("" : : : "memory"); /* or the compiler turns this loop into strlen */
    }
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

#endif

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t length = strlen(src);
    size_t copied = min(length, size - 1);

    memcpy(dst, src, copied);
    dst[copied] = '\0';
    return length;
}
