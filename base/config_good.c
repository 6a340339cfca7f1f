#include "base/config_good.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#define LAST_GOOD "openclaw.last-good.json"

int config_good_path(const char *state_dir, char out[CONFIG_GOOD_PATH_MAX])
{
    int n = snprintf(out, CONFIG_GOOD_PATH_MAX, "%s/" LAST_GOOD, state_dir);
    return n < 0 || n >= CONFIG_GOOD_PATH_MAX ? GW_ELIMIT : 0;
}

static int write_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    bool whole = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    return close(fd) == 0 && whole ? 0 : -1;
}

void config_good_keep(const char *path, const char *state_dir)
{
    char kept_path[CONFIG_GOOD_PATH_MAX], fresh[CONFIG_GOOD_PATH_MAX + 8];
    struct buf text = { 0 }, kept = { 0 };
    if (config_good_path(state_dir, kept_path)) return;
    snprintf(fresh, sizeof fresh, "%s.new", kept_path);
    mkdir(state_dir, 0700);
    bool known = file_read(path, JSON5_TEXT_MAX, &text) == 0;
    bool same = known && file_read(kept_path, JSON5_TEXT_MAX, &kept) == 0 && str_eq(buf_str(&text), buf_str(&kept));
    if (known && !same && (write_file(fresh, buf_str(&text)) != 0 || rename(fresh, kept_path) != 0))
        log_event(LOG_WARN, "last_good_config_not_kept", LOG_T("file", kept_path), LOG_T("error", strerror(errno)));
    buf_free(&text);
    buf_free(&kept);
}

int config_good_load(const char *path, const char *state_dir, const struct env *env, config_t **out, struct config_problems *problems)
{
    char kept_path[CONFIG_GOOD_PATH_MAX];
    struct buf text = { 0 };
    *out = NULL;
    int rc = config_good_path(state_dir, kept_path);
    if (rc == 0) rc = file_read(kept_path, JSON5_TEXT_MAX, &text);
    if (rc == 0) rc = config_parse(buf_str(&text), path, env, out, problems);
    buf_free(&text);
    return rc;
}

void config_good_log(const config_t *cfg, const struct env *env, bool verbose)
{
    for (size_t i = 0; i < config_secret_count(cfg); i++) log_secret_add(config_secret_at(cfg, i));
    struct str style = config_str(cfg, "logging.consoleStyle"), format = env_get(env, "OPENCLAW_LOG_FORMAT");
    log_set_json(format.n ? str_is(format, "json") : str_is(style, "json"));
    log_set_level_name(config_str(cfg, "logging.level"));
    struct str console = config_str(cfg, "logging.consoleLevel");
    if (console.n) log_set_level_name(console);
    struct str level = env_get(env, "OPENCLAW_LOG_LEVEL");
    if (level.n) log_set_level_name(level);
    if (verbose) log_set_level(LOG_DEBUG);
}
