#include "base/memory.h"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

/* A debugger's process id, or 0, follows the name; proc(5). */
static bool is_traced(void)
{
    static const char name[] = "\nTracerPid:\t";
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) close(fd);
    ptrdiff_t at = str_find((struct str){ text, n > 0 ? (size_t)n : 0 }, STR(name));
    size_t value = (size_t)at + sizeof name - 1;
    return at < 0 || value >= (size_t)n || text[value] != '0';
}

/* A loaded program or library. Segments that cannot be written are as the file has them, so that they may go: whole pages only. */
static int let_go(struct dl_phdr_info *info, size_t size, void *ctx)
{
    uintptr_t page = *(const uintptr_t *)ctx;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type != PT_LOAD || (h->p_flags & PF_W)) continue;
        uintptr_t first = (info->dlpi_addr + h->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (info->dlpi_addr + h->p_vaddr + h->p_memsz) & ~(page - 1);
        if (first < end) madvise((void *)first, end - first, MADV_DONTNEED); /* refused for the kernel's own page: it stays */
    }
    return 0;
}

void memory_give_back(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    malloc_trim(0);
    if (!is_traced()) dl_iterate_phdr(let_go, &page);
}

/* The second number of proc(5)'s statm; 0 when it cannot be read. */
static int64_t resident_kib(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) close(fd);
    struct str rest = { text, n > 0 ? (size_t)n : 0 };
    int64_t pages = 0;
    str_split(&rest, ' ');
    return str_to_int(str_split(&rest, ' '), &pages) == 0 ? pages * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

bool memory_look(struct memory_watch *w)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t now_ms = clock_mono_ms(), since_ms = now_ms - w->looked_ms;
    int64_t cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    bool idle = (cpu_ms - w->cpu_ms) * 1000 <= since_ms * MEMORY_IDLE_PERMILLE;
    w->looked_ms = now_ms;
    w->cpu_ms = cpu_ms;
    if (!idle || resident_kib() < w->left_kib + MEMORY_GAIN_KIB) return false;
    memory_give_back();
    w->left_kib = resident_kib();
    return true;
}
