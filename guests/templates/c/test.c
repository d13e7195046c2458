/* The agent's own test: the agent as a native program, with a host that only remembers. */
#include "bottega.h"

#include <stdio.h>

static char sent[512];
static unsigned logged;

bool bottega_send(bottega_text message, bottega_text *why) {
    (void)why;
    snprintf(sent, sizeof sent, "%.*s", (int)message.length, message.bytes);
    return true;
}

void bottega_log(enum bottega_level level, bottega_text text) { (void)level, (void)text, logged++; }

static int failures;

static void check(const char *what, bool good) {
    printf("%s %s\n", good ? "ok    " : "FAILED", what);
    failures += !good;
}

int main(void) {
    bottega_text why = {"", 0}, state = {"", 0};
    check("starts", agent_init(BOTTEGA_TEXT("{}"), &why));
    check("greets", agent_handle(BOTTEGA_TEXT("{\"sender\":\"smith\",\"content\":\"Ada\"}"), &why));
    check("says so", strcmp(sent, "{\"performative\":\"inform\",\"content\":\"Hello, Ada! You are number 1.\","
                                  "\"receiver\":[\"smith\"]}") == 0);
    check("logs it", logged == 1);
    check("refuses what is no name", !agent_handle(BOTTEGA_TEXT("{\"content\":7}"), &why) && why.length > 0);
    check("saves its count", agent_save(&state, &why) && state.length == 1 && state.bytes[0] == '1');
    check("takes a count over", agent_restore(BOTTEGA_TEXT("0.1.0"), BOTTEGA_TEXT("41"), &why));
    agent_handle(BOTTEGA_TEXT("{\"content\":\"Bob\"}"), &why);
    check("goes on from there", strstr(sent, "number 42") != NULL);
    return failures != 0;
}
