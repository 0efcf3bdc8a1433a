/* Parts of the self-tests (selftest.c has the list). */
#ifndef KOAN_DEBUG_SELFTEST_H
#define KOAN_DEBUG_SELFTEST_H

void selftest_audit(void);

#endif
