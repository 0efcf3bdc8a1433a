/*
 * Local APIC: see apic.h. Registers are named by their offset in memory (SDM vol. 3, table 10-1);
 * the MSR of x2APIC is 0x800 plus a sixteenth of it (10.12.1.2).
 */
#include "x86/apic.h"

#include "lib/panic.h"
#include "x86/asm.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/features.h"

enum apic_register {
    APIC_ID = 0x20,
    APIC_TPR = 0x80,
    APIC_EOI = 0xb0,
    APIC_LDR = 0xd0,
    APIC_DFR = 0xe0,
    APIC_SPURIOUS = 0xf0,
    APIC_TMR = 0x180, /* eight registers of 32 bits: trigger modes */
    APIC_ESR = 0x280,
    APIC_ICR = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define BASE_ENABLED BIT(11) /* in MSR_APIC_BASE */
#define BASE_X2APIC  BIT(10)
#define BASE_ADDRESS 0x000ffffffffff000UL
#define LVT_MASKED   BIT(16)
#define LVT_NMI      (4U << 8)
#define ICR_NMI      (4U << 8)
#define ICR_INIT     (5U << 8)
#define ICR_STARTUP  (6U << 8)
#define ICR_BUSY     BIT(12)
#define ICR_ASSERT   BIT(14)
#define SPURIOUS_ON  BIT(8)
#define DIVIDE_BY_16 3
#define CALIBRATE_US 1000
#define ATTEMPTS     5
#define SLOP_NS      1000 /* small enough: a thousandth of what is measured */
#define LONGEST_WAIT_NS                                                                            \
    1000000000UL /* the counter has 32 bits: who waits longer gets an interrupt between */

static volatile u8 *registers; /* r: NULL with x2APIC */
u32 tick_hz = 100;             /* r */
static u64 ticks_per_ns;       /* r: of the APIC's timer, times 2^32 */

static u32 apic_read(enum apic_register reg)
{
    if (!registers)
        return (u32)rdmsr(MSR_X2APIC + reg / 16);
    return *(volatile u32 *)(registers + reg);
}

static void apic_write(enum apic_register reg, u32 value)
{
    if (!registers)
        wrmsr(MSR_X2APIC + reg / 16, value);
    else
        *(volatile u32 *)(registers + reg) = value;
}

/* --- start --- */

bool apic_wants_registers(u64 *address)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    *address = base & BASE_ADDRESS;
    return !cpu_features.x2apic && !(base & BASE_X2APIC);
}

/* The two 8259s: vectors out of the way of exceptions, every input masked. */
static void pic_mask(void)
{
    static const u8 words[2][4] = { { 0x11, 0xe0, 0x04, 0x01 }, { 0x11, 0xe8, 0x02, 0x01 } };
    static const u16 ports[2] = { 0x20, 0xa0 };

    for (u32 i = 0; i < 2; i++) {
        outb(ports[i], words[i][0]);
        for (u32 j = 1; j < 4; j++)
            outb(ports[i] + 1, words[i][j]);
        outb(ports[i] + 1, 0xff);
    }
}

void apic_init(volatile void *mapped)
{
    registers = mapped;
    pic_mask();
}

void apic_setup_cpu(void)
{
    u64 base = rdmsr(MSR_APIC_BASE) | BASE_ENABLED;

    wrmsr(MSR_APIC_BASE, base);
    if (!registers)
        wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_LVT_LINT0, LVT_MASKED); /* the 8259s */
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_SPURIOUS, SPURIOUS_ON | VECTOR_SPURIOUS);
    this_cpu()->apic_id = apic_id();
}

/* Count for a millisecond; *slop is how much of the time, in ns, passed in reading the two clocks. */
static u64 measure(u64 *slop)
{
    u64 before = clock_ns();

    apic_write(APIC_TIMER_INITIAL, ~0U);
    u64 start = clock_ns();
    clock_wait_us(CALIBRATE_US);
    u64 stop = clock_ns();
    u32 counted = ~apic_read(APIC_TIMER_CURRENT);
    u64 after = clock_ns();

    apic_write(APIC_TIMER_INITIAL, 0);
    *slop = (start - before) + (after - stop);
    return ((u64)counted << 32) / ((stop + after) / 2 - (before + start) / 2);
}

/* How fast the timer counts, by the TSC clock; the attempt in which nothing came between counts. All
 * CPUs' timers run alike. */
static void calibrate(void)
{
    u64 best = ~0UL, slop;

    for (u32 i = 0; i < ATTEMPTS && best > SLOP_NS; i++) {
        u64 speed = measure(&slop);

        if (slop >= best)
            continue;
        best = slop;
        ticks_per_ns = max(speed, 1UL);
    }
}

void apic_start_timer(void)
{
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    if (!ticks_per_ns) {
        apic_write(APIC_LVT_TIMER, LVT_MASKED);
        calibrate();
    }
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    apic_timer_at(clock_ns());
}

/* One tick too many rather than one too few: an early interrupt costs another. */
static void program(u64 when)
{
    u64 now = clock_ns();
    u64 wait = when > now ? min(when - now, LONGEST_WAIT_NS) : 0;

    apic_write(APIC_TIMER_INITIAL, (u32)((wait * ticks_per_ns) >> 32) + 1);
}

void apic_timer_at(u64 when)
{
    struct cpu *c = this_cpu();

    if (when == c->timer_due)
        return;
    c->timer_due = when;
    program(when);
}

void apic_timer_by(u64 when)
{
    struct cpu *c = this_cpu();

    if (when >= c->timer_due)
        return;
    if (when > clock_ns())
        apic_timer_at(when);
    else /* the interrupt would do no more than this */
        __atomic_fetch_or(&c->work, WORK_TIMER, __ATOMIC_SEQ_CST);
}

void apic_timer_expired(void)
{
    apic_timer_at(clock_ns() + 2 * (1000000000UL / tick_hz));
}

/* --- interrupts between CPUs --- */

u32 apic_id(void)
{
    return registers ? apic_read(APIC_ID) >> 24 : apic_read(APIC_ID);
}

/* In memory the command takes two writes, which nothing may come between; x2APIC takes one. */
static void send(u32 target, u32 command)
{
    u64 flags;

    if (!registers) {
        asm volatile("mfence; lfence"
                     :
                     :
                     : "memory"); /* an MSR write does not order stores before it */
        wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)target << 32 | command);
        return;
    }
    flags = interrupts_save();
    while (apic_read(APIC_ICR) & ICR_BUSY)
        cpu_relax();
    apic_write(APIC_ICR_HIGH, target << 24);
    apic_write(APIC_ICR, command);
    interrupts_restore(flags);
}

void apic_send(u32 cpu, u8 vector)
{
    send(cpu_of(cpu)->apic_id, ICR_ASSERT | vector);
}

void apic_send_nmi(u32 cpu)
{
    send(cpu_of(cpu)->apic_id, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(u32 target)
{
    send(target, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(u32 target, u8 page)
{
    send(target, ICR_ASSERT | ICR_STARTUP | page);
}

void apic_end_of_interrupt(void)
{
    apic_write(APIC_EOI, 0);
}

bool apic_is_level(u8 vector)
{
    return apic_read(APIC_TMR + vector / 32 * 0x10) >> vector % 32 & 1;
}
