/*
 * Processes: a tree of them that adds up its numbers, and storms of fork and of exec.
 */
#include <string.h>
#include "work.h"

enum { TREE_DEPTH = 4, TREE_FAN = 3, FORKS = 256, AT_A_TIME = 16, EXECS = 32 };

/* The sum of a subtree: each node is a process that hands its sum to its parent through a pipe. */
static u64 tree(u64 seed, u64 node, int depth)
{
    u64 sum = mix(seed, node), part;
    int ends[2];
    pid_t child[TREE_FAN];

    if (!depth)
        return sum;
    must(!pipe(ends));
    for (u64 i = 0; i < TREE_FAN; i++) {
        child[i] = fork();
        must(child[i] >= 0);
        if (child[i])
            continue;
        part = tree(seed, node * TREE_FAN + 1 + i, depth - 1);
        must(write(ends[1], &part, sizeof(part)) == sizeof(part));
        _exit(0);
    }
    for (int i = 0; i < TREE_FAN; i++) {
        must(read(ends[0], &part, sizeof(part)) == sizeof(part));
        sum += part;
    }
    for (int i = 0; i < TREE_FAN; i++)
        must(!status_of(child[i]));
    close(ends[0]);
    close(ends[1]);
    return sum;
}

void work_tree(u64 seed)
{
    say("tree %016lx", tree(seed, 0, TREE_DEPTH));
}

void work_forks(u64 seed)
{
    pid_t child[AT_A_TIME];
    u64 sum = 0;

    for (u64 first = 0; first < FORKS; first += AT_A_TIME) {
        for (u64 i = 0; i < AT_A_TIME; i++) {
            child[i] = fork();
            must(child[i] >= 0);
            if (!child[i])
                _exit((int)(mix(seed, first + i) & 0xff));
        }
        for (u64 i = 0; i < AT_A_TIME; i++)
            sum += (u64)status_of(child[i]) * (first + i + 1);
    }
    say("forks %016lx", sum);
}

void work_execs(u64 seed)
{
    u64 sum = 0;
    char number[20];

    for (u64 i = 0; i < EXECS; i++) {
        snprintf(number, sizeof(number), "%lx", mix(seed, i) & 0xff);
        pid_t child = fork();
        must(child >= 0);
        if (!child) {
            execl("/proc/self/exe", "work", "exit", number, (char *)NULL);
            _exit(255);
        }
        sum += (u64)status_of(child) * (i + 1);
    }
    say("execs %016lx", sum);
}
