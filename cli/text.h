/** cli/text.h -- text for a terminal: width, times, colours, and nothing in it that could steer the terminal.
 *
 *  Thread: any */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdio.h>

#include "base/buf.h"
#include "base/env.h"

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

/** Whether to colour what goes to `to`: a terminal that is not "dumb", and NO_COLOR is not set (no-color.org). */
bool text_colour(FILE *to);

/** The same decision from its inputs. */
bool text_colour_wanted(bool terminal, const struct env *env);

/** Columns for a table on `to`: the terminal's less one, 119 when it is none; at least 60. */
int text_columns(FILE *to);

/** Append `text` in a style; plain when `colour` is false. */
void text_style(struct buf *out, bool colour, enum style style, struct str text);

/** Columns that s takes: wide characters two, combining ones none. */
size_t text_width(struct str s);

/** Columns of the first character of s (not empty), and its bytes. */
size_t text_step(struct str s, size_t *bytes);

/** Append s without what could steer a terminal: control characters become spaces, as do marks that turn the direction
 *  of writing; malformed bytes become U+FFFD. */
void text_clean(struct buf *out, struct str s);

/** The same for text of several lines: its line ends stay. */
void text_clean_lines(struct buf *out, struct str s);

/** Print one line, cleaned, with its end. */
void text_say(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Append s, cleaned, and spaces up to `width` columns; what is longer is not cut. */
void text_pad(struct buf *out, struct str s, size_t width);

/** Append s, cleaned, in at most `width` columns: a longer one is cut and ends in "...". */
void text_fit(struct buf *out, struct str s, size_t width);

/** Append how long ago something was: "just now", "2m ago", "5h ago", "3d ago". */
void text_ago(struct buf *out, int64_t age_ms);

/** Append a span: "<1m", "60m", "2h", "3d". */
void text_span(struct buf *out, int64_t ms);

#endif
