/* The agent's own test: the agent as a native program, with a host that only remembers. */
#include "bottega.h"

#include <stdio.h>

static char sent[1024];
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
    check("greets", agent_handle(BOTTEGA_TEXT("{\"performative\":\"request\",\"sender\":\"smith\",\"content\":\"Ada\"}"), &why));
    check("says so", strcmp(sent, "{\"performative\":\"inform\",\"content\":\"Hello, Ada! You are number 1.\","
                                  "\"receiver\":[\"smith\"]}") == 0);
    check("logs it", logged == 1);
    check("refuses what is no name", !agent_handle(BOTTEGA_TEXT("{\"performative\":\"request\",\"content\":7}"), &why) && why.length > 0);
    bottega_text call = BOTTEGA_TEXT("{\"performative\":\"cfp\",\"sender\":\"market\",\"conversation-id\":\"cnv_1\",\"content\":\"{}\"}");
    check("bids", agent_handle(call, &why) && strstr(sent, "\"propose\"") && strstr(sent, "cnv_1") && logged == 1);
    bottega_text award = BOTTEGA_TEXT("{\"performative\":\"accept-proposal\",\"content\":\"{\\\"task\\\":\\\"greet Eve\\\"}\"}");
    check("does what it is awarded", agent_handle(award, &why) && strstr(sent, "Hello, Eve! You are number 2."));
    check("has nothing to say to a rejection",
          agent_handle(BOTTEGA_TEXT("{\"performative\":\"reject-proposal\"}"), &why) && logged == 2);
    check("has nothing to say to what it is told",
          agent_handle(BOTTEGA_TEXT("{\"performative\":\"inform\",\"content\":\"Ada\"}"), &why) && logged == 2);
    check("saves its count", agent_save(&state, &why) && state.length == 1 && state.bytes[0] == '2');
    check("takes a count over", agent_restore(BOTTEGA_TEXT("0.1.0"), BOTTEGA_TEXT("41"), &why));
    agent_handle(BOTTEGA_TEXT("{\"performative\":\"request\",\"content\":\"Bob\"}"), &why);
    check("goes on from there", strstr(sent, "number 42") != NULL);
    return failures != 0;
}
