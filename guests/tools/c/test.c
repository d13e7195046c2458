/* The tool's own test: the tool as a native program. */
#include "bottega.h"

#include <stdio.h>

static int failures;

static void check(const char *arguments, bool good, const char *expected) {
    bottega_text answer = {"", 0};
    bool did = tool_call((bottega_text){arguments, strlen(arguments)}, &answer);
    bool same = did == good && answer.length == strlen(expected) && memcmp(answer.bytes, expected, answer.length) == 0;
    printf("%s %s\n", same ? "ok    " : "FAILED", arguments);
    failures += !same;
}

int main(void) {
    bottega_description told;
    tool_describe(&told);
    failures += told.name.length == 0 || told.schema.length == 0;
    check("{\"text\":\"a b c\"}", true, "3 words");
    check("{\"text\": \" one\\n\\ttwo \\\"three\\\" \"}", true, "3 words");
    check("{\"text\":\"\"}", true, "0 words");
    check("{\"text\":7}", false, "`text` must be a text");
    check("{}", false, "`text` must be a text");
    check("{\"text\":\"a\\", false, "`text` must be a text");
    return failures != 0;
}
