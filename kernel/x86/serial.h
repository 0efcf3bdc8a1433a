/*
 * A serial port of the PC's kind (16550), polled: the console of a server, and of every test.
 */
#ifndef KOAN_X86_SERIAL_H
#define KOAN_X86_SERIAL_H

#include "lib/types.h"

struct serial_config {
    u16 port;     /* I/O base; 0: no serial console */
    u32 speed;    /* bits a second */
    u8 data_bits; /* 5..8 */
    char parity;  /* 'n', 'o' or 'e' */
    u8 stop_bits; /* 1 or 2 */
};

#define SERIAL_COM1 0x3f8
#define SERIAL_COM2 0x2f8

/* Set the line up. False if no UART answers at the port. */
bool serial_init(const struct serial_config *config);

void serial_putc(char c);

/* The next character typed, or -1. */
int serial_poll(void);

#endif
