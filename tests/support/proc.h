/** tests/support/proc.h -- child processes of a test: start, watch the output, signal, collect.
 *
 *  Owns:   the child and its captured output; a child never outlives the test (PR_SET_PDEATHSIG)
 *  Thread: the one that started it */
#ifndef TESTS_SUPPORT_PROC_H
#define TESTS_SUPPORT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct proc proc_t;

/** Start argv[0] (a path) with `env` ("NAME=value", ends with NULL; may be NULL) added to this process's environment;
 *  "NAME" without '=' removes one. Output and errors go to one unlinked file. @return 0 or GW_ESYS and *out is NULL */
int proc_start(const char *const *argv, const char *const *env, proc_t **out);

pid_t proc_pid(const proc_t *p);

/** Wait until the output holds a whole line that starts with `prefix`, and copy the rest of that line.
 *  @return 0, GW_ETIMEOUT, GW_ECLOSED when the child has ended without it */
int proc_wait_line(proc_t *p, const char *prefix, int timeout_ms, char *rest, size_t cap);

/** Everything the child has printed so far, NUL-terminated; owned by the caller (free). NULL when memory is out. */
char *proc_output(proc_t *p);

/** Send a signal. @return 0 or GW_ESYS (already gone) */
int proc_signal(proc_t *p, int signal_number);

/** True while the child has not ended. */
bool proc_alive(proc_t *p);

/** Wait for the end. @param status  as waitpid's, may be NULL. @return 0 or GW_ETIMEOUT */
int proc_wait(proc_t *p, int timeout_ms, int *status);

/** SIGTERM, 30 s of patience, SIGKILL; frees. @return waitpid's status, -1 when *p_p is NULL */
int proc_stop(proc_t **p_p);

/** Monotonic time in milliseconds and in microseconds. */
int64_t now_ms(void);
int64_t now_us(void);

/** Let the machine breathe between two looks at something that cannot be waited for. */
void pause_ms(int ms);

#endif
