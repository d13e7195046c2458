/* Greets whoever asks, and counts how often. */
#define BOTTEGA_MAIN
#include "bottega.h"

#include <stdio.h>

static unsigned greeted;
static char answer[512];
static char state[16];

/* The text of a JSON member, as it stands between its quotes; what is escaped stays escaped. */
static bool member(bottega_text json, const char *name, bottega_text *value) {
    char key[32];
    size_t key_length = (size_t)snprintf(key, sizeof key, "\"%s\":\"", name);
    for (size_t at = 0; at + key_length <= json.length; at++) {
        if (memcmp(json.bytes + at, key, key_length) != 0) continue;
        const char *from = json.bytes + at + key_length, *end = json.bytes + json.length, *to = from;
        while (to < end && *to != '"') to += *to == '\\' ? 2 : 1;
        if (to >= end) return false;
        *value = (bottega_text){from, (size_t)(to - from)};
        return true;
    }
    return false;
}

bool agent_init(bottega_text config, bottega_text *why) {
    (void)config, (void)why;
    return true;
}

bool agent_handle(bottega_text message, bottega_text *why) {
    bottega_text name, sender = BOTTEGA_TEXT("");
    if (!member(message, "content", &name) || name.length > 200) {
        *why = BOTTEGA_TEXT("the content must be a name");
        return false;
    }
    if (member(message, "sender", &sender) && sender.length > 200) sender.length = 0;
    int length = snprintf(answer, sizeof answer,
                          "{\"performative\":\"inform\",\"content\":\"Hello, %.*s! You are number %u.\","
                          "\"receiver\":[\"%.*s\"]}",
                          (int)name.length, name.bytes, ++greeted, (int)sender.length, sender.bytes);
    bottega_log(BOTTEGA_INFO, BOTTEGA_TEXT("greeted"));
    return bottega_send((bottega_text){answer, (size_t)length}, why);
}

bool agent_save(bottega_text *saved, bottega_text *why) {
    (void)why;
    *saved = (bottega_text){state, (size_t)snprintf(state, sizeof state, "%u", greeted)};
    return true;
}

bool agent_restore(bottega_text version, bottega_text saved, bottega_text *why) {
    (void)version;
    unsigned number = 0;
    for (size_t at = 0; at < saved.length; at++) {
        if (saved.bytes[at] < '0' || saved.bytes[at] > '9') {
            *why = BOTTEGA_TEXT("the state is no number");
            return false;
        }
        number = number * 10 + (unsigned)(saved.bytes[at] - '0');
    }
    greeted = number;
    return true;
}
