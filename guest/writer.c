/*
 * writer: writes to a block device, for ever, what a reader can foretell to the last byte.
 *
 *   writer DEVICE[+DEVICE] SEED BLOCKS [DELAY_US [OFFSET_BYTES [KINDS]]]
 *
 * Write number n (1, 2, 3, ...) is a function of SEED and n alone, and is not begun before write
 * n-1 has been acknowledged, so at every instant the device holds writes 1..k and perhaps a part of
 * write k+1. With two devices, write n goes to the first and, once acknowledged, to the second,
 * before write n+1 begins: at one instant the first is at most one write ahead. README.md describes
 * the format; whatever is changed here must be changed there.
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

enum {
    DEVICES_MAX = 2,
    BLOCK_BYTES = 4096,
    BLOCKS_PER_WRITE_MAX = 32,
    WORDS = BLOCK_BYTES / 8,
    HEADER_WORDS = 4
};

#define GAMMA UINT64_C(0x9E3779B97F4A7C15)
/* "NBDVGST1" as the eight bytes on the disk; x86 and the format are both little-endian. */
#define MAGIC UINT64_C(0x315453475644424E)

enum kind { DATA, ZERO, DISCARD };

struct write {
    enum kind kind;
    uint64_t first_block;
    unsigned blocks;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static struct write plan(uint64_t seed, uint64_t n, uint64_t region_blocks, int zeroes,
                         int discards)
{
    uint64_t r = mix(seed + n * GAMMA);
    struct write w = {DATA, (r & UINT64_C(0xFFFFFFFFFFFF)) % region_blocks, 1};

    if ((r >> 61) == 0)
        w.blocks = 1 + (unsigned)((r >> 56) & 31);
    if (w.blocks > region_blocks - w.first_block)
        w.blocks = (unsigned)(region_blocks - w.first_block);
    /* Only even numbers, so that at least every second write leaves its number on the disk. */
    if (n % 2 == 0 && ((r >> 52) & 15) == 0) {
        if (zeroes && (!discards || ((r >> 51) & 1) == 0))
            w.kind = ZERO;
        else if (discards)
            w.kind = DISCARD;
    }
    return w;
}

static void fill(uint64_t *words, uint64_t seed, uint64_t n, uint64_t block)
{
    uint64_t state = mix(seed ^ mix(n ^ mix(block)));

    words[0] = MAGIC;
    words[1] = n;
    words[2] = block;
    words[3] = seed;
    for (unsigned i = HEADER_WORDS; i < WORDS; i++)
        words[i] = mix(state + i * GAMMA);
}

static int perform(int fd, const struct write *w, uint64_t offset_bytes, uint64_t seed, uint64_t n,
                   uint64_t *buffer)
{
    uint64_t range[2] = {offset_bytes + w->first_block * BLOCK_BYTES,
                         (uint64_t)w->blocks * BLOCK_BYTES};

    if (w->kind != DATA)
        return ioctl(fd, w->kind == ZERO ? BLKZEROOUT : BLKDISCARD, range);
    for (unsigned i = 0; i < w->blocks; i++)
        fill(buffer + (size_t)i * WORDS, seed, n, w->first_block + i);
    ssize_t written = pwrite(fd, buffer, range[1], (off_t)range[0]);
    if (written >= 0 && (uint64_t)written != range[1]) {
        errno = EIO;
        return -1;
    }
    return written < 0 ? -1 : 0;
}

static uint64_t number(const char *name, const char *text)
{
    char *end;

    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "writer: %s: %s (expected: a number)\n", name, text);
        exit(2);
    }
    return value;
}

/* O_DIRECT: what has been acknowledged is in the virtual disk, not in the guest's page cache. */
static int open_device(const char *device)
{
    int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);

    if (fd < 0) {
        fprintf(stderr, "writer: %s: %s\n", device, strerror(errno));
        exit(1);
    }
    return fd;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static int64_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 7) {
        fprintf(stderr,
                "usage: writer DEVICE[+DEVICE] SEED BLOCKS [DELAY_US [OFFSET_BYTES [KINDS]]]\n");
        return 2;
    }
    char *plus = strchr(argv[1], '+');
    int devices = plus != NULL ? DEVICES_MAX : 1;
    if (plus != NULL)
        *plus = '\0';
    const char *device[DEVICES_MAX] = {argv[1], plus != NULL ? plus + 1 : NULL};
    uint64_t seed = number("SEED", argv[2]);
    uint64_t region_blocks = number("BLOCKS", argv[3]);
    uint64_t delay_us = argc > 4 ? number("DELAY_US", argv[4]) : 0;
    uint64_t offset_bytes = argc > 5 ? number("OFFSET_BYTES", argv[5]) : 0;
    int zeroes = argc > 6 && strchr(argv[6], 'z') != NULL;
    int discards = argc > 6 && strchr(argv[6], 'd') != NULL;

    if (region_blocks == 0 || offset_bytes % BLOCK_BYTES != 0) {
        fprintf(stderr, "writer: BLOCKS must be 1 or more, OFFSET_BYTES a multiple of 4096\n");
        return 2;
    }
    int fd[DEVICES_MAX];
    for (int i = 0; i < devices; i++)
        fd[i] = open_device(device[i]);
    void *buffer;
    if (posix_memalign(&buffer, BLOCK_BYTES, (size_t)BLOCKS_PER_WRITE_MAX * BLOCK_BYTES) != 0) {
        fprintf(stderr, "writer: no memory\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);

    struct timespec delay = {(time_t)(delay_us / 1000000), (long)(delay_us % 1000000) * 1000};
    int64_t reported = 0;
    for (uint64_t n = 1;; n++) {
        struct write w = plan(seed, n, region_blocks, zeroes, discards);
        for (int i = 0; i < devices; i++) {
            if (perform(fd[i], &w, offset_bytes, seed, n, buffer) != 0) {
                printf("WRITE ERROR %" PRIu64 " %d dev=%s seed=%" PRIu64 "\n", n, errno,
                       base_name(device[i]), seed);
                return 1;
            }
        }
        int64_t now = seconds_now();
        if (now != reported) {
            for (int i = 0; i < devices; i++)
                printf("WRITER dev=%s seed=%" PRIu64 " offset=%" PRIu64 " n=%" PRIu64 "\n",
                       base_name(device[i]), seed, offset_bytes, n);
            reported = now;
        }
        if (delay_us != 0)
            nanosleep(&delay, NULL);
    }
}
