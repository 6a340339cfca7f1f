/* Stored rows of devices: what loads is written again, and that loads as the same. */
#include "channels/devices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(devices_t *devices, struct buf *out)
{
    devices_write_list(devices, 1, out);
    json_t *json = json_loadb(out->p, out->n, 0, NULL);
    if (!json) __builtin_trap();
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct str id = str_split(&rest, '\n');
    for (int kind = 0; kind < DEVICE_ROWS; kind++) {
        struct device_change change;
        struct buf row = { 0 }, before = { 0 }, after = { 0 };
        devices_t *devices, *again;
        if (devices_create(&devices) != 0 || devices_create(&again) != 0) return 0;
        if (devices_load_row(devices, (enum device_row)kind, id, rest) == 0 && kind == DEVICE_ROW_PAIRED) {
            json_t *json = json_loadb(rest.p, rest.n, 0, NULL);
            struct str device = str_of(json_string_value(json_object_get(json, "deviceId")));
            devices_change_failed(devices, &(struct device_change){ .kind = DEVICE_ROW_PAIRED });
            devices_revoke(devices, device, STR("operator"), 1); /* marks the row */
            devices_revoke(devices, device, STR("node"), 1);
            while (devices_take_change(devices, &change, &row))
                if (row.n && devices_load_row(again, change.kind, str_of(change.id), buf_str(&row)) != 0) __builtin_trap();
            list(devices, &before);
            list(again, &after);
            if (devices_paired_count(again) && !str_eq(buf_str(&before), buf_str(&after))) __builtin_trap();
            json_decref(json);
        }
        buf_free(&row), buf_free(&before), buf_free(&after);
        devices_destroy(&devices);
        devices_destroy(&again);
    }
    return 0;
}
