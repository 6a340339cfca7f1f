/** tests/support/ws_server.h -- a WebSocket server in a child process that does to its clients what a test says.
 *
 *  Owns:   the child; it ends when the script has served its connections, or with the test
 *  Thread: the one that started it
 *  In a script every helper ends the child with a message and status 1 when something is not as expected. */
#ifndef TESTS_SUPPORT_WS_SERVER_H
#define TESTS_SUPPORT_WS_SERVER_H

#include <jansson.h>
#include <sys/types.h>

#include "base/str.h"

struct ws_server {
    pid_t pid;
    int port;
};

/** What is done to one accepted connection, in the child. @param number  0, 1, ... */
typedef void ws_script(int fd, int number);

void ws_server_start(struct ws_server *s, ws_script *script, int connections);

/** Wait for the child's end. @return its exit status; 0: all was as the script expects */
int ws_server_stop(struct ws_server *s);

void serve_expect(bool ok, const char *what);
void serve_upgrade(int fd);                                                             /* read the request, answer 101 */
void serve_bytes(int fd, struct str bytes);                                             /* as they are */
void serve_frame(int fd, int first_byte, struct str data);                              /* first_byte: FIN and opcode */
void serve_text(int fd, const char *format, ...) __attribute__((format(printf, 2, 3))); /* a text message */
void serve_close(int fd, int code, const char *reason);                                 /* a close frame */

/** The next frame. @return its opcode; *data is owned by the caller (free) and NUL-terminated; -1 at the end */
int serve_read(int fd, char **data);

/** The next text, as JSON; the caller json_decref()s. */
json_t *serve_request(int fd);

#endif
