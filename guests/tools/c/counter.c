/* Counts the words of a text. */
#define BOTTEGA_TOOL
#include "bottega.h"

#include <ctype.h>
#include <stdio.h>

void tool_describe(bottega_description *told) {
    told->name = BOTTEGA_TEXT("word_count");
    told->about = BOTTEGA_TEXT("Counts the words of a text.");
    told->schema = BOTTEGA_TEXT("{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}");
}

/* The text of the one argument, as it stands in the JSON: what is escaped stays escaped. */
static bool argument(bottega_text json, bottega_text *value) {
    static const char key[] = "\"text\"";
    const char *last = json.bytes + json.length;
    for (const char *at = json.bytes; at + sizeof key - 1 <= last; at++) {
        if (memcmp(at, key, sizeof key - 1) != 0) continue;
        at += sizeof key - 1;
        while (at < last && (isspace((unsigned char)*at) || *at == ':')) at++;
        if (at == last || *at != '"') return false;
        const char *from = ++at;
        while (at < last && *at != '"') at += *at == '\\' ? 2 : 1;
        if (at >= last) return false;
        *value = (bottega_text){from, (size_t)(at - from)};
        return true;
    }
    return false;
}

bool tool_call(bottega_text arguments, bottega_text *answer) {
    static char words[40];
    bottega_text text;
    if (!argument(arguments, &text)) {
        *answer = BOTTEGA_TEXT("`text` must be a text");
        return false;
    }
    unsigned count = 0;
    bool inside = false;
    for (size_t at = 0; at < text.length; at++) {
        /* A line break or a tab is written `\n`, `\r` or `\t` in JSON. */
        bool escaped = text.bytes[at] == '\\' && at + 1 < text.length;
        bool space = escaped ? strchr("nrt", text.bytes[at + 1]) != NULL : isspace((unsigned char)text.bytes[at]) != 0;
        at += escaped;
        count += !space && !inside;
        inside = !space;
    }
    *answer = (bottega_text){words, (size_t)snprintf(words, sizeof words, "%u words", count)};
    return true;
}
