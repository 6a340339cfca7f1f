#include "actors/session_settings.h"

#define YES_NO "true=on|yes=on|1=on|enable=on|enabled=on|false=off|no=off|0=off|disable=off|disabled=off"

const struct session_setting session_setting_thinking = {
    "thinkingLevel",
    "off|minimal|low|medium|high|xhigh",
    "on=low|enable=low|enabled=low|min=minimal|think=minimal|thinkhard=low|think-hard=low|mid=medium|med=medium|thinkharder=medium|"
    "harder=medium|ultra=high|ultrathink=high|thinkhardest=high|highest=high|max=high|x-high=xhigh|extra-high=xhigh",
    false,
    "invalid thinkingLevel (use off|minimal|low|medium|high)",
};

const struct session_setting session_settings[] = {
    { "verboseLevel", "on|off|full", YES_NO "|minimal=on|all=full|everything=full", false, "invalid verboseLevel (use \"on\"|\"off\")" },
    { "reasoningLevel", "on|off|stream", YES_NO "|show=on|visible=on|hide=off|hidden=off|streaming=stream|draft=stream|live=stream", true,
      "invalid reasoningLevel (use \"on\"|\"off\"|\"stream\")" },
    { "responseUsage", "off|tokens|full", "on=tokens", true, "invalid responseUsage (use \"off\"|\"tokens\"|\"full\")" },
    { "elevatedLevel", "on|off|ask|full", YES_NO "|prompt=ask|approval=ask|approve=ask|auto=full|auto-approve=full", false,
      "invalid elevatedLevel (use \"on\"|\"off\"|\"ask\"|\"full\")" },
    { "execHost", "sandbox|gateway|node", "", false, "invalid execHost (use \"sandbox\"|\"gateway\"|\"node\")" },
    { "execSecurity", "deny|allowlist|full", "", false, "invalid execSecurity (use \"deny\"|\"allowlist\"|\"full\")" },
    { "execAsk", "off|on-miss|always", "", false, "invalid execAsk (use \"off\"|\"on-miss\"|\"always\")" },
    { "sendPolicy", "allow|deny", "", false, "invalid sendPolicy (use \"allow\"|\"deny\")" },
    { "groupActivation", "mention|always", "", false, "invalid groupActivation (use \"mention\"|\"always\")" },
    { "queueMode", "steer|followup|collect|steer-backlog|interrupt",
      "queue=steer|queued=steer|steering=steer|follow-up=followup|follow-ups=followup|coalesce=collect|steer+backlog=steer-backlog|"
      "interrupts=interrupt",
      false, "invalid queueMode (use steer|followup|collect|steer-backlog|interrupt)" },
    { NULL, NULL, NULL, false, NULL },
};

const char *session_setting_word(const struct session_setting *setting, struct str text, char *into, size_t cap)
{
    struct str words = str_of(setting->words), aliases = str_of(setting->aliases);
    text = str_trim(text);
    while (words.n) {
        struct str word = str_split(&words, '|');
        if (str_ieq(word, text)) return str_copy(into, cap, word) == 0 ? into : NULL;
    }
    while (aliases.n) {
        struct str word = str_split(&aliases, '|');
        if (str_ieq(str_split(&word, '='), text)) return str_copy(into, cap, word) == 0 ? into : NULL;
    }
    return NULL;
}

bool session_takes_xhigh(struct str provider, struct str model)
{
    static const char *const refs[] = { "openai/gpt-5.2",
                                        "openai-codex/gpt-5.3-codex",
                                        "openai-codex/gpt-5.2-codex",
                                        "openai-codex/gpt-5.1-codex",
                                        "github-copilot/gpt-5.2-codex",
                                        "github-copilot/gpt-5.2" };
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
        struct str rest = str_of(refs[i]);
        if (str_eq(str_split(&rest, '/'), provider) && str_eq(rest, model)) return true;
    }
    return false;
}
