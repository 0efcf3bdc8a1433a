/*
 * Memory and string routines under their standard names.
 *
 * The compiler itself emits calls to memcpy, memmove, memset and memcmp, so they must exist in every
 * freestanding program. On the host (KOAN_HOST: unit tests, fuzzers, tools) the C library's own are
 * used, so that the address sanitizer sees each access; only strlcpy is ours there too.
 */
#ifndef KOAN_LIB_STRING_H
#define KOAN_LIB_STRING_H

#include "lib/types.h"

#ifdef KOAN_HOST
#include <string.h>
#else
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
#endif

/* Copies at most size - 1 bytes and always ends them with NUL (size > 0). Returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);

#endif
