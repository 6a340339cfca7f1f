#include "tools/html_text.h"

#include <dlfcn.h>
#include <libxml/HTMLparser.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

enum { LINK_BYTES = 2000 /* of an address that are shown */ };

struct xml_api {
    void *library;
    __typeof__(htmlReadMemory) *read;
    __typeof__(xmlFreeDoc) *free_doc;
    __typeof__(xmlDocGetRootElement) *root;
    __typeof__(xmlGetProp) *attribute;
    __typeof__(xmlFree) *free_text;
};

struct writer {
    const struct xml_api *api;
    struct buf *out, *title;
    bool markdown, in_pre;
    int gap; /* line ends that are due before the next word */
    bool space;
};

/* The library stays mapped once it is there: it was not made to be unloaded. */
static bool open_api(struct xml_api *api)
{
    api->library = dlopen("libxml2.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!api->library) return false;
    api->read = (__typeof__(htmlReadMemory) *)dlsym(api->library, "htmlReadMemory");
    api->free_doc = (__typeof__(xmlFreeDoc) *)dlsym(api->library, "xmlFreeDoc");
    api->root = (__typeof__(xmlDocGetRootElement) *)dlsym(api->library, "xmlDocGetRootElement");
    api->attribute = (__typeof__(xmlGetProp) *)dlsym(api->library, "xmlGetProp");
    api->free_text = (__typeof__(xmlFree) *)dlsym(api->library, "xmlFree");
    return api->read && api->free_doc && api->root && api->attribute && api->free_text;
}

static bool among(const xmlNode *n, const char *const *names)
{
    for (; *names; names++)
        if (strcmp((const char *)n->name, *names) == 0) return true;
    return false;
}

static void want_gap(struct writer *w, int lines)
{
    if (lines > w->gap) w->gap = lines;
}

static void before_word(struct writer *w)
{
    if (w->out->n && w->gap)
        for (int i = 0; i < w->gap; i++) buf_char(w->out, '\n');
    else if (w->out->n && w->space)
        buf_char(w->out, ' ');
    w->gap = 0;
    w->space = false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static void add_words(struct writer *w, const char *text)
{
    if (w->in_pre) {
        before_word(w);
        utf8_add_valid(w->out, str_of(text));
        return;
    }
    while (*text) {
        size_t n = 0;
        if (is_space(*text)) {
            w->space = true;
            text++;
            continue;
        }
        while (text[n] && !is_space(text[n])) n++;
        before_word(w);
        utf8_add_valid(w->out, (struct str){ text, n }); /* libxml2 lets some bytes through that are none */
        text += n;
    }
}

static void walk(struct writer *w, const xmlNode *first, int depth);

static void write_link(struct writer *w, const xmlNode *n, int depth)
{
    xmlChar *href = w->markdown ? w->api->attribute(n, (const xmlChar *)"href") : NULL;
    bool useful = href && href[0] && href[0] != '#' && strncmp((const char *)href, "javascript:", 11) != 0;
    if (useful) {
        before_word(w);
        buf_char(w->out, '[');
    }
    walk(w, n->children, depth);
    if (useful) {
        buf_text(w->out, "](");
        utf8_add_valid(w->out, str_utf8_prefix(str_of((const char *)href), LINK_BYTES));
        buf_char(w->out, ')');
    }
    if (href) (*w->api->free_text)(href);
}

static void write_block(struct writer *w, const xmlNode *n, int depth)
{
    const char *name = (const char *)n->name;
    bool heading = name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && !name[2], item = strcmp(name, "li") == 0,
         pre = strcmp(name, "pre") == 0;
    want_gap(w, item || strcmp(name, "tr") == 0 ? 1 : 2);
    if (w->markdown && (heading || item || pre)) before_word(w);
    if (w->markdown && heading) buf_printf(w->out, "%.*s ", name[1] - '0', "######");
    if (w->markdown && item) buf_text(w->out, "- ");
    if (w->markdown && pre) buf_text(w->out, "```\n");
    w->in_pre |= pre;
    walk(w, n->children, depth);
    if (pre) w->in_pre = false;
    if (w->markdown && pre) buf_text(w->out, "\n```");
    want_gap(w, item || strcmp(name, "tr") == 0 ? 1 : 2);
}

static void write_element(struct writer *w, const xmlNode *n, int depth)
{
    static const char *const SKIPPED[] = { "script", "style", "noscript", "template", "svg",    "iframe", "object",
                                           "head",   "nav",   "footer",   "form",     "button", "select", NULL };
    static const char *const BLOCKS[] = { "p",     "div", "section", "article", "main", "header", "aside", "h1",  "h2",
                                          "h3",    "h4",  "h5",      "h6",      "ul",   "ol",     "li",    "pre", "blockquote",
                                          "table", "tr",  "figure",  "dl",      "dt",   "dd",     NULL };
    if (among(n, SKIPPED)) return;
    if (strcmp((const char *)n->name, "br") == 0) {
        want_gap(w, 1);
    } else if (strcmp((const char *)n->name, "a") == 0) {
        write_link(w, n, depth);
    } else if (among(n, BLOCKS)) {
        write_block(w, n, depth);
    } else {
        if (strcmp((const char *)n->name, "td") == 0 || strcmp((const char *)n->name, "th") == 0) w->space = true;
        walk(w, n->children, depth);
    }
}

static void walk(struct writer *w, const xmlNode *first, int depth)
{
    if (depth >= HTML_DEPTH_MAX) return;
    for (const xmlNode *n = first; n && !w->out->err; n = n->next) {
        if (n->type == XML_TEXT_NODE && n->content) add_words(w, (const char *)n->content);
        if (n->type == XML_ELEMENT_NODE) write_element(w, n, depth + 1);
    }
}

/* The first <title>, wherever it is in the head. */
static const xmlNode *find(const xmlNode *first, const char *name, int depth)
{
    for (const xmlNode *n = first; n && depth < 4; n = n->next) {
        if (n->type != XML_ELEMENT_NODE) continue;
        if (strcmp((const char *)n->name, name) == 0) return n;
        const xmlNode *found = find(n->children, name, depth + 1);
        if (found) return found;
    }
    return NULL;
}

int html_text(struct str page, bool markdown, struct buf *title, struct buf *out)
{
    struct xml_api api;
    if (page.n > 64 * 1024 * 1024) return GW_ELIMIT;
    if (!open_api(&api)) {
        buf_text(out, "HTML cannot be read here: install libxml2 (in Debian the package libxml2)");
        return GW_ENOENT;
    }
    xmlDoc *doc = api.read(page.p ? page.p : "", (int)page.n, NULL, NULL,
                           HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    xmlNode *root = doc ? api.root(doc) : NULL;
    const xmlNode *named = root ? find(root, "title", 0) : NULL;
    struct writer name = { .api = &api, .out = title }, w = { .api = &api, .out = out, .markdown = markdown };
    if (named) walk(&name, named->children, 0);
    if (root) walk(&w, root, 0);
    if (doc) api.free_doc(doc);
    return !root ? GW_EPARSE : out->err;
}
