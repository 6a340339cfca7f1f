/** tools/html_text.h -- an HTML page as text that a model can read, with or without Markdown.
 *
 *  In:     bytes of a page     Out: its title and text
 *  Owns:   nothing             Thread: any
 *  Source: docs/adr/0013-html-reader.md: libxml2 reads the page; it is opened with the first one */
#ifndef TOOLS_HTML_TEXT_H
#define TOOLS_HTML_TEXT_H

#include "base/buf.h"

enum { HTML_DEPTH_MAX = 256 /* elements inside each other; what is deeper is left out */ };

/** @param markdown  headings, links, lists and code as Markdown; else plain text
 *  @return 0; GW_ENOENT: the library is missing, `out` says so; GW_EPARSE: it is no page; out's error */
int html_text(struct str page, bool markdown, struct buf *title, struct buf *out);

#endif
