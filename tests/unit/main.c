/* The main program of every unit test: runs the file's tests and prints the line that run.py sums up. */
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

int main(int argc, char **argv)
{
    Suite *suite = suite_create(argv[0]);
    TCase *tests = tcase_create("all");

    (void)argc;
    tcase_set_timeout(tests, 120); /* only there so that an endless loop ends */
    unit_add(tests);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%d passed, %d failed\n", run - failed, failed);
    return failed || !run;
}
