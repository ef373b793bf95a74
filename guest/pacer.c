/*
 * pacer: writes 4 KiB to a random place of a block device at fixed times, for ever, and says how long
 * each write took: what a program in the guest sees of what is done to its disk.
 *
 *   pacer DEVICE PERIOD_US
 *
 * Every write is on the virtual disk when it returns (O_DIRECT, O_SYNC). Ten writes make one line,
 * "PACE TOOK/LATE TOOK/LATE ...": microseconds from the write's call to its return, and from the time
 * it was due. A write that is late does not put off the ones after it, so that nothing that was slow
 * goes unseen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 4096, WRITES_PER_LINE = 10 };

static int64_t micros_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sleep_until(int64_t micros)
{
    struct timespec at = {(time_t)(micros / 1000000), (long)(micros % 1000000) * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static int fail(const char *what)
{
    printf("WRITE ERROR pacer %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    int64_t period_us = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;
    uint64_t size_bytes;
    uint64_t *buffer;

    if (period_us <= 0) {
        fprintf(stderr, "usage: pacer DEVICE PERIOD_US\n");
        return 2;
    }
    int fd = open(argv[1], O_RDWR | O_DIRECT | O_SYNC | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size_bytes) != 0)
        return fail(argv[1]);
    if (posix_memalign((void **)&buffer, BLOCK_BYTES, BLOCK_BYTES) != 0)
        return fail("memory");
    setvbuf(stdout, NULL, _IOLBF, 0);
    srand48(1);
    int64_t due = micros_now();
    for (uint64_t n = 1;; n++) {
        for (size_t i = 0; i < BLOCK_BYTES / sizeof *buffer; i++)
            buffer[i] = n * i;
        uint64_t block = ((uint64_t)lrand48() << 31 | (uint64_t)lrand48()) % (size_bytes / BLOCK_BYTES);
        due += period_us;
        sleep_until(due);
        int64_t begin = micros_now();
        if (pwrite(fd, buffer, BLOCK_BYTES, (off_t)(block * BLOCK_BYTES)) != BLOCK_BYTES)
            return fail("write");
        int64_t end = micros_now();
        printf("%s%" PRId64 "/%" PRId64 "%s", n % WRITES_PER_LINE == 1 ? "PACE " : " ", end - begin,
               end - due, n % WRITES_PER_LINE == 0 ? "\n" : "");
    }
}
