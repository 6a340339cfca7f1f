/** actors/exec.h -- runs commands for agents, contained, and ends every one of them.
 *
 *  In:     exec.start, exec.ask, exec.cancel, config.changed
 *  Out:    exec.state, exec.told
 *  Owns:   every child process of the gateway and what it starts; they end with their turn, their time, or with the gateway
 *  Thread: its own; waits on its mailbox, the children's outputs and their ends
 *  Source: reference agent-runtime 4 (exec, process); docs/exec.md says what contains a command
 *
 *  A command is a session of its own for the kernel. What it starts is found through /proc, also when it left that session: the gateway is
 *  a subreaper, so whatever loses its parent becomes the gateway's child. When the command's shell has ended, what is left of it is
 *  ended, too: a process that nobody waits for has no owner. A command that is to go on is started in the background. */
#ifndef ACTORS_EXEC_H
#define ACTORS_EXEC_H

#include "base/config.h"
#include "bus/bus.h"

enum {
    EXEC_QUEUE = 4096,                   /* messages its mailbox holds */
    EXEC_RUNNING_MAX = 64,               /* commands at once, of all agents */
    EXEC_RUNNING_AGENT_MAX = 16,         /* of one agent */
    EXEC_KEPT_MAX = 128,                 /* ended ones that are remembered, for tools.exec.cleanupMs */
    EXEC_HEAD_BYTES = 100 * 1024,        /* kept of an output's beginning */
    EXEC_TAIL_BYTES = 80 * 1024,         /* and of its end */
    EXEC_OUTPUT_MAX = 256 * 1024 * 1024, /* bytes after which a command is stopped: nobody reads that much */
    EXEC_PROCESSES_MAX = 256,            /* processes of one command, then it is stopped (fork bombs) */
    EXEC_GRACE_MS = 2000,                /* between SIGTERM and SIGKILL */
    EXEC_COUNT_MS = 10,                  /* how often the system's processes are counted while one runs: one system call */
    EXEC_NICE = 5,                       /* commands are this much nicer than the gateway */
    EXEC_WATCH_MS = 100,                 /* how often processes are counted while one runs */
    EXEC_FILE_MAX = 1024,                /* MiB of a file that a command may write (RLIMIT_FSIZE) */
    EXEC_FILES_MAX = 1024,               /* files it may have open (RLIMIT_NOFILE) */
};

struct exec_options {
    config_t *config; /* a reference is given to the actor */
};

/** What this machine has to contain commands with. */
struct exec_containment {
    int landlock; /* version of the kernel's; 0: commands read and write what the gateway's user can */
    bool filter;  /* libseccomp is here: dangerous system calls are refused */
    bool openat2; /* without it the file tools refuse everything */
};

/** Look. @return 0 or GW_ENOMEM. Any thread */
int exec_containment(struct exec_containment *out);

actor_fn exec_actor; /* arg: struct exec_options *, allocated; freed by the actor */

#endif
