/*
 * The program `work` in the test ramdisk: `work PART SEED`, see work.h.
 */
#include <string.h>
#include <sys/wait.h>
#include "work.h"

static const struct {
    const char *name;
    void (*run)(u64 seed);
} parts[] = {
    { "tree", work_tree },     { "forks", work_forks },     { "execs", work_execs },
    { "memory", work_memory }, { "pattern", work_pattern }, { "signals", work_signals },
    { "fpu", work_fpu },       { "cpus", work_cpus },       { "clock", work_clock },
    { "now", work_now },       { "sleep", work_sleep },     { "bench", work_bench },
};

int status_of(pid_t child)
{
    int status;

    must(waitpid(child, &status, 0) > 0);
    must(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    must(argc == 3);
    if (!strcmp(argv[1], "exit")) /* what work_execs() starts */
        return (int)strtoul(argv[2], NULL, 16);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strcmp(argv[1], parts[i].name)) {
            parts[i].run(strtoul(argv[2], NULL, 16));
            return 0;
        }
    say("broken: no part is called %s", argv[1]);
    return 2;
}
