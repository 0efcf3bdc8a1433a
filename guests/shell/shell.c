/*
 * A guest to talk to: reads lines from the console (CONSOLEIO_read) and does what they say. `help` lists the commands.
 *
 * It is there for hands-on play: look at your own page tables, make any hypercall with any arguments and see the answer. It polls
 * for input and gives the CPU away in between.
 */
#include "guest.h"
#include "memory.h"
#include "trap.h"

#define LINE_MAX 120

/* Collects a line, echoing what is typed; backspace works. */
static void read_line(char *line)
{
    u64 length = 0;
    char c;

    for (;;) {
        if (console_io(CONSOLEIO_read, 1, &c) != 1) {
            yield();
        } else if (c == '\r' || c == '\n') {
            print("\n");
            break;
        } else if ((c == 8 || c == 127) && length) {
            length--;
            print(" (now: %.*s)\n$ %.*s", (int)length, line, (int)length, line);
        } else if (c >= ' ' && c < 127 && length < LINE_MAX - 1) {
            line[length++] = c;
            print("%c", c);
        }
    }
    line[length] = 0;
}

/* The next word of the line as a number: hexadecimal behind 0x, else decimal. False: there is none. */
static bool next_number(const char **at, u64 *number)
{
    u64 base = 10;

    while (**at == ' ')
        ++*at;
    if (!**at)
        return false;
    if ((*at)[0] == '0' && (*at)[1] == 'x') {
        base = 16;
        *at += 2;
    }
    for (*number = 0; **at && **at != ' '; ++*at) {
        u64 digit = **at <= '9' ? (u64)(**at - '0') : (u64)((**at | 0x20) - 'a' + 10);

        *number = *number * base + (digit < base ? digit : 0);
    }
    return true;
}

static void info(void)
{
    print("%s, %lu pages, %s; L4 in machine frame %#lx\n", start_info->magic, start_info->nr_pages,
          guest_is_privileged() ? "privileged" : "unprivileged", current_l4());
}

static void walk(const char *rest)
{
    u64 va;

    if (!next_number(&rest, &va)) {
        print("walk ADDRESS\n");
        return;
    }
    for (int level = 4; level >= 1; level--) {
        u64 *entry = pte_of(va, level);

        if (!entry)
            break;
        print("L%d entry %#018lx%s\n", level, *entry, *entry & PTE_P ? "" : ": not present");
    }
}

static void say_trap(void)
{
    print("trap %d, error code %#lx, address %#lx\n", trap_last.vector, trap_last.error,
          trap_last.cr2);
}

static void peek(const char *rest)
{
    u64 va, value = 0;

    if (!next_number(&rest, &va))
        print("peek ADDRESS\n");
    else if (probe_read64(va, &value))
        say_trap();
    else
        print("%#018lx\n", value);
}

static void poke(const char *rest)
{
    u64 va, value;

    if (!next_number(&rest, &va) || !next_number(&rest, &value))
        print("poke ADDRESS VALUE\n");
    else if (probe_write64(va, value))
        say_trap();
}

static void call(const char *rest)
{
    u64 nr, a[5] = { 0 };

    if (!next_number(&rest, &nr)) {
        print("call NUMBER [ARGUMENT...]\n");
        return;
    }
    for (int i = 0; i < 5 && next_number(&rest, &a[i]); i++)
        ;
    print("%ld\n", (long)hypercall(nr, a[0], a[1], a[2], a[3], a[4]));
}

static bool is_command(const char *line, const char *name, const char **rest)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) || (line[n] && line[n] != ' '))
        return false;
    *rest = line + n;
    return true;
}

static void obey(const char *line)
{
    const char *rest;

    if (is_command(line, "info", &rest))
        info();
    else if (is_command(line, "walk", &rest))
        walk(rest);
    else if (is_command(line, "peek", &rest))
        peek(rest);
    else if (is_command(line, "poke", &rest))
        poke(rest);
    else if (is_command(line, "call", &rest))
        call(rest);
    else if (is_command(line, "crash", &rest))
        guest_panic("as you wish");
    else if (*line)
        print(
            "info | walk ADDRESS | peek ADDRESS | poke ADDRESS VALUE | call NUMBER [ARGUMENT...] | crash | exit\n");
}

int main(void)
{
    char line[LINE_MAX];
    const char *rest;

    print(
        "A shell: help lists its commands, exit ends it, Ctrl-] moves your typing to another domain.\n");
    for (;;) {
        print("$ ");
        read_line(line);
        if (is_command(line, "exit", &rest))
            return 0;
        obey(line);
    }
}
