/* cli/doctor_state.c -- the state directory, what is in it, and the machine below. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "actors/exec.h"
#include "base/clock.h"
#include "cli/doctor.h"
#include "cli/folder.h"
#include "store/snapshot.h"

#define STATE "State integrity"
#define MACHINE "Machine"
#define COMMANDS "Commands of agents"

enum { SPACE_LOW_MIB = 200, SPACE_NONE_MIB = 20, FILES_FEW = 4096, BACKUP_OLD_DAYS = 14, ENTRIES_MAX = 4096, YEAR_2024 = 1704067200 };

/* --- the directory --------------------------------------------------------------------------------------------------------- */

static bool look_at_folder(struct doctor *d, struct stat *st)
{
    const char *state = d->c->state;
    if (stat(state, st) != 0) {
        json_t *f = doctor_say(d, STATE, "state.missing", DOCTOR_INFO, "start the gateway, or run doctor --fix",
                               "State directory is not there yet (%s). The gateway creates it.", state);
        if (d->fix) doctor_fixed(f, mkdir(state, 0700) == 0);
        return d->fix && stat(state, st) == 0;
    }
    if (!S_ISDIR(st->st_mode)) {
        doctor_say(d, STATE, "state.not_a_directory", DOCTOR_CRITICAL, "move it away, or set OPENCLAW_STATE_DIR to a directory",
                   "%s is no directory.", state);
        return false;
    }
    if (st->st_mode & 0077) {
        json_t *f = doctor_say(d, STATE, "state.permissions", DOCTOR_WARN, "chmod 700 the directory (doctor --fix does)",
                               "State directory permissions are too open (%s, mode %03o). Recommend chmod 700.", state,
                               (unsigned)(st->st_mode & 0777));
        if (d->fix) doctor_fixed(f, chmod(state, 0700) == 0);
    } else {
        doctor_say(d, STATE, "state.permissions", DOCTOR_OK, NULL, "State directory is private (%s).", state);
    }
    if (access(state, W_OK | X_OK) != 0)
        doctor_say(d, STATE, "state.not_writable", DOCTOR_CRITICAL,
                   "give it to this user (chown), or run as its owner; in Kubernetes: fsGroup 1000 and a volume that is not read-only",
                   "this user (%u) cannot write to %s.", (unsigned)geteuid(), state);
    return true;
}

static void look_at_space(struct doctor *d)
{
    struct statvfs fs;
    if (statvfs(d->c->state, &fs) != 0) return;
    unsigned long long mib = (unsigned long long)fs.f_bavail * fs.f_frsize / (1024 * 1024);
    if (mib < SPACE_NONE_MIB)
        doctor_say(d, STATE, "state.space", DOCTOR_CRITICAL, "make room, or a larger volume: without space nothing can be accepted",
                   "%llu MiB are free for %s.", mib, d->c->state);
    else if (mib < SPACE_LOW_MIB)
        doctor_say(d, STATE, "state.space", DOCTOR_WARN, "make room: old backups and logs first", "%llu MiB are free for %s.", mib,
                   d->c->state);
    if (fs.f_files && fs.f_favail < 1000)
        doctor_say(d, STATE, "state.inodes", DOCTOR_WARN, "delete small files, or make a larger volume", "%llu inodes are free for %s.",
                   (unsigned long long)fs.f_favail, d->c->state);
}

/* --- what is in it ----------------------------------------------------------------------------------------------------------- */

static void look_at_store(struct doctor *d)
{
    char path[PATH_MAX];
    struct stat st;
    struct buf why = { 0 };
    folder_join(d->c->state, "openclaw.sqlite", path);
    if (stat(path, &st) != 0) return;
    int rc = store_verify(path, &why);
    if (rc == GW_ECONFIG)
        doctor_say(d, STATE, "store.version", DOCTOR_CRITICAL, "start the newer program again, or restore a backup of this version's", "%s",
                   buf_cstr(&why));
    else if (rc)
        doctor_say(d, STATE, "store.damaged", DOCTOR_CRITICAL,
                   "stop the gateway and restore a backup (openclaw restore FILE --force); without one the gateway sets the file aside and "
                   "begins anew",
                   "%s is damaged: %s", path, why.n ? buf_cstr(&why) : err_text(rc));
    else
        doctor_say(d, STATE, "store.whole", DOCTOR_OK, NULL, "The store is whole (%lld bytes).", (long long)st.st_size);
    if (rc == 0 && (st.st_mode & 0077)) {
        json_t *f = doctor_say(d, STATE, "store.permissions", DOCTOR_WARN, "chmod 600 the file (doctor --fix does)",
                               "%s can be read by other users (mode %03o).", path, (unsigned)(st.st_mode & 0777));
        if (d->fix) doctor_fixed(f, chmod(path, 0600) == 0);
    }
    buf_free(&why);
}

static void look_at_leftovers(struct doctor *d)
{
    struct folder_names names;
    if (folder_list(d->c->state, ENTRIES_MAX, &names) != 0) return;
    for (size_t i = 0; i < names.count; i++) {
        struct str name = str_of(names.list[i]);
        if (str_starts(name, STR("openclaw.sqlite.damaged-")) && !str_ends(name, STR("-wal")) && !str_ends(name, STR("-shm")))
            doctor_say(d, STATE, "store.set_aside", DOCTOR_WARN, "restore what you need of it from a backup, then delete the file",
                       "A damaged store was set aside: %s.", names.list[i]);
        if (str_starts(name, STR(".backup-")) || str_starts(name, STR(".restore-"))) {
            char path[PATH_MAX];
            json_t *f = doctor_say(d, STATE, "state.leftover", DOCTOR_INFO, "delete it (doctor --fix does)",
                                   "%s is left of a backup or restore that was interrupted.", names.list[i]);
            folder_join(d->c->state, names.list[i], path);
            if (d->fix) folder_remove(path);
            if (d->fix) doctor_fixed(f, access(path, F_OK) != 0);
        }
    }
    folder_names_free(&names);
}

static void look_at_backups(struct doctor *d)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct folder_names names = { 0 };
    struct stat st;
    time_t newest = 0;
    folder_join(d->c->state, "backups", folder);
    folder_list(folder, ENTRIES_MAX, &names);
    for (size_t i = 0; i < names.count; i++) {
        folder_join(folder, names.list[i], path);
        if (str_ends(str_of(names.list[i]), STR(".tar.gz")) && stat(path, &st) == 0 && st.st_mtime > newest) newest = st.st_mtime;
    }
    folder_names_free(&names);
    int64_t days = newest ? (clock_wall_ms() / 1000 - newest) / 86400 : -1;
    folder_join(d->c->state, "openclaw.sqlite", path);
    if (stat(path, &st) != 0) return;
    if (days < 0)
        doctor_say(d, STATE, "backup.none", DOCTOR_INFO, "openclaw backup; a job by the clock or a CronJob does it regularly",
                   "There is no backup in %s.", folder);
    else if (days > BACKUP_OLD_DAYS)
        doctor_say(d, STATE, "backup.old", DOCTOR_INFO, "openclaw backup", "The newest backup is %lld days old.", (long long)days);
}

void doctor_look_at_state(struct doctor *d)
{
    struct stat st;
    if (!look_at_folder(d, &st)) return;
    look_at_space(d);
    look_at_store(d);
    look_at_leftovers(d);
    look_at_backups(d);
}

/* --- the machine --------------------------------------------------------------------------------------------------------------- */

static void look_at_limits(struct doctor *d)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY && files.rlim_max < FILES_FEW)
        doctor_say(d, MACHINE, "machine.descriptors", DOCTOR_WARN, "ulimit -n 65536, or LimitNOFILE=65536 in the unit",
                   "A process may have %llu descriptors; %d clients need more.", (unsigned long long)files.rlim_max, FILES_FEW);
    if (time(NULL) < YEAR_2024)
        doctor_say(d, MACHINE, "machine.clock", DOCTOR_CRITICAL, "set the clock (timedatectl set-ntp true)",
                   "The clock says it is before 2024: devices, TLS and jobs go by it.");
    if (access("/usr/share/zoneinfo/UTC", R_OK) != 0 && access("/usr/share/zoneinfo/Etc/UTC", R_OK) != 0)
        doctor_say(d, MACHINE, "machine.zones", DOCTOR_WARN, "apt-get install tzdata", "There are no time zones in /usr/share/zoneinfo.");
    if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0)
        doctor_say(d, MACHINE, "machine.certificates", DOCTOR_WARN, "apt-get install ca-certificates",
                   "There are no roots of trust in /etc/ssl/certs: HTTPS to model providers fails.");
}

static void look_at_commands(struct doctor *d)
{
    struct exec_containment c;
    if (exec_containment(&c) != 0) return;
    if (c.landlock)
        doctor_say(d, COMMANDS, "exec.files", DOCTOR_OK, NULL,
                   "Files: Landlock, version %d. Commands write to their workspace and temporary folders alone.", c.landlock);
    else
        doctor_say(d, COMMANDS, "exec.files", DOCTOR_WARN, "Linux 5.13 or newer, with `landlock` among the kernel's lsm=",
                   "this kernel has no Landlock. Commands can read and write what the gateway's user can.");
    if (c.landlock && c.landlock < 6)
        doctor_say(d, COMMANDS, "exec.signals", DOCTOR_INFO, NULL,
                   "Landlock before version 6 (Linux 6.12) does not keep commands from signalling the user's other processes.");
    if (c.filter)
        doctor_say(d, COMMANDS, "exec.calls", DOCTOR_OK, NULL, "System calls: filtered.");
    else
        doctor_say(d, COMMANDS, "exec.calls", DOCTOR_WARN, "apt-get install libseccomp2",
                   "libseccomp.so.2 is not here. No system call is refused to commands.");
    if (!c.openat2)
        doctor_say(d, COMMANDS, "exec.openat2", DOCTOR_WARN, "Linux 5.6 or newer",
                   "this kernel has no openat2: read, write and edit refuse every file.");
    if (access("/bin/sh", X_OK) != 0)
        doctor_say(d, COMMANDS, "exec.shell", DOCTOR_WARN, "install a shell", "there is no /bin/sh, so no command can be run.");
}

void doctor_look_at_machine(struct doctor *d)
{
    look_at_limits(d);
    look_at_commands(d);
}
