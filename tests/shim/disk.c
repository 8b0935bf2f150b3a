/* A disk in trouble, preloaded into a process (LD_PRELOAD).
 *
 * Counts what a process asks of the disk: write, pwrite, fsync, fdatasync, ftruncate of regular files and
 * directories, and rename.  disk_arm(n, how) makes the n-th of these, counted from there, go wrong:
 *
 *   EIO_ONCE   a write puts down its first half only; the call fails with EIO, and the next ones work
 *   FULL       the call and all after it fail with ENOSPC until disk_disarm()
 *   KILL       the process is killed before the call
 *   TORN       a write puts down its first half only; the process is killed
 *
 * DISK_AT and DISK_HOW in the environment arm it from the start.
 *
 * disk_record(path) writes down every such call instead, with the bytes, as tests/support/disk.py reads them, so that
 * what a disk would hold after a power cut can be made up from it; disk_note(text) adds a line of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTHING, EIO_ONCE, FULL, KILL, TORN };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static long count, at;
static int how, is_armed, is_full, record = -1;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

void disk_arm(long n, int kind) { count = 0; at = n; how = kind; is_full = 0; is_armed = 1; }

__attribute__((constructor)) static void begin(void)
{
    const char *n = getenv("DISK_AT"), *kind = getenv("DISK_HOW");
    if (n && kind) disk_arm(atol(n), atoi(kind));
}

long disk_disarm(void) { is_armed = is_full = 0; return count; }

static int is_on_disk(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode));
}

/* Says what is to become of a call: NOTHING, or what goes wrong here. */
static int fate(void)
{
    int found = NOTHING;
    if (!is_armed) return NOTHING;
    pthread_mutex_lock(&guard);
    if (++count == at) { found = how; is_full = how == FULL; }
    else if (is_full) found = FULL;
    pthread_mutex_unlock(&guard);
    if (found == KILL) kill(getpid(), SIGKILL);
    return found;
}

/* The end of a call that went wrong. */
static int spoiled(int found)
{
    if (found == TORN) kill(getpid(), SIGKILL);
    errno = found == FULL ? ENOSPC : EIO;
    return -1;
}

static ssize_t real_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return real(fd, data, size, offset);
}

static ssize_t real_write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, data, size);
}

/* One entry: kind, length of the name, offset, length of the data; the name, the data. */
static void put(char kind, const char *name, int64_t offset, const void *data, int64_t size)
{
    int64_t head[4] = {kind, (int64_t)strlen(name), offset, size};
    pthread_mutex_lock(&guard);
    if (real_write(record, head, sizeof head) < 0 || real_write(record, name, strlen(name)) < 0
        || (size && real_write(record, data, (size_t)size) < 0))
        kill(getpid(), SIGABRT);
    pthread_mutex_unlock(&guard);
}

static void put_of(int fd, char kind, int64_t offset, const void *data, int64_t size)
{
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    name[length < 0 ? 0 : length] = 0;
    put(kind, name, offset, data, size);
}

void disk_record(const char *path)
{
    record = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

void disk_note(const char *text)
{
    if (record >= 0) put('n', text, 0, "", 0);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    int found = is_on_disk(fd) ? fate() : NOTHING;
    if (found == EIO_ONCE || found == TORN) real_pwrite(fd, data, size / 2, offset);
    if (found != NOTHING) return spoiled(found);
    ssize_t written = real_pwrite(fd, data, size, offset);
    if (record >= 0 && written > 0 && is_on_disk(fd)) put_of(fd, 'w', offset, data, written);
    return written;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size)
{
    int found = is_on_disk(fd) ? fate() : NOTHING;
    if (found == EIO_ONCE || found == TORN) real_write(fd, data, size / 2);
    if (found != NOTHING) return spoiled(found);
    ssize_t written = real_write(fd, data, size);
    if (record >= 0 && written > 0 && is_on_disk(fd))
        put_of(fd, 'w', lseek(fd, 0, SEEK_CUR) - written, data, written);
    return written;
}

static int flushed(int fd, int (*real)(int))
{
    int found = is_on_disk(fd) ? fate() : NOTHING;
    if (found != NOTHING) return spoiled(found);
    int done = real(fd);
    if (record >= 0 && done == 0) put_of(fd, 's', 0, "", 0);
    return done;
}

int fsync(int fd)
{
    REAL(int, "fsync", int);
    return flushed(fd, real);
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int);
    return flushed(fd, real);
}

int ftruncate(int fd, off_t size)
{
    REAL(int, "ftruncate", int, off_t);
    int found = is_on_disk(fd) ? fate() : NOTHING;
    if (found != NOTHING) return spoiled(found);
    int done = real(fd, size);
    if (record >= 0 && done == 0) put_of(fd, 't', size, "", 0);
    return done;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int renameat(int from, const char *old, int to, const char *new)
{
    REAL(int, "renameat", int, const char *, int, const char *);
    int found = fate();
    if (found != NOTHING) return spoiled(found);
    int done = real(from, old, to, new);
    if (record >= 0 && done == 0) put('r', old, 0, new, (int64_t)strlen(new));
    return done;
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }
