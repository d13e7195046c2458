/* Greets whoever asks, and counts how often. */
#define BOTTEGA_MAIN
#include "bottega.h"

#include <stdio.h>

static unsigned greeted;
static char answer[1024];
static char state[16];

/* What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
 * The content of a message is text, so the JSON in it is written with its quotes escaped. */
#define BID "{\\\"price\\\":1000000,\\\"takes_ms\\\":1000,\\\"confidence\\\":950}"

/* What whoever asks for something else is told. */
#define TAKES "this agent takes requests, query-refs and calls for bids"

/* The text behind `key`, up to `end`, as it stands: what is escaped stays escaped. */
static bool between(bottega_text json, const char *key, const char *end, bottega_text *value) {
    size_t key_length = strlen(key), end_length = strlen(end);
    for (size_t at = 0; at + key_length <= json.length; at++) {
        if (memcmp(json.bytes + at, key, key_length) != 0) continue;
        const char *from = json.bytes + at + key_length, *last = json.bytes + json.length, *to = from;
        while (to + end_length <= last && memcmp(to, end, end_length) != 0) to += *to == '\\' ? 2 : 1;
        if (to + end_length > last) return false;
        *value = (bottega_text){from, (size_t)(to - from)};
        return true;
    }
    return false;
}

/* The text of a JSON member. */
static bool member(bottega_text json, const char *name, bottega_text *value) {
    char key[32];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    return between(json, key, "\"", value);
}

static bool is(bottega_text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

/* Sends an answer to whoever wrote `message`, in its conversation. */
static bool reply(bottega_text message, const char *act, const char *content, bottega_text *why) {
    bottega_text sender = BOTTEGA_TEXT(""), conversation = BOTTEGA_TEXT("");
    if (member(message, "sender", &sender) && sender.length > 200) sender.length = 0;
    bool talks = member(message, "conversation-id", &conversation) && conversation.length <= 100;
    if (!talks) conversation.length = 0;
    int length = snprintf(answer, sizeof answer, "{\"performative\":\"%s\",\"content\":\"%s\",%s%.*s%s\"receiver\":[\"%.*s\"]}",
                          act, content, talks ? "\"conversation-id\":\"" : "", (int)conversation.length,
                          conversation.bytes, talks ? "\"," : "", (int)sender.length, sender.bytes);
    return bottega_send((bottega_text){answer, (size_t)length}, why);
}

/* Greets, and counts it. */
static bool greet(bottega_text message, bottega_text name, bottega_text *why) {
    static char words[300];
    snprintf(words, sizeof words, "Hello, %.*s! You are number %u.", (int)name.length, name.bytes, ++greeted);
    bottega_log(BOTTEGA_INFO, BOTTEGA_TEXT("greeted"));
    return reply(message, "inform", words, why);
}

bool agent_init(bottega_text config, bottega_text *why) {
    (void)config, (void)why;
    return true;
}

bool agent_handle(bottega_text message, bottega_text *why) {
    bottega_text act = BOTTEGA_TEXT(""), name;
    member(message, "performative", &act);
    if (is(act, "cfp")) return reply(message, "propose", BID, why);
    static const char *const others[] = {"cancel",   "propagate",    "propose",          "proxy",
                                         "query-if", "request-when", "request-whenever", "subscribe"};
    for (size_t at = 0; at < sizeof others / sizeof *others; at++) {
        if (is(act, others[at])) return reply(message, "not-understood", TAKES, why);
    }
    bool awarded = is(act, "accept-proposal");
    /* What only tells something is not answered, or two agents would go on for ever. */
    if (!awarded && !is(act, "request") && !is(act, "query-ref")) return true;
    /* An award says the task once more, in JSON within the text. */
    bool has_name = awarded ? between(message, "\\\"task\\\":\\\"", "\\\"", &name)
                            : member(message, "content", &name);
    if (!has_name || name.length > 200) {
        *why = BOTTEGA_TEXT("the content must be a name");
        return false;
    }
    if (name.length > 6 && memcmp(name.bytes, "greet ", 6) == 0) {
        name.bytes += 6;
        name.length -= 6;
    }
    return greet(message, name, why);
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
