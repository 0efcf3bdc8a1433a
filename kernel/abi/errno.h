/*
 * Error numbers of the Xen ABI. A hypercall answers a negative one of these in rax: -XEN_EINVAL is "invalid argument".
 *
 * The values happen to be Linux's, but the ABI owns them: xen/errno.h in Xen's public headers. Only those are here that some
 * call of Koan may answer or that a guest compares with.
 */
#ifndef KOAN_ABI_ERRNO_H
#define KOAN_ABI_ERRNO_H

#define XEN_EPERM      1 /* the caller may not do this at all */
#define XEN_ENOENT     2 /* no such thing: often "no such vCPU" */
#define XEN_ESRCH      3 /* no such domain */
#define XEN_EINTR      4
#define XEN_EIO        5
#define XEN_ENXIO      6 /* no such device, or a frame out of range */
#define XEN_E2BIG      7 /* too many entries */
#define XEN_ENOEXEC    8
#define XEN_EBADF      9
#define XEN_EAGAIN     11 /* try again */
#define XEN_ENOMEM     12 /* no memory left in the machine or the domain */
#define XEN_EACCES     13 /* this domain has no such right */
#define XEN_EFAULT     14 /* a pointer argument could not be followed */
#define XEN_EBUSY      16 /* a frame has another type, or is in use */
#define XEN_EEXIST     17 /* is there already */
#define XEN_EXDEV      18
#define XEN_ENODEV     19
#define XEN_EISDIR     21
#define XEN_EINVAL     22 /* an argument makes no sense */
#define XEN_ENOSPC     28
#define XEN_EROFS      30
#define XEN_EDOM       33
#define XEN_ERANGE     34 /* a number is out of its range */
#define XEN_EDEADLK    35
#define XEN_ENOSYS     38 /* no such hypercall or sub-operation */
#define XEN_ENODATA    61
#define XEN_ETIME      62 /* the time asked for has passed */
#define XEN_EOVERFLOW  75
#define XEN_ERESTART   85 /* never seen by a guest: the call goes on later */
#define XEN_EOPNOTSUPP 95
#define XEN_ENOBUFS    105
#define XEN_ETIMEDOUT  110

#endif
