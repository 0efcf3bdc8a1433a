/*
 * console_io: text to the machine's console, before anything else works.
 *
 * Any bytes may come, and none of them may look like somebody else's line. A command that does not exist is -ENOSYS, a buffer that
 * cannot be read -EFAULT, no bytes no error. A domain that may not use it gets -EPERM, whatever it asks: on Xen every unprivileged one.
 * Source: CONSOLEIO_* in xen.h.
 */
#include "test.h"

static void check_refused(void)
{
    CHECK_RC(console_io(CONSOLEIO_write, 4, NULL), -XEN_EPERM);
    CHECK_RC(console_io(CONSOLEIO_read, 4, NULL), -XEN_EPERM);
    CHECK_RC(console_io(7, 4, NULL), -XEN_EPERM);
    print("a line by another way, the console ring\n");
}

TEST
{
    static char odd[] = "bytes \x01\x02\x1b[31m \xff\xc3\x28 and a very long line: ", many[700];

    if (!guest_is_privileged() && console_io(CONSOLEIO_write, 0, NULL) == -XEN_EPERM) {
        check_refused();
        return;
    }
    CHECK_RC(console_io(CONSOLEIO_write, sizeof(odd) - 1, odd), 0);
    memset(many, 'x', sizeof(many));
    CHECK_RC(console_io(CONSOLEIO_write, sizeof(many), many), 0);
    CHECK_RC(console_io(CONSOLEIO_write, 1, "\n"), 0);
    CHECK_RC(console_io(CONSOLEIO_write, 0, NULL), 0);
    CHECK_RC(console_io(CONSOLEIO_write, 4, NULL), -XEN_EFAULT);
    CHECK_RC(console_io(CONSOLEIO_write, 16, (char *)HYPERVISOR_VIRT_END - PAGE_SIZE), -XEN_EFAULT);
    CHECK_RC(console_io(7, 4, odd), -XEN_ENOSYS);
    CHECK(console_io(CONSOLEIO_read, sizeof(many), many) >= 0);
}
