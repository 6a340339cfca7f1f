#include "base/config_shared.h"

#include <pthread.h>

/* The program's one shared slot: everything behind it never changes, so that a lock is held for a few instructions only. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static config_t *in_force;
static int64_t last_generation;
static char note_text[CONFIG_SHARED_TEXT_MAX + 1], restart_text[CONFIG_SHARED_TEXT_MAX + 1];

static void put(char into[CONFIG_SHARED_TEXT_MAX + 1], struct str text)
{
    str_copy(into, CONFIG_SHARED_TEXT_MAX + 1, str_utf8_prefix(text, CONFIG_SHARED_TEXT_MAX)); /* cut: it fits */
}

void config_shared_set(config_t *cfg)
{
    config_t *mine = config_ref(cfg);
    pthread_mutex_lock(&lock);
    config_t *before = in_force;
    in_force = mine;
    last_generation++;
    note_text[0] = '\0';
    pthread_mutex_unlock(&lock);
    config_unref(&before); /* may free much: not under the lock */
}

config_t *config_shared_get(int64_t *generation)
{
    pthread_mutex_lock(&lock);
    config_t *cfg = in_force ? config_ref(in_force) : NULL;
    if (generation) *generation = last_generation;
    pthread_mutex_unlock(&lock);
    return cfg;
}

bool config_shared_take(config_t **cfg_p, int64_t *generation)
{
    config_t *before = NULL;
    pthread_mutex_lock(&lock);
    bool newer = in_force && last_generation != *generation;
    if (newer) {
        before = *cfg_p;
        *cfg_p = config_ref(in_force);
        *generation = last_generation;
    }
    pthread_mutex_unlock(&lock);
    config_unref(&before);
    return newer;
}

void config_shared_set_note(struct str note)
{
    pthread_mutex_lock(&lock);
    put(note_text, note);
    last_generation++;
    pthread_mutex_unlock(&lock);
}

void config_shared_set_restart(struct str paths)
{
    pthread_mutex_lock(&lock);
    put(restart_text, paths);
    pthread_mutex_unlock(&lock);
}

void config_shared_texts(struct buf *note, struct buf *restart)
{
    char copies[2][CONFIG_SHARED_TEXT_MAX + 1];
    pthread_mutex_lock(&lock);
    memcpy(copies[0], note_text, sizeof copies[0]);
    memcpy(copies[1], restart_text, sizeof copies[1]);
    pthread_mutex_unlock(&lock);
    if (note) buf_text(note, copies[0]);
    if (restart) buf_text(restart, copies[1]);
}
