/* actors/gateway_static.c -- the Control UI's files: from inside the binary, or from gateway.controlUi.root.
 *
 * Reference gateway-protocol 8: every path that names no file is the page itself, `/x/y/assets/f` is `assets/f`, GET and HEAD
 * only, no login; with a base path what is outside it is 404. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "actors/gateway_internal.h"
#include "channels/ui_files.h"

#define SECURITY_HEADERS                                                                                                                   \
    "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"                                                                            \
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; script-src 'self'; "         \
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; font-src 'self'; connect-src 'self' ws: wss:\r\n"

#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json; charset=utf-8"

enum { UI_FILE_MAX = 16 * 1024 * 1024, UI_PATH_MAX = 1024 /* bytes of a file below controlUi.root; of a path */ };

static void answer_text(struct gateway_conn *c, int status, const char *text)
{
    gateway_answer(c, status, TEXT_TYPE, str_of(text), SECURITY_HEADERS);
}

/* --- files inside the binary ------------------------------------------------------------------------------------ */

static bool takes_gzip(struct gateway_conn *c)
{
    char value[256];
    struct str list = gateway_known_header(c->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, value, sizeof value);
    return str_find(list, STR("gzip")) >= 0;
}

static void answer_inflated(struct gateway_conn *c, const struct ui_file *f, const char *extra)
{
    struct buf plain = { 0 };
    z_stream z = { .next_in = (unsigned char *)f->gz, .avail_in = (unsigned)f->gz_n };
    char *into = buf_reserve(&plain, f->plain_n);
    if (!into || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return gateway_kill(c);
    z.next_out = (unsigned char *)into;
    z.avail_out = (unsigned)f->plain_n;
    int rc = inflate(&z, Z_FINISH);
    plain.n = f->plain_n - z.avail_out;
    inflateEnd(&z);
    if (rc == Z_STREAM_END)
        gateway_answer(c, 200, f->type, buf_str(&plain), extra);
    else
        gateway_kill(c);
    buf_free(&plain);
}

static void answer_file(struct gateway_conn *c, const struct ui_file *f)
{
    char extra[1024], known[128];
    struct str tag = gateway_known_header(c->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof known);
    bool gzip = takes_gzip(c);
    c->cached = true;
    snprintf(extra, sizeof extra, "%sETag: %s\r\nVary: Accept-Encoding\r\n%s", SECURITY_HEADERS, f->etag,
             gzip ? "Content-Encoding: gzip\r\n" : "");
    if (tag.n && str_is(tag, f->etag))
        gateway_answer(c, 304, f->type, (struct str){ 0 }, extra);
    else if (gzip)
        gateway_answer(c, 200, f->type, (struct str){ (const char *)f->gz, f->gz_n }, extra);
    else
        answer_inflated(c, f, extra);
}

/* --- files of another build ------------------------------------------------------------------------------------- */

static const char *type_of(struct str path)
{
    static const char *const types[][2] = {
        { ".html", "text/html; charset=utf-8" },
        { ".js", "application/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".json", JSON_TYPE },
        { ".map", JSON_TYPE },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".jpg", "image/jpeg" },
        { ".ico", "image/x-icon" },
        { ".webp", "image/webp" },
        { ".woff2", "font/woff2" },
        { ".txt", TEXT_TYPE },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_ends(path, str_of(types[i][0]))) return types[i][1];
    return "application/octet-stream";
}

/* No segment begins with a dot: nothing above the root, nothing hidden. */
static bool is_plain(struct str path)
{
    while (path.n) {
        struct str segment = str_split(&path, '/');
        if (segment.n == 0 || segment.p[0] == '.' || memchr(segment.p, '\\', segment.n) || memchr(segment.p, '\0', segment.n)) return false;
    }
    return true;
}

/* @return 0 when the whole file is in `out` */
static int read_root_file(struct str root, struct str path, struct buf *out)
{
    char name[UI_PATH_MAX * 2];
    struct stat st;
    if (!is_plain(path) || root.n + path.n + 2 > sizeof name) return GW_ENOENT;
    snprintf(name, sizeof name, "%.*s/%.*s", STR_ARG(root), STR_ARG(path));
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return GW_ENOENT;
    int rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= UI_FILE_MAX ? 0 : GW_ENOENT;
    char *into = rc == 0 ? buf_reserve(out, (size_t)st.st_size + 1) : NULL;
    ssize_t n = into ? read(fd, into, (size_t)st.st_size) : -1;
    close(fd);
    if (n < 0) return GW_ENOENT;
    out->n += (size_t)n;
    return 0;
}

static void answer_root_file(struct gateway_conn *c, struct str root, struct str path)
{
    struct buf bytes = { .max = UI_FILE_MAX + 1 };
    c->cached = true;
    if (path.n == 0 || read_root_file(root, path, &bytes) != 0) {
        path = STR("index.html");
        if (read_root_file(root, path, &bytes) != 0) {
            answer_text(c, 503, "Control UI assets not found. gateway.controlUi.root names a folder without an index.html.");
            buf_free(&bytes);
            return;
        }
    }
    gateway_answer(c, 200, type_of(path), buf_str(&bytes), SECURITY_HEADERS);
    buf_free(&bytes);
}

/* --- paths ------------------------------------------------------------------------------------------------------ */

/* "/x/y/assets/f" → "assets/f"; "/f" → "f". */
static struct str file_of(struct str path)
{
    ptrdiff_t at = str_find(path, STR("/assets/"));
    if (at >= 0) return (struct str){ path.p + at + 1, path.n - (size_t)at - 1 };
    while (path.n && path.p[0] == '/') path = (struct str){ path.p + 1, path.n - 1 };
    return path;
}

static void answer_settings(struct gateway_conn *c)
{
    const config_t *cfg = c->gw->options->config;
    const struct config_agent *agent = config_agent_default(cfg);
    struct str name = config_str(cfg, "ui.assistant.name"), avatar = config_str(cfg, "ui.assistant.avatar");
    struct buf body = { 0 };
    if (name.n == 0) name = agent->identity_name.n ? agent->identity_name : STR("Assistant");
    if (avatar.n == 0) avatar = agent->identity_emoji.n ? agent->identity_emoji : str_utf8_prefix(name, 1);
    buf_char(&body, '{');
    buf_json_pair_str(&body, "basePath", c->gw->cfg->control_ui_base);
    buf_json_pair_str(&body, "assistantName", name);
    buf_json_pair_str(&body, "assistantAvatar", avatar.n ? avatar : STR("A"));
    buf_json_pair_str(&body, "assistantAgentId", agent->id);
    buf_char(&body, '}');
    c->cached = true;
    gateway_answer(c, 200, JSON_TYPE, buf_str(&body), SECURITY_HEADERS);
    buf_free(&body);
}

/* Avatars are emojis here, or addresses in the page's own settings: there is no file to send. */
static void answer_avatar(struct gateway_conn *c)
{
    char buffer[16];
    const char *value = lws_get_urlarg_by_name(c->wsi, "meta=", buffer, sizeof buffer); /* some versions leave "meta=" before it */
    c->cached = true;
    if (value && strcmp(value, "1") == 0)
        gateway_answer(c, 200, JSON_TYPE, STR("{\"avatarUrl\":null}"), SECURITY_HEADERS);
    else
        answer_text(c, 404, "Not Found");
}

static void answer_path(struct gateway_conn *c, struct str path)
{
    struct str root = config_str(c->gw->options->config, "gateway.controlUi.root"), name = file_of(path);
    const struct ui_file *f;
    if (str_is(path, "/__openclaw/control-ui-config.json")) return answer_settings(c);
    if (str_starts(path, STR("/avatar/"))) return answer_avatar(c);
    if (root.n) return answer_root_file(c, root, name);
    f = name.n ? ui_file_find(name) : NULL;
    if (!f) f = ui_file_find(STR("index.html"));
    if (f)
        answer_file(c, f);
    else
        answer_text(c, 503, "Control UI assets not found. This binary was built without them.");
}

bool gateway_static_answer(struct gateway_conn *c, struct str path, bool get)
{
    struct str base = c->gw->cfg->control_ui_base;
    char extra[512];
    if (!c->gw->cfg->control_ui || str_starts(path, STR("/v1/"))) return false; /* API clients are told 404 in JSON */
    if (!get) {
        answer_text(c, 405, "Method Not Allowed");
    } else if (base.n == 0 && (str_is(path, "/ui") || str_starts(path, STR("/ui/")))) {
        answer_text(c, 404, "Not Found");
    } else if (base.n && str_eq(path, base)) {
        snprintf(extra, sizeof extra, "%sLocation: %.*s/\r\n", SECURITY_HEADERS, STR_ARG(str_utf8_prefix(base, 128)));
        gateway_answer(c, 302, TEXT_TYPE, (struct str){ 0 }, extra);
    } else if (base.n && !(str_starts(path, base) && path.p[base.n] == '/')) {
        answer_text(c, 404, "Not Found");
    } else {
        answer_path(c, (struct str){ path.p + base.n, path.n - base.n });
    }
    return true;
}
