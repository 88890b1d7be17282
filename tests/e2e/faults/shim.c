// Preloaded into the binary: counts its calls on files under SISUN_FAULT_ROOT or with relative paths. At call number
// SISUN_FAULT_AT (from 1) it ends the process (SISUN_FAULT=kill) or makes the call fail (SISUN_FAULT=ENOSPC, EIO, EACCES,
// EMFILE; with SISUN_FAULT_STAYS=1 all later ones too). The number of calls is written to SISUN_FAULT_COUNT at exit.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAKES = 1, WRITES = 2, CHANGES = 4, OPENS = 8, READS = 16, LOOKS = 32 };

static _Atomic long calls;
static _Atomic char watched[65536];
static long at;
static int error, kinds, stays;
static const char *root;

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *fault = getenv("SISUN_FAULT"), *number = getenv("SISUN_FAULT_AT");
    root = getenv("SISUN_FAULT_ROOT");
    at = number ? atol(number) : 0;
    stays = getenv("SISUN_FAULT_STAYS") != NULL;
    if (!fault || !strcmp(fault, "kill")) kinds = MAKES | WRITES | CHANGES;
    else if (!strcmp(fault, "ENOSPC")) error = ENOSPC, kinds = MAKES | WRITES;
    else if (!strcmp(fault, "EIO")) error = EIO, kinds = MAKES | WRITES | CHANGES | OPENS | READS | LOOKS;
    else if (!strcmp(fault, "EACCES")) error = EACCES, kinds = MAKES | CHANGES | OPENS | LOOKS;
    else if (!strcmp(fault, "EMFILE")) error = EMFILE, kinds = MAKES | OPENS;
    else abort();
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("SISUN_FAULT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) fprintf(file, "%ld", (long)calls), fclose(file);
}

static int is_under_root(const char *path) {
    size_t n = root ? strlen(root) : 0;
    return n && !strncmp(path, root, n);
}

static int is_watched(int fd) { return fd >= 0 && fd < 65536 && watched[fd]; }

static int concerns(int dir, const char *path) {
    return path && (path[0] == '/' ? is_under_root(path) : dir == AT_FDCWD || is_watched(dir));
}

// Returns 0 to continue, 1 if this call ends the process, 2 if it fails.
static int hit(int kind) {
    if (!(kinds & kind)) return 0;
    long number = ++calls;
    if (at == 0 || number < at || (number > at && !stays)) return 0;
    return error ? 2 : 1;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// Ends the process, or returns 1 if the call must fail.
static int falls(int kind) {
    int what = hit(kind);
    if (what == 1) die();
    if (what == 2) errno = error;
    return what == 2;
}

static int watch(int fd, int yes) {
    if (fd >= 0 && fd < 65536) watched[fd] = yes;
    return fd;
}

static int kind_of(int flags) { return flags & (O_CREAT | O_TRUNC) ? MAKES : OPENS; }

#define OPEN(name)                                                                      \
    int name(const char *path, int flags, ...) {                                        \
        REAL(name);                                                                     \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        int ours = concerns(AT_FDCWD, path);                                                  \
        if (ours && falls(kind_of(flags))) return -1;                                   \
        return watch(real(path, flags, mode), ours);                                    \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                    \
    int name(int dir, const char *path, int flags, ...) {                               \
        REAL(name);                                                                     \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        int ours = concerns(dir, path);                                                 \
        if (ours && falls(kind_of(flags))) return -1;                                   \
        return watch(real(dir, path, flags, mode), ours);                               \
    }
OPENAT(openat)
OPENAT(openat64)

DIR *opendir(const char *path) {
    REAL(opendir);
    if (concerns(AT_FDCWD, path) && falls(OPENS)) return NULL;
    return real(path);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    REAL(write);
    if (is_watched(fd)) {
        int what = hit(WRITES);
        // A process that is killed during a write leaves half of the data.
        if (what == 1) { ssize_t half = real(fd, bytes, n / 2); (void)half; die(); }
        if (what == 2) { errno = error; return -1; }
    }
    return real(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    if (is_watched(fd) && falls(WRITES)) return -1;
    return real(fd, parts, n);
}

ssize_t read(int fd, void *bytes, size_t n) {
    REAL(read);
    if (is_watched(fd) && falls(READS)) return -1;
    return real(fd, bytes, n);
}

#define ON_FD(type, name, kind, parameters, arguments)                                  \
    type name parameters {                                                              \
        REAL(name);                                                                     \
        if (is_watched(fd) && falls(kind)) return -1;                                   \
        return real arguments;                                                          \
    }
ON_FD(int, fsync, WRITES, (int fd), (fd))
ON_FD(int, fdatasync, WRITES, (int fd), (fd))
ON_FD(int, ftruncate, WRITES, (int fd, off_t n), (fd, n))
ON_FD(int, ftruncate64, WRITES, (int fd, off64_t n), (fd, n))
ON_FD(int, fchmod, CHANGES, (int fd, mode_t mode), (fd, mode))
ON_FD(ssize_t, copy_file_range, WRITES, (int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned flags), (from, a, fd, b, n, flags))
ON_FD(ssize_t, sendfile, WRITES, (int fd, int from, off_t *a, size_t n), (fd, from, a, n))
ON_FD(ssize_t, sendfile64, WRITES, (int fd, int from, off64_t *a, size_t n), (fd, from, a, n))
ON_FD(ssize_t, pread64, READS, (int fd, void *bytes, size_t n, off64_t from), (fd, bytes, n, from))

#define ON_PATH(name, kind, parameters, arguments)                                      \
    int name parameters {                                                               \
        REAL(name);                                                                     \
        if (concerns(AT_FDCWD, path) && falls(kind)) return -1;                               \
        return real arguments;                                                          \
    }
ON_PATH(rename, CHANGES, (const char *from, const char *path), (from, path))
ON_PATH(mkdir, MAKES, (const char *path, mode_t mode), (path, mode))
ON_PATH(unlink, CHANGES, (const char *path), (path))
ON_PATH(rmdir, CHANGES, (const char *path), (path))
ON_PATH(chmod, CHANGES, (const char *path, mode_t mode), (path, mode))
ON_PATH(link, MAKES, (const char *from, const char *path), (from, path))
ON_PATH(symlink, MAKES, (const char *from, const char *path), (from, path))

// Queries of existence and type.
int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    REAL(statx);
    if (concerns(dir, path) && falls(LOOKS)) return -1;
    return real(dir, path, flags, mask, found);
}

ssize_t readlink(const char *restrict path, char *restrict to, size_t n) {
    REAL(readlink);
    if (concerns(AT_FDCWD, path) && falls(LOOKS)) return -1;
    return real(path, to, n);
}

char *realpath(const char *restrict path, char *restrict to) {
    REAL(realpath);
    if (concerns(AT_FDCWD, path) && falls(LOOKS)) return NULL;
    return real(path, to);
}

int unlinkat(int dir, const char *path, int flags) {
    REAL(unlinkat);
    if (concerns(dir, path) && falls(CHANGES)) return -1;
    return real(dir, path, flags);
}

int renameat(int from_dir, const char *from, int dir, const char *path) {
    REAL(renameat);
    if (concerns(dir, path) && falls(CHANGES)) return -1;
    return real(from_dir, from, dir, path);
}

int linkat(int from_dir, const char *from, int dir, const char *path, int flags) {
    REAL(linkat);
    if (concerns(dir, path) && falls(MAKES)) return -1;
    return real(from_dir, from, dir, path, flags);
}

int close(int fd) {
    REAL(close);
    watch(fd, 0);
    return real(fd);
}
