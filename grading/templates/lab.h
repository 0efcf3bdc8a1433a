/*
 * What stands in a function that you have not written yet: lab_todo() ends the machine with the exercise, the file and the task.
 *
 * Take the call away when you write the function. When no file calls it any more, you have written everything.
 */
#ifndef KOAN_LIB_LAB_H
#define KOAN_LIB_LAB_H

#include "lib/panic.h"

#ifdef KOAN_HOST
#define lab_todo(id, file, task) panic("LAB %s, %s, is not written yet: %s", id, file, task)
#else
NORETURN void lab_todo(const char *id, const char *file, const char *task);
#endif

#endif
