/* Makes writing to the catalog fail, as a dying disk does. To be loaded before all others:

       gcc -shared -fPIC -o failing_disk.so failing_disk.c -ldl

   The environment variable FAIL_AFTER holds how many calls on files named catalog.db* succeed;
   all later ones end with EIO. Without it nothing fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static int fails(int fd)
{
    const char *after = getenv("FAIL_AFTER");
    char link[64], path[4096];
    ssize_t length;
    if (!after)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, "/catalog.db"))
        return 0;
    if (calls++ < atol(after))
        return 0;
    errno = EIO;
    return 1;
}

#define REAL(name) ((name##_function)dlsym(RTLD_NEXT, #name))

typedef ssize_t (*pwrite64_function)(int, const void *, size_t, off64_t);
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return fails(fd) ? -1 : REAL(pwrite64)(fd, data, size, at);
}

typedef ssize_t (*pwrite_function)(int, const void *, size_t, off_t);
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return fails(fd) ? -1 : REAL(pwrite)(fd, data, size, at);
}

typedef int (*fdatasync_function)(int);
int fdatasync(int fd) { return fails(fd) ? -1 : REAL(fdatasync)(fd); }

typedef int (*fsync_function)(int);
int fsync(int fd) { return fails(fd) ? -1 : REAL(fsync)(fd); }

typedef int (*ftruncate64_function)(int, off64_t);
int ftruncate64(int fd, off64_t size) { return fails(fd) ? -1 : REAL(ftruncate64)(fd, size); }
