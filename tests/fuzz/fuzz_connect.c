/* A connect as anybody may send it. Lines: Origin, Host, client address, nonce, then the JSON of the parameters. The text of the
 * keys and signatures in it goes through device_key.c. */
#include "channels/connect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct connect_params *p, struct connect_facts *f)
{
    struct connect_verdict v;
    devices_t *devices;
    if (devices_create(&devices) != 0) return;
    connect_judge(p, f, devices, &v);
    if (v.accepted == (v.close_code != 0)) __builtin_trap();                                         /* one or the other */
    if (v.accepted && f->mode == CONFIG_AUTH_TOKEN && !str_is(p->token, "shared")) __builtin_trap(); /* nobody guesses a way in */
    if (v.accepted && !f->local && f->mode == CONFIG_AUTH_NONE) __builtin_trap();
    if (!v.accepted && (!v.code || !v.message[0] || !str_utf8_valid(str_of(v.close_reason)))) __builtin_trap();
    connect_verdict_free(&v);
    devices_destroy(&devices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str allowed[] = { { "https://ui.example.com", 22 } };
    struct str rest = { (const char *)data, size };
    struct connect_facts f = { .token = STR("shared"), .allowed_origins = allowed, .allowed_origin_count = 1 };
    struct connect_params p;
    struct buf why = { 0 };
    f.origin = str_split(&rest, '\n');
    f.host = str_split(&rest, '\n');
    f.address = str_split(&rest, '\n');
    f.nonce = str_split(&rest, '\n');
    const struct connect_place place = { f.address, f.host, size % 2, size % 3 == 0 };
    f.local = connect_is_local(&place);
    connect_host_allowed(f.host, allowed, 1);
    json_t *params = rest.n ? json_loadb(rest.p, rest.n, 0, NULL) : NULL;
    if (params && connect_read(params, &p, &why) == 0) {
        f.now_ms = p.signed_at_ms;
        for (f.mode = CONFIG_AUTH_NONE; f.mode <= CONFIG_AUTH_TRUSTED_PROXY; f.mode++) judge(&p, &f);
    }
    json_decref(params);
    buf_free(&why);
    return 0;
}
