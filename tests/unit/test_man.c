/* packaging/openclaw.1 names every command of cli/commands.def. `UPDATE_DOCS=1 test_man` writes it again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"

#define PAGE SOURCE_DIR "/packaging/openclaw.1"

static const struct {
    const char *synopsis, *about;
    bool group;
} COMMANDS[] = {
#define COMMAND(name, synopsis, about) { synopsis, about, false },
#define GROUP(name, synopsis, about) { synopsis, about, true },
#define SUBCOMMAND(command, name, synopsis, about) { synopsis, about, false },
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
};

/* A line of roff: nothing in it is a request or a hyphen. */
static void add(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\') buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static void write_page(struct buf *out)
{
    buf_text(out, ".\\\" made by tests/unit/test_man.c from cli/commands.def; UPDATE_DOCS=1 test_man writes it again\n"
                  ".TH OPENCLAW 1 \"\" \"openclaw " GW_VERSION "\" \"User Commands\"\n"
                  ".SH NAME\nopenclaw \\- AI agent gateway\n"
                  ".SH SYNOPSIS\n.B openclaw\n.I command\n[options]\n"
                  ".SH DESCRIPTION\n"
                  "One process between people and language models: it takes messages from Discord, Telegram, a browser, HTTP and the "
                  "clock, hands them to "
                  "agents, asks model providers with fallbacks, and keeps what it has accepted across a crash. It reads the configuration, "
                  "environment "
                  "variables and state of OpenClaw 2026.2.17 and speaks its protocols.\n"
                  ".PP\n.B openclaw\n.I command\n.B \\-\\-help\ntells the options of each command. Beside a running gateway none are "
                  "needed; most take\n"
                  ".BR \\-\\-json .\n.SH COMMANDS\n");
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        if (COMMANDS[i].group) continue;
        buf_text(out, ".TP\n.B openclaw ");
        add(out, COMMANDS[i].synopsis);
        buf_char(out, '\n');
        add(out, COMMANDS[i].about);
        buf_char(out, '\n');
    }
    buf_text(
        out,
        ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed; the reason is on standard error\n.TP\n.B 2\nwrong usage\n.TP\n.B 69\n"
        "unavailable: the port or the state directory is in use\n.TP\n.B 78\nthe configuration is missing, has errors, or would be unsafe\n"
        ".SH ENVIRONMENT\n.TP\n.B OPENCLAW_STATE_DIR\nwhere the store and workspaces are\n.TP\n.B OPENCLAW_CONFIG_PATH\nthe configuration "
        "file\n.TP\n.B OPENCLAW_GATEWAY_TOKEN\nwhat clients must present\n.TP\n.B OPENCLAW_GATEWAY_PORT\nthe port (18789)\n"
        ".PP\nKeys of providers and tokens of bots: docs/config.md.\n"
        ".SH FILES\n.TP\n.I /etc/openclaw/openclaw.json\nconfiguration of the service\n.TP\n.I /etc/openclaw/environment\nits keys and "
        "tokens, mode 0600\n.TP\n.I /var/lib/openclaw\nits state\n.TP\n.I /usr/share/doc/openclaw\nthe documentation: config.md, "
        "operations.md, troubleshooting.md and more\n");
}

Test(man, the_page_names_every_command)
{
    struct buf now = { 0 }, kept = { 0 };
    write_page(&now);
    if (getenv("UPDATE_DOCS")) {
        FILE *f = fopen(PAGE, "w");
        cr_assert(f && fwrite(now.p, 1, now.n, f) == now.n && fclose(f) == 0);
    }
    cr_assert_eq(file_read(PAGE, 1 << 20, &kept), 0);
    cr_expect(str_eq(buf_str(&now), buf_str(&kept)), "packaging/openclaw.1 is stale: run UPDATE_DOCS=1 test_man");
    buf_free(&now);
    buf_free(&kept);
}
