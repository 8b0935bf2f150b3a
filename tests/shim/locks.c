/* A file system without locks, preloaded into a process (LD_PRELOAD).
 *
 * LOCKS_REFUSED in the environment says which calls are refused: flock, fcntl, or both in one word; LOCKS_ERRNO is
 * what they fail with.  To let a lock go is never refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static int is_refused(const char *call)
{
    const char *refused = getenv("LOCKS_REFUSED"), *number = getenv("LOCKS_ERRNO");
    if (!refused || !number || !strstr(refused, call)) return 0;
    errno = atoi(number);
    return 1;
}

int flock(int fd, int operation)
{
    static int (*real)(int, int);
    if (!real) real = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return operation != LOCK_UN && is_refused("flock") ? -1 : real(fd, operation);
}

static int controlled(const char *name, int fd, int command, void *argument)
{
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    int is_lock = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    if (is_lock && ((struct flock *)argument)->l_type != F_UNLCK && is_refused("fcntl")) return -1;
    return real(fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return controlled("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return controlled("fcntl64", fd, command, argument);
}
