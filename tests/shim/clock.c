/* A clock that is put forward and back, preloaded into a process (LD_PRELOAD).
 *
 * CLOCK_OFFSET in the environment names a file that holds by how many seconds the time of day is wrong; it is read
 * at each call.  Clocks that count from the start of the machine stay right; with CLOCK_SLEEPS in the environment
 * the one that counts sleep too is put forward as well, as if the machine had slept so long.  System calls are made
 * directly, since an allocator may ask for the time before anything else can be looked up.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset_s(void) {
    const char *path = getenv("CLOCK_OFFSET");
    char text[32] = {0};
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    return size > 0 ? atol(text) : 0;
}

static int is_shifted(clockid_t clock) {
    if (clock == CLOCK_BOOTTIME) return getenv("CLOCK_SLEEPS") != NULL;
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && is_shifted(clock)) now->tv_sec += offset_s();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    if (kept) *kept = exact.tv_sec;
    return exact.tv_sec;
}
