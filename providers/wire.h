/** providers/wire.h -- what the dialects share: reading JSON leniently, writing headers, ids and arguments.
 *
 *  In:     bytes of a reply; values of a request        Out: jansson trees; bytes in a struct buf
 *  Owns:   nothing
 *  Thread: any */
#ifndef PROVIDERS_WIRE_H
#define PROVIDERS_WIRE_H

#include <jansson.h>

#include "base/json_read.h"
#include "providers/provider.h"

enum { WIRE_CALL_ID_MAX = 40 }; /* bytes of a tool call id: OpenAI's limit, below Anthropic's 64 */

/** Parse one JSON text. What models and small servers get wrong is mended: lone surrogates, escaped NULs and bytes that
 *  are not UTF-8 become U+FFFD; integers beyond 64 bits become reals. @return a new reference, or NULL. */
json_t *wire_parse(struct str text);

/** Members of an object; empty, 0 or NULL when absent or of another type. Borrowed from `object`. */
int64_t wire_int(const json_t *object, const char *key); /* clamped at 0 below */

/** Append `"Name: value\0"`. A CR, LF or NUL in either is refused: b->err becomes GW_EINVAL. Left out when the
 *  endpoint's configured headers name it too, so that config wins. */
void wire_header(struct http_request *r, const struct provider_endpoint *endpoint, const char *name, struct str value);

/** The headers every dialect sends (content type, accept) and the configured ones. */
void wire_headers(struct http_request *r, const struct provider_endpoint *endpoint);

/** First error of the three buffers, after which *r is freed and empty; otherwise 0. */
int wire_finish(struct http_request *r);

/** Append a tool call id as a JSON string that every dialect takes: [A-Za-z0-9_-], at most WIRE_CALL_ID_MAX bytes.
 *  Others are replaced by a hash, the same for the call and for its result. */
void wire_call_id(struct buf *b, struct str id);

/** True when text is one well-formed JSON object, or array. */
bool wire_is_object(struct str text);
bool wire_is_list(struct str text);

/** Append the arguments of a tool call as a JSON object: as they are, `{}` when empty, wrapped as
 *  {"invalid_json": text} when they are something else. */
void wire_arguments(struct buf *b, struct str text);

/** Append the members "name", "description" and `schema_key` of a tool; one without a usable schema takes no arguments. */
void wire_tool(struct buf *b, const struct chat_tool *tool, const char *schema_key);

/** Open an element of a list of messages whose roles must alternate: after one of the same role only a comma is written,
 *  else the open message is closed and `{"role":role,"<parts>":[` begins the next.
 *  @param open   role of the open message, NULL: none yet; becomes `role`, which must be static
 *  @param parts  what the dialect calls the list of parts
 *  @param note   JSON of a part: the message of the user that goes first when the first role is not "user" */
void wire_open_part(struct buf *b, const char **open, const char *role, const char *parts, const char *note);

/** Append a text with control characters as spaces and malformed UTF-8 as U+FFFD: for people and one line. */
void wire_clean(struct buf *b, struct str text);

/** True when a level other than "" and "off" is asked of a model that takes one. */
bool wire_thinks(const struct model_request *request);

/** True for an assistant message that the same provider wrote, with the same model as far as it is known: only then its
 *  signatures are returned. */
bool wire_own(const struct model_request *request, const struct chat_message *message);

/** The text that stands for an image the model cannot take. Static. */
struct str wire_image_note(void);

/** Name of the tool that message i, a result, answers: its own, else that of the call. Borrowed; may be empty. */
struct str wire_result_name(const struct model_request *request, size_t i);

/** The call that message i, a result, answers; *owner its message. NULL when there is none. */
const struct chat_part *wire_call_of(const struct model_request *request, size_t i, const struct chat_message **owner);

#endif
