/*
 * The real-time clock of a PC (MC146818 data sheet) as a device with an interrupt: for a privileged domain, whose I/O privilege level rtc_init()
 * raises. Its periodic interrupt raises the line, and reading register C lowers it.
 */
#ifndef GUEST_RTC_H
#define GUEST_RTC_H

#include "abi/physdev.h"
#include "guest.h"

#define RTC_A 0x0a /* rate */
#define RTC_B 0x0b /* what interrupts */
#define RTC_C 0x0c /* what has; read: all is answered */

#define RTC_A_1024_HZ  0x26
#define RTC_B_PERIODIC 0x40
#define RTC_C_PERIODIC 0x40

static inline void rtc_select(u8 reg)
{
    __asm__ volatile("outb %0, $0x70" : : "a"(reg));
}

static inline u8 rtc_read(u8 reg)
{
    u8 value;

    rtc_select(reg);
    __asm__ volatile("inb $0x71, %0" : "=a"(value));
    return value;
}

static inline void rtc_write(u8 reg, u8 value)
{
    rtc_select(reg);
    __asm__ volatile("outb %0, $0x71" : : "a"(value));
}

static inline void rtc_periodic(bool on)
{
    u8 b = rtc_read(RTC_B);

    rtc_write(RTC_B, b & ~RTC_B_PERIODIC);
    rtc_read(RTC_C);
    if (on)
        rtc_write(RTC_B, b | RTC_B_PERIODIC);
}

static inline void rtc_init(void)
{
    struct physdev_set_iopl level = { .iopl = 1 };

    hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, (u64)&level, 0, 0, 0);
    rtc_write(RTC_A, RTC_A_1024_HZ);
    rtc_periodic(false);
}

#endif
