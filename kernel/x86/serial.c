/*
 * 16550 UART (National Semiconductor PC16550D, registers at section 8), without interrupts: a byte
 * is written when the line status says that there is room. A UART that stays busy is given up, so
 * that an unplugged or emulated port cannot hang the machine.
 */
#include "x86/serial.h"

#include "x86/asm.h"

enum uart_register {
    UART_DATA = 0,    /* DLAB=1: divisor, low byte */
    UART_IER = 1,     /* interrupt enable; DLAB=1: divisor, high byte */
    UART_FCR = 2,     /* FIFO control */
    UART_LCR = 3,     /* line control */
    UART_MCR = 4,     /* modem control */
    UART_LSR = 5,     /* line status */
    UART_SCRATCH = 7, /* remembers a byte: proof that there is a UART */
};

#define LCR_DLAB     0x80
#define LSR_DATA     0x01
#define LSR_TX_EMPTY 0x20
#define UART_CLOCK   115200 /* divisor 1 */
#define BUSY_LIMIT   100000 /* polls; a byte at 300 bits a second takes about 30000 */

static u16 base; /* r: 0 while there is none */

static u8 line_control(const struct serial_config *config)
{
    u8 lcr = (config->data_bits - 5) & 3;

    if (config->stop_bits == 2)
        lcr |= 0x04;
    if (config->parity == 'o')
        lcr |= 0x08;
    if (config->parity == 'e')
        lcr |= 0x18;
    return lcr;
}

bool serial_init(const struct serial_config *config)
{
    u16 port = config->port;
    u32 divisor = config->speed ? UART_CLOCK / config->speed : 1;
    u8 lcr = line_control(config);

    if (port == 0)
        return false;
    outb(port + UART_SCRATCH, 0x5a);
    if (inb(port + UART_SCRATCH) != 0x5a)
        return false;
    outb(port + UART_IER, 0);
    outb(port + UART_LCR, lcr | LCR_DLAB);
    outb(port + UART_DATA, divisor & 0xff);
    outb(port + UART_IER, divisor >> 8);
    outb(port + UART_LCR, lcr);
    outb(port + UART_FCR, 0x07); /* FIFOs on and emptied */
    outb(port + UART_MCR, 0x03); /* data terminal ready, request to send */
    base = port;
    return true;
}

void serial_putc(char c)
{
    if (base == 0)
        return;
    for (u32 i = 0; !(inb(base + UART_LSR) & LSR_TX_EMPTY); i++)
        if (i == BUSY_LIMIT)
            return;
    outb(base + UART_DATA, c);
}

int serial_poll(void)
{
    if (base == 0 || !(inb(base + UART_LSR) & LSR_DATA))
        return -1;
    return inb(base + UART_DATA);
}
