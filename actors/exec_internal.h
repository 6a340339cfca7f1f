/* actors/exec_internal.h -- what the files of the exec actor share; not for others. */
#ifndef ACTORS_EXEC_INTERNAL_H
#define ACTORS_EXEC_INTERNAL_H

#include <sys/types.h>

#include "actors/exec.h"
#include "base/buf.h"

/* Output as it came, the middle of much left out. */
struct exec_output {
    struct buf head;
    char *tail; /* a ring of EXEC_TAIL_BYTES, once the head is full */
    uint64_t total;
    uint64_t shown; /* bytes that polls have told */
};

enum exec_why { EXEC_WHY_NONE, EXEC_WHY_TIME, EXEC_WHY_OUTPUT, EXEC_WHY_PROCESSES, EXEC_WHY_KILLED, EXEC_WHY_CANCELLED };

struct exec_child {
    struct exec_child *prev, *next;
    char name[64];
    char *session_key, *agent, *command; /* owned */
    pid_t pid;
    int pidfd;   /* -1: it has ended and was reaped */
    int out, in; /* its output, its input; -1: closed. The same for a terminal */
    bool pty;
    char waiter[MSG_NAME_MAX + 1]; /* who waits for exec.state; "": nobody */
    uint64_t corr, trace;
    char poller[MSG_NAME_MAX + 1]; /* who waits for news; "": nobody */
    uint64_t poll_corr;
    int64_t poll_until_ms;
    int64_t started_ms, yield_ms, deadline_ms, kill_ms, ended_ms; /* monotonic; -1 or 0: never, not yet */
    enum exec_why why;                                            /* it is being, or was, stopped */
    int status, signal;
    pid_t known[EXEC_PROCESSES_MAX]; /* what it has started, as last seen */
    int known_count;
    struct buf input; /* what is not written yet */
    bool close_input; /* when that is */
    struct exec_output output;
};

struct exec {
    mailbox_t *mailbox;
    config_t *config;
    struct exec_child *running, *ended;
    int running_count, ended_count;
    int64_t next_watch_ms, next_count_ms;
    int procs_before;             /* of the system, when the first of the running commands was started */
    struct exec_sandbox *sandbox; /* exec_sandbox.c */
};

/* exec_output.c */
void exec_output_add(struct exec_output *o, struct str bytes);
void exec_output_write(const struct exec_output *o, struct buf *out); /* all that is kept, the gap marked */
void exec_output_news(struct exec_output *o, struct buf *out);        /* what came since the last call, as far as it is kept */
void exec_output_free(struct exec_output *o);

/* exec_launch.c */
/** Start it. @return 0; GW_E* with `why` filled, nothing was started then */
int exec_launch(struct exec *x, struct exec_child *c, const struct msg_exec_start *s, struct buf *why);

/* exec_tree.c */
int exec_tree_procs(void);                             /* processes and threads of the system */
void exec_tree_look(struct exec *x);                   /* what each command has started; orphans of none are ended */
void exec_tree_kill(struct exec_child *c, int signal); /* the command and what it has started */
void exec_tree_end(struct exec_child *c);              /* the same until none is left, and reap them */

/* exec_process.c */
void exec_ask(struct exec *x, const struct msg *in);
void exec_poll_answer(struct exec *x, struct exec_child *c); /* to who waits for news */
struct exec_child *exec_find(struct exec *x, struct str session_key, struct str name);

/* exec.c */
void exec_stop(struct exec_child *c, enum exec_why why); /* SIGTERM now, SIGKILL after the grace */
const char *exec_why_text(enum exec_why why);            /* "" for none */
void exec_forget(struct exec *x, struct exec_child *c);  /* one that has ended */

/* exec_sandbox.c */
struct exec_sandbox_files { /* what a command may reach; texts with a NUL after each */
    const char *workspace;
    struct str readable;
    const char *forbidden; /* the state directory: whatever it is in is not granted as a whole */
};
/** Make what confines commands; what the kernel lacks is logged once. @return 0 or GW_ENOMEM */
int exec_sandbox_create(struct exec_sandbox **out);
void exec_sandbox_destroy(struct exec_sandbox **p);
/** A Landlock ruleset for a command; -1: the kernel has none. Closed by the caller */
int exec_sandbox_files(const struct exec_sandbox *sandbox, const struct exec_sandbox_files *files);
/** In the child, before exec: async-signal-safe. @return 0 or an errno */
int exec_sandbox_enter(const struct exec_sandbox *sandbox, int ruleset);

#endif
