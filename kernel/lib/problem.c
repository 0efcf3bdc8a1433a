/* Why an image was refused. See problem.h. */
#include "lib/problem.h"
#include "lib/printf.h"

bool problem_plain(struct problem *problem, const char *place, const char *message,
                   const char *remedy)
{
    *problem = (struct problem){ .place = place, .message = message, .remedy = remedy };
    return false;
}

bool problem_value(struct problem *problem, const char *place, u64 value, const char *message,
                   const char *remedy)
{
    problem_plain(problem, place, message, remedy);
    koan_snprintf(problem->value, sizeof(problem->value), "0x%lx", value);
    return false;
}

bool problem_text(struct problem *problem, const char *place, struct slice value,
                  const char *message, const char *remedy)
{
    size_t length = min(value.length, sizeof(problem->value) - 3); /* two quotes and the NUL */
    char *to = problem->value;

    problem_plain(problem, place, message, remedy);
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        char c = value.text[i];

        *to++ = c >= ' ' && c <= '~' ? c : '?';
    }
    *to++ = '"';
    *to = '\0';
    return false;
}

bool problem_size(struct problem *problem, const char *place, u64 bytes, const char *message,
                  const char *remedy)
{
    problem_plain(problem, place, message, remedy);
    koan_snprintf(problem->value, sizeof(problem->value), "%lu MiB",
                  (bytes >> 20) + (bytes % MIB(1) != 0));
    return false;
}

int problem_format(const struct problem *problem, char *buf, size_t size)
{
    return koan_snprintf(buf, size, "%s%s%s: %s; %s", problem->place,
                         problem->value[0] ? " = " : "", problem->value, problem->message,
                         problem->remedy);
}
