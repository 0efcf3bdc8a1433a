/*
 * A plugin of QEMU's: how many instructions of each try of the bench ran in user mode, in Linux's kernel, in the hypervisor.
 *
 * bench.c runs a NOP of its own before and after each try (BENCH_MARK). At the one after it a line `where ROW USER LINUX HYPERVISOR` goes to
 * standard error. A hypervisor of the PV ABI for x86-64 runs between 0xffff800000000000 and 0xffff880000000000, and nobody else does.
 *
 * The interface is QEMU's (include/qemu/qemu-plugin.h, version 1), declared here as far as it is used: Debian has no package with that header.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*executed)(unsigned int cpu, void *what);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated call);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed call, int flags,
                                            void *what);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

int qemu_plugin_version = 1;

enum { USER, LINUX, HYPERVISOR, PLACES };

static const uint8_t mark[] = { 0x0f, 0x1f, 0x80, 'k', 'o', 'a' }; /* and then the row, or END */
enum { END = 0xff };

static uint64_t counts[PLACES];
static uint8_t row = END;

static void count(unsigned int cpu, void *place)
{
    (void)cpu;
    ++*(uint64_t *)place;
}

static void marked(unsigned int cpu, void *what)
{
    (void)cpu;
    if ((uintptr_t)what == END && row != END)
        fprintf(stderr, "where %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", row, counts[USER],
                counts[LINUX], counts[HYPERVISOR]);
    row = (uint8_t)(uintptr_t)what;
    memset(counts, 0, sizeof(counts));
}

static uint64_t *place_of(uint64_t address)
{
    if (address < 1UL << 47)
        return &counts[USER];
    return &counts[address - 0xffff800000000000 < 0x80000000000 ? HYPERVISOR : LINUX];
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);

        if (qemu_plugin_insn_size(insn) == sizeof(mark) + 1 && !memcmp(bytes, mark, sizeof(mark)))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0,
                                                   (void *)(uintptr_t)bytes[sizeof(mark)]);
        else
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count, 0,
                                                   place_of(qemu_plugin_insn_vaddr(insn)));
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
