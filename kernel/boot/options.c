/*
 * Koan's command line: see options.h.
 */
#include "boot/options.h"

#include "domain/end.h"
#include "domain/sched.h"
#include "lib/debug.h"
#include "lib/parse.h"
#include "x86/apic.h"
#include "x86/power.h"

#define DEFAULT_CONSOLE "com1,vga"

/* 115200, then 8n1, then the port; each may be left out from the right. NULL or what is wrong. */
static const char *read_line_settings(struct slice text, struct serial_config *serial)
{
    struct slice speed = slice_cut(&text, ','), format = slice_cut(&text, ',');
    u64 number;

    if (!parse_number(speed, &number) || number == 0 || number > 115200 || 115200 % number)
        return "not a speed that divides 115200";
    serial->speed = (u32)number;
    if (format.length) {
        if (format.length != 3 || format.text[0] < '5' || format.text[0] > '8' ||
            (format.text[2] != '1' && format.text[2] != '2'))
            return "not a line format like 8n1";
        serial->data_bits = format.text[0] - '0';
        serial->parity = format.text[1] | 0x20;
        serial->stop_bits = format.text[2] - '0';
    }
    if (text.length) {
        if (!parse_number(text, &number) || number == 0 || number > 0xfff8)
            return "not an I/O port";
        serial->port = (u16)number;
    }
    return NULL;
}

/* A wrong word must not make the machine mute: then it is as if the option were not there. */
static const char *read_console(struct slice text, const struct serial_config com[2],
                                struct console_config *out)
{
    out->screen = false;
    out->serial.port = 0;
    while (text.length) {
        struct slice word = slice_cut(&text, ',');

        if (slice_equals(word, "com1"))
            out->serial = com[0];
        else if (slice_equals(word, "com2"))
            out->serial = com[1];
        else if (slice_equals(word, "vga"))
            out->screen = true;
        else if (!slice_equals(word, "none")) {
            read_console(slice_of(DEFAULT_CONSOLE), com, out);
            return "not one of com1, com2, none, vga";
        }
    }
    return NULL;
}

static const char *read_end(const struct option *option)
{
    if (option_value_is(option, "halt"))
        end_mode = END_MODE_HALT;
    else if (option_value_is(option, "exit"))
        end_mode = END_MODE_EXIT;
    else if (option_value_is(option, "reboot"))
        end_mode = END_MODE_REBOOT;
    else
        return "not one of halt, exit, reboot";
    return NULL;
}

static const char *read_hz(struct slice text)
{
    u64 hz;

    if (!parse_number(text, &hz) || hz < 1 || hz > 10000)
        return "not a number from 1 to 10000";
    tick_hz = (u32)hz;
    end_report_waits = true;
    return NULL;
}

static const char *read_option(const struct option *option, struct serial_config com[2],
                               struct slice *console)
{
    if (option->problem)
        return option->problem;
    if (option_is(option, "com1"))
        return read_line_settings(option->value, &com[0]);
    if (option_is(option, "com2"))
        return read_line_settings(option->value, &com[1]);
    if (option_is(option, "hz"))
        return read_hz(option->value);
    if (option_is(option, "sched"))
        return sched_choose(option->value.text, option->value.length)
                   ? NULL
                   : "not one of credit, bvt, rr";
    if (option_is(option, "end"))
        return read_end(option);
    if (option_is(option, "console")) {
        *console = option->value; /* read last: it names a port whose settings may still come */
        return NULL;
    }
    return debug_option(option->key, option->value) ? NULL : "unknown option";
}

static void note_problem(struct boot_options *out, const char *problem, struct slice key)
{
    if (!problem || out->problem)
        return;
    out->problem = problem;
    slice_copy(key, out->problem_at, sizeof(out->problem_at));
}

void options_read(const char *line, struct boot_options *out)
{
    struct serial_config com[2] = { { SERIAL_COM1, 115200, 8, 'n', 1 },
                                    { SERIAL_COM2, 115200, 8, 'n', 1 } };
    struct slice console = slice_of(DEFAULT_CONSOLE);
    struct option option;

    out->problem = NULL;
    while (option_next(&line, &option))
        note_problem(out, read_option(&option, com, &console), option.key);
    note_problem(out, read_console(console, com, &out->console), slice_of("console"));
}
