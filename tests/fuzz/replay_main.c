/* Runs a fuzz target without libFuzzer: each file of the folders given, then random changes of each, the same ones
 * every time. A gcc build and every ordinary test run go through here; `./dev fuzz` searches on.
 *
 *  fuzz_foo [--seed N] [--changes N] FOLDER|FILE...
 *
 * The input at work is written to fuzz_foo.crash in the current folder when the program dies of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    INPUT_MAX = 1024 * 1024, /* bytes of one input */
    INPUTS_MAX = 4096,       /* files */
    CHANGES_DEFAULT = 200,   /* random changes of each file */
    CHANGED_MAX = 64 * 1024  /* bytes of a file of which random changes are tried; larger ones would take long */
};

static uint64_t state;              /* of the random numbers, never 0 */
static unsigned long long seed = 1; /* --seed */
static const uint8_t *current;      /* what to save when the target dies */
static size_t current_size;
static char crash_path[256];

/* xorshift64*: small, and the same on every machine */
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

static size_t below(size_t n)
{
    return n ? (size_t)(next() % n) : 0;
}

/* Also called from a signal handler: plain system calls only. */
static void save_current(void)
{
    static const char words[] = "the input that did it is in the file *.crash of this folder; keep it in tests/fuzz/regress/\n";
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return;
    ssize_t kept = write(fd, current, current_size);
    close(fd);
    if (kept == (ssize_t)current_size) kept = write(STDERR_FILENO, words, sizeof words - 1);
    (void)kept;
}

static void on_abort(int number)
{
    save_current();
    signal(number, SIG_DFL);
    raise(number);
}

/* There in sanitizer builds only, hence weak. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1); /* of just this size, so that ASan sees one byte too far */
    if (!exact) abort();
    if (size) memcpy(exact, data, size);
    current = exact;
    current_size = size;
    if (LLVMFuzzerTestOneInput(exact, size) != 0) abort();
    free(exact);
}

/* One random change of data[0..size), in place. @return the new size, at most `cap` */
static size_t change(uint8_t *data, size_t size, size_t cap)
{
    static const char *const pieces[] = { "\"",   "\\",           "\\u0000",          "{",   "}",  "[",  "]",  ":",     ",",
                                          "\r\n", "\n\n",         "data: ",           "//",  "/*", "*/", "-1", "1e999", "null",
                                          "\xFF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "../", "${", "'" };
    size_t at = below(size + 1), n;
    const char *piece;
    switch (below(6)) {
    case 0: /* flip a bit */
        if (at < size) data[at] ^= (uint8_t)(1u << below(8));
        return size;
    case 1: /* set a byte */
        if (at < size) data[at] = (uint8_t)next();
        return size;
    case 2: /* cut the end off */ return at;
    case 3: /* take a part out */
        n = below(size - at + 1);
        memmove(data + at, data + at + n, size - at - n);
        return size - n;
    case 4: /* repeat a part */
        n = below(size - at + 1);
        if (size + n > cap) return size;
        memmove(data + at + n, data + at, size - at);
        return size + n;
    default: /* put in something that means something to a reader of text */
        piece = pieces[below(sizeof pieces / sizeof pieces[0])];
        n = strlen(piece);
        if (size + n > cap) return size;
        memmove(data + at + n, data + at, size - at);
        memcpy(data + at, piece, n);
        return size + n;
    }
}

static void run_changes(const uint8_t *data, size_t size, long changes)
{
    static uint8_t work[2 * CHANGED_MAX];
    if (size > CHANGED_MAX) return;
    for (long i = 0; i < changes; i++) {
        size_t n = size;
        if (size) memcpy(work, data, size);
        for (size_t rounds = 1 + below(size ? 8 : 64); rounds > 0; rounds--) n = change(work, n, sizeof work);
        run(work, n);
    }
}

static int run_file(const char *path, long changes)
{
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    run(data, n);
    run_changes(data, n, changes);
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A folder's files in order of name; a folder that does not exist has none. @return how many, or -1 */
static int run_path(const char *path, long changes)
{
    struct stat about;
    struct dirent **entries = NULL;
    if (stat(path, &about) != 0) return 0;
    if (!S_ISDIR(about.st_mode)) return run_file(path, changes) == 0 ? 1 : -1;
    int n = scandir(path, &entries, visible, alphasort), done = 0;
    for (int i = 0; i < n; i++) {
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", path, entries[i]->d_name);
        if (done >= 0 && i < INPUTS_MAX) done = run_file(full, changes) == 0 ? done + 1 : -1;
        free(entries[i]);
    }
    free(entries);
    return done;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    long changes = CHANGES_DEFAULT;
    int files = 0, i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--changes") == 0)
            changes = strtol(argv[i + 1], NULL, 10);
        else
            break;
    }
    if (i < argc && argv[i][0] == '-') {
        fprintf(stderr, "usage: %s [--seed N] [--changes N] FOLDER|FILE...\n", argv[0]);
        return 2;
    }
    snprintf(crash_path, sizeof crash_path, "%s.crash", name ? name + 1 : argv[0]);
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(save_current);
    signal(SIGABRT, on_abort);
    state = seed ? seed : 1;
    run(NULL, 0);
    run_changes(NULL, 0, changes);
    for (; i < argc; i++) {
        int n = run_path(argv[i], changes);
        if (n < 0) return 1;
        files += n;
    }
    printf("%d files, %ld random changes of each, seed %llu\n", files, changes, seed);
    return 0;
}
