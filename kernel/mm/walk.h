/*
 * Walks over trees of page tables: validating one, or releasing one, in steps that can stop.
 *
 * A tree may have hundreds of thousands of entries, and a guest chooses how many. So a walk looks for pending work between its steps (each
 * at most one L1 table long) and stops; the hypercall that began it is restarted and goes on. What must not be seen meanwhile is a
 * half-validated table. Hence the rules:
 *
 *   - A domain has at most one walk under way, and its whole state is struct walk: the tables from the root down to where it stands,
 *     and how many entries of each are accounted, that is, hold their references.
 *   - Whoever enters a domain's memory (memory_enter in mm/memory.h) first finishes its walk, or is restarted itself. So nobody but
 *     this file, the audit and teardown ever sees a table that stands in struct walk.
 *   - A validation that fails becomes a release of the entries accounted so far, with the error kept for the asker.
 *   - The outcome of a validation waits in the asker's walk_result until the hypercall runs again and asks the same. It is dropped when
 *     the asker asks for something else or ends. (One result for each asker: two vCPUs that undid each other's work would never get on.)
 *
 * References while a walk is under way, for whoever recounts them: see walk_accounted and walk_holds below.
 *
 * Locking: all under the domain's memory lock.
 */
#ifndef KOAN_MM_WALK_H
#define KOAN_MM_WALK_H

#include "lib/types.h"
#include "mm/frame.h"

struct domain_memory;

/* Levels 4, 3 and 2, each twice: releasing a table may release one of the same level that it named by a linear entry (mm/type.h). L1
 * tables never stand in a walk: they are done in one step. */
#define WALK_DEPTH 6

enum walk_state {
    WALK_NONE = 0,
    WALK_RUNNING,
    WALK_DONE, /* error 0: the result holds one reference and one type reference of the root */
};

/* A validation asked for, and its outcome. */
struct walk_result {
    mfn_t root;
    s64 error;
    u8 type; /* enum frame_type that was asked for */
    u8 state;
};

struct walk_table {
    u32 mfn;
    u16 index; /* entries 0..index-1 are accounted */
};

struct walk {
    u8 depth;                   /* tables on the stack; 0: no walk is under way */
    bool releasing;             /* false: validating */
    s64 error;                  /* while releasing: 0, or why the validation failed */
    struct walk_result *result; /* whose validation it is; NULL: a release */
    struct walk_table stack[WALK_DEPTH];
};

static inline bool walk_active(const struct domain_memory *m);

/* Go on until nothing is left (true) or work is pending (false). Does at least one step. */
bool walk_run(struct domain_memory *m);

/*
 * Validate the tree below a frame whose type has just been set, with the first reference and type reference of it, which the walk takes
 * over. 0: they are the caller's again, and all is validated; -XEN_ERESTART: not finished, ask again; else refused, references gone.
 */
s64 walk_validate(struct domain_memory *m, struct frame *root, struct walk_result *result);

/* If `result` is the outcome of just this question: true, and *error says what it was. The references are the caller's. */
bool walk_claim(struct walk_result *result, mfn_t root, enum frame_type type, s64 *error);

/* Release the entries of a table whose type_refs have reached 0, and then the reference of it that the caller had. */
void walk_release(struct domain_memory *m, struct frame *root);

/* Nobody will fetch this result: drop what it holds. No walk may be under way before; one may be afterwards. */
void walk_forget(struct domain_memory *m, struct walk_result *result);

/* For the audit: how many entries of this table (type_refs > 0, or on the stack) hold their references. */
u32 walk_accounted(const struct domain_memory *m, mfn_t table);

/* For the audit: does the walk itself hold a reference of this table (it stands on the stack), and a type reference as well? */
bool walk_holds(const struct domain_memory *m, mfn_t table, bool *type_ref);

#endif
