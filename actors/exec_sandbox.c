/* actors/exec_sandbox.c -- what a command may do: a seccomp filter against what no agent needs, a Landlock ruleset for files.
 *
 * Everything is prepared before the fork; the child then makes three system calls. Source: seccomp(2), landlock(7), prctl(2).
 * The library for the filter is opened at the first command: an idle gateway does not pay for it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/exec_internal.h"
#include "base/log.h"

struct exec_sandbox {
    struct sock_filter *filter; /* owned; NULL: there is none */
    unsigned short filter_count;
    int landlock; /* version of the kernel's; 0: none */
};

/* --- seccomp ------------------------------------------------------------------------------------------------------ */

/* Other processes' memory, the kernel's own doors, mounts and namespaces, keys: what an agent's command never needs. They fail with
 * EPERM, as they would for somebody without the right. */
static const char *const REFUSED[] = {
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "mount_setattr",
    "setns",
    "unshare",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "add_key",
    "request_key",
    "keyctl",
    "swapon",
    "swapoff",
    "reboot",
    "acct",
    "quotactl",
    "open_by_handle_at",
    "name_to_handle_at",
    "iopl",
    "ioperm",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "syslog",
    "lookup_dcookie",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "vhangup",
};

enum { CLONE_NAMESPACES = 0x7E020000 | 0x00000080 /* CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET; CLONE_NEWTIME */ };

struct seccomp_api {
    void *library;
    __typeof__(seccomp_init) *init;
    __typeof__(seccomp_rule_add_array) *add;
    __typeof__(seccomp_syscall_resolve_name) *resolve;
    __typeof__(seccomp_export_bpf) *export_bpf;
    __typeof__(seccomp_release) *release;
};

static bool open_api(struct seccomp_api *api)
{
    api->library = dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!api->library) return false;
    api->init = (__typeof__(seccomp_init) *)dlsym(api->library, "seccomp_init");
    api->add = (__typeof__(seccomp_rule_add_array) *)dlsym(api->library, "seccomp_rule_add_array");
    api->resolve = (__typeof__(seccomp_syscall_resolve_name) *)dlsym(api->library, "seccomp_syscall_resolve_name");
    api->export_bpf = (__typeof__(seccomp_export_bpf) *)dlsym(api->library, "seccomp_export_bpf");
    api->release = (__typeof__(seccomp_release) *)dlsym(api->library, "seccomp_release");
    return api->init && api->add && api->resolve && api->export_bpf && api->release;
}

static bool add_rules(const struct seccomp_api *api, scmp_filter_ctx ctx)
{
    bool whole = true;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        int call = api->resolve(REFUSED[i]);
        if (call != __NR_SCMP_ERROR && call >= 0) whole &= api->add(ctx, SCMP_ACT_ERRNO(EPERM), call, 0, NULL) == 0;
    }
    /* Plain clone() may not make namespaces; clone3(), whose flags no filter can read, says that it does not exist: libc falls back. */
    for (int bit = 0; bit < 32; bit++) {
        uint64_t flag = UINT64_C(1) << bit;
        if (!(CLONE_NAMESPACES & flag) || flag == 0x80) continue;
        const struct scmp_arg_cmp has = { .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = flag, .datum_b = flag };
        whole &= api->add(ctx, SCMP_ACT_ERRNO(EPERM), api->resolve("clone"), 1, &has) == 0;
    }
    whole &= api->add(ctx, SCMP_ACT_ERRNO(ENOSYS), api->resolve("clone3"), 0, NULL) == 0;
    /* A terminal's input cannot be faked (TIOCSTI): whoever reads it is another program. */
    const struct scmp_arg_cmp sti = { .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xFFFFFFFF, .datum_b = 0x5412 };
    return whole && api->add(ctx, SCMP_ACT_ERRNO(EPERM), api->resolve("ioctl"), 1, &sti) == 0;
}

/* The program that the kernel takes, read back from a file in memory. */
static bool keep_filter(const struct seccomp_api *api, scmp_filter_ctx ctx, struct exec_sandbox *s)
{
    struct stat st;
    int fd = memfd_create("seccomp", MFD_CLOEXEC);
    bool whole = fd >= 0 && api->export_bpf(ctx, fd) == 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < 64 * 1024;
    if (whole) s->filter = malloc((size_t)st.st_size);
    whole = whole && s->filter && pread(fd, s->filter, (size_t)st.st_size, 0) == st.st_size;
    if (whole) s->filter_count = (unsigned short)((size_t)st.st_size / sizeof *s->filter);
    if (fd >= 0) close(fd);
    return whole;
}

static bool make_filter(struct exec_sandbox *s)
{
    struct seccomp_api api = { 0 };
    bool whole = open_api(&api);
    scmp_filter_ctx ctx = whole ? api.init(SCMP_ACT_ALLOW) : NULL;
    whole = ctx && add_rules(&api, ctx) && keep_filter(&api, ctx, s);
    if (ctx) api.release(ctx);
    if (api.library) dlclose(api.library);
    return whole;
}

/* --- Landlock ----------------------------------------------------------------------------------------------------- */

enum {
    READS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    WRITES = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM,
    DEVICES = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK, /* handled, granted to nobody */
    ACCESS_REFER = 1 << 13,                                                 /* version 2 */
    ACCESS_TRUNCATE = 1 << 14,                                              /* version 3 */
    SCOPE_SIGNALS = 1 << 1,                                                 /* version 6: no signals to processes outside */
    SCOPE_SOCKETS = 1 << 0,                                                 /* version 6: no abstract sockets outside */
};

/* The kernel's struct, as of version 6: older headers have less of it. */
struct ruleset {
    uint64_t files, network, scope;
};

static int version(void)
{
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return v > 0 ? (int)v : 0;
}

static uint64_t writes_of(const struct exec_sandbox *s)
{
    return (uint64_t)WRITES | (s->landlock >= 2 ? ACCESS_REFER : 0) | (s->landlock >= 3 ? ACCESS_TRUNCATE : 0);
}

/* A path that is not there grants nothing. */
static void grant(int ruleset, const char *path, uint64_t access)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE;
    const struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(fd);
}

/* A right cannot be taken back below a folder that has it. */
static bool contains(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

int exec_sandbox_files(const struct exec_sandbox *s, const struct exec_sandbox_files *files)
{
    static const char *const SYSTEM[] = { "/usr",          "/bin",
                                          "/sbin",         "/lib",
                                          "/lib64",        "/lib32",
                                          "/etc",          "/opt",
                                          "/nix",          "/run/current-system",
                                          "/proc",         "/sys/devices/system/cpu",
                                          "/sys/fs/cgroup" };
    static const char *const WRITABLE[] = { "/tmp",         "/var/tmp", "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                            "/dev/urandom", "/dev/tty", "/dev/pts",  "/dev/ptmx", "/dev/shm" };
    const struct ruleset attr = { .files = (uint64_t)READS | DEVICES | writes_of(s),
                                  .scope = s->landlock >= 6 ? (uint64_t)SCOPE_SIGNALS | SCOPE_SOCKETS : 0 };
    struct str rest = files->readable;
    if (s->landlock == 0) return -1;
    size_t size = s->landlock >= 6 ? sizeof attr : s->landlock >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (fd < 0) return -1;
    for (size_t i = 0; i < sizeof SYSTEM / sizeof *SYSTEM; i++)
        if (!contains(SYSTEM[i], files->forbidden)) grant(fd, SYSTEM[i], READS);
    for (size_t i = 0; i < sizeof WRITABLE / sizeof *WRITABLE; i++)
        if (!contains(WRITABLE[i], files->forbidden)) grant(fd, WRITABLE[i], READS | writes_of(s));
    grant(fd, files->workspace, READS | writes_of(s));
    while (rest.n) {
        grant(fd, rest.p, READS);
        str_split(&rest, '\0');
    }
    return fd;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

int exec_containment(struct exec_containment *out)
{
    struct exec_sandbox *s = calloc(1, sizeof *s);
    if (!s) return GW_ENOMEM;
    *out = (struct exec_containment){ .landlock = version(), .filter = make_filter(s) };
    syscall(SYS_openat2, -1, NULL, NULL, 0);
    out->openat2 = errno != ENOSYS;
    exec_sandbox_destroy(&s);
    return 0;
}

int exec_sandbox_create(struct exec_sandbox **out)
{
    struct exec_sandbox *s = *out = calloc(1, sizeof *s);
    if (!s) return GW_ENOMEM;
    s->landlock = version();
    if (s->landlock == 0)
        log_event(LOG_WARN, "sandbox_weaker", LOG_T("lacks", "Landlock"),
                  LOG_T("so", "commands can read and write what the gateway's user can"));
    if (!make_filter(s))
        log_event(LOG_WARN, "sandbox_weaker", LOG_T("lacks", "libseccomp"), LOG_T("so", "no system call is refused to commands"));
    return 0;
}

void exec_sandbox_destroy(struct exec_sandbox **p)
{
    if (*p) free((*p)->filter);
    free(*p);
    *p = NULL;
}

/* Root without its powers: commands of a gateway that runs as root are no more than its owner. They fail where there are none. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[2] = { { 0 } };
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    syscall(SYS_capset, &header, none);
}

int exec_sandbox_enter(const struct exec_sandbox *s, int ruleset)
{
    drop_capabilities();
    const struct sock_fprog program = { .len = s->filter_count, .filter = s->filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) return errno;
    if (s->filter && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return errno;
    return 0;
}
