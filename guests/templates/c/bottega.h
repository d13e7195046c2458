/* Agents and tools for Bottega in C: the worlds of wit/guest.wit by the canonical ABI, without generated code.
 *
 * An agent is agent_init, agent_handle, agent_save and agent_restore, and BOTTEGA_MAIN in one of its files; a tool is
 * tool_describe and tool_call, and BOTTEGA_TOOL. A capability below that you call is imported, and must be granted in
 * bottega.toml; the others cost nothing. In a native build (tests) there are only the declarations, and the test
 * defines what it wants to see called.
 *
 * Texts are UTF-8, not ended by a zero byte. What the host hands in lives until the function returns; what you
 * hand out must live until the next call (a static buffer does). */
#ifndef BOTTEGA_H
#define BOTTEGA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *bytes;
    size_t length;
} bottega_text;

/* So many texts in a row. */
typedef struct {
    const bottega_text *items;
    size_t count;
} bottega_texts;

/* A header of a request or of an answer. */
typedef struct {
    bottega_text name;
    bottega_text value;
} bottega_header;

/* A request to a host that `http` of bottega.toml lists. */
typedef struct {
    bottega_text method;
    bottega_text url;
    const bottega_header *headers;
    size_t header_count;
    bottega_text body;
} bottega_request;

/* What came back. A redirect is an answer like others: it is not followed. */
typedef struct {
    uint16_t status;
    const bottega_header *headers;
    size_t header_count;
    bottega_text body;
} bottega_response;

/* What stands in a folder. */
typedef struct {
    bottega_text name;
    bool folder;
} bottega_entry;

typedef struct {
    const bottega_entry *items;
    size_t count;
} bottega_entries;

/* What a tool tells of itself: its name (lower-case letters, digits, `_`), what it does and when to use it as a model should
 * read it, and the JSON Schema of its arguments. */
typedef struct {
    bottega_text name;
    bottega_text about;
    bottega_text schema;
} bottega_description;

#define BOTTEGA_TEXT(literal) ((bottega_text){(literal), sizeof(literal) - 1})

enum bottega_level { BOTTEGA_DEBUG, BOTTEGA_INFO, BOTTEGA_WARN, BOTTEGA_ERROR };

/* An agent's. False is an answer, with its reason in *why; the agent goes on. */
bool agent_init(bottega_text config, bottega_text *why);
bool agent_handle(bottega_text message, bottega_text *why);
bool agent_save(bottega_text *state, bottega_text *why);
bool agent_restore(bottega_text version, bottega_text state, bottega_text *why);

/* A tool's. Each call meets a fresh instance; to describe itself it must ask the host for nothing. False: *answer is what
 * the model reads instead. */
void tool_describe(bottega_description *description);
bool tool_call(bottega_text arguments, bottega_text *answer);

/* The host's. False is a refusal, with its reason in *why. */
bool bottega_send(bottega_text message, bottega_text *why);
bool bottega_search(bottega_text query, bottega_texts *found, bottega_text *why);
bool bottega_get(bottega_text key, bool *found, bottega_text *value, bottega_text *why);
bool bottega_set(bottega_text key, bottega_text value, bottega_text *why);
bool bottega_delete(bottega_text key, bottega_text *why);
void bottega_log(enum bottega_level level, bottega_text text);
uint64_t bottega_now(void);
uint64_t bottega_random(void);
bool bottega_fetch(const bottega_request *request, bottega_response *response, bottega_text *why);
bool bottega_ask(bottega_text instructions, bottega_text prompt, uint32_t longest, bottega_text *answer,
                 bottega_text *why);
uint64_t bottega_remaining(void); /* tokens of the model's budget */
bool bottega_call(bottega_text tool, bottega_text arguments, bottega_text *answer, bottega_text *why);
bool bottega_read(bottega_text path, bottega_text *bytes, bottega_text *why);
bool bottega_write(bottega_text path, bottega_text bytes, bottega_text *why);
bool bottega_remove(bottega_text path, bottega_text *why);
bool bottega_list(bottega_text folder, bottega_entries *entries, bottega_text *why);

#ifdef __wasm__

#define BOTTEGA_IMPORT(interface, name) \
    __attribute__((import_module("bottega:guest/" interface "@0.1.0"), import_name(name))) extern
#define BOTTEGA_EXPORT(name) __attribute__((export_name(name), used))
#define BOTTEGA_BEHAVIOUR(name) BOTTEGA_EXPORT("bottega:guest/behaviour@0.1.0#" name)
#define BOTTEGA_CALLABLE(name) BOTTEGA_EXPORT("bottega:guest/callable@0.1.0#" name)
#define BOTTEGA_AFTER(name) BOTTEGA_EXPORT("cabi_post_bottega:guest/" name)

/* Room for any answer of the host: a case, then its payload. */
typedef struct {
    _Alignas(8) uint8_t bytes[40];
} bottega_area;

static inline bottega_text bottega_text_at(const bottega_area *area, size_t at) {
    bottega_text text;
    memcpy(&text.bytes, area->bytes + at, 4);
    memcpy(&text.length, area->bytes + at + 4, 4);
    return text;
}

static inline size_t bottega_size_at(const bottega_area *area, size_t at) {
    size_t size;
    memcpy(&size, area->bytes + at, 4);
    return size;
}

/* Whether it is the good case. Else the reason, behind the refusal's own case. */
static inline bool bottega_told(const bottega_area *area, size_t payload, bottega_text *why) {
    if (area->bytes[0] == 0) return true;
    *why = bottega_text_at(area, payload + 4);
    return false;
}

BOTTEGA_IMPORT("send", "send") void bottega_raw_send(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("directory", "search") void bottega_raw_search(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("key-value", "get") void bottega_raw_get(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("key-value", "set") void bottega_raw_set(const char *, size_t, const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("key-value", "delete") void bottega_raw_delete(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("log", "write") void bottega_raw_log(int32_t, const char *, size_t);
BOTTEGA_IMPORT("clock", "now") uint64_t bottega_raw_now(void);
BOTTEGA_IMPORT("random", "bits") uint64_t bottega_raw_bits(void);
BOTTEGA_IMPORT("http", "fetch")
void bottega_raw_fetch(const char *, size_t, const char *, size_t, const bottega_header *, size_t, const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("model", "ask")
void bottega_raw_ask(int32_t, const char *, size_t, const char *, size_t, const char *, size_t, uint32_t, bottega_area *);
BOTTEGA_IMPORT("model", "remaining") uint64_t bottega_raw_remaining(void);
BOTTEGA_IMPORT("tools", "call") void bottega_raw_call(const char *, size_t, const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("files", "read") void bottega_raw_read(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("files", "write") void bottega_raw_write(const char *, size_t, const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("files", "remove") void bottega_raw_remove(const char *, size_t, bottega_area *);
BOTTEGA_IMPORT("files", "list") void bottega_raw_list(const char *, size_t, bottega_area *);

inline bool bottega_send(bottega_text message, bottega_text *why) {
    bottega_area area;
    bottega_raw_send(message.bytes, message.length, &area);
    return bottega_told(&area, 4, why);
}

inline bool bottega_search(bottega_text query, bottega_texts *found, bottega_text *why) {
    bottega_area area;
    bottega_raw_search(query.bytes, query.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    *found = (bottega_texts){(const bottega_text *)bottega_size_at(&area, 4), bottega_size_at(&area, 8)};
    return true;
}

inline bool bottega_get(bottega_text key, bool *found, bottega_text *value, bottega_text *why) {
    bottega_area area;
    bottega_raw_get(key.bytes, key.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    *found = area.bytes[4] == 1;
    if (*found) *value = bottega_text_at(&area, 8);
    return true;
}

inline bool bottega_set(bottega_text key, bottega_text value, bottega_text *why) {
    bottega_area area;
    bottega_raw_set(key.bytes, key.length, value.bytes, value.length, &area);
    return bottega_told(&area, 4, why);
}

inline bool bottega_delete(bottega_text key, bottega_text *why) {
    bottega_area area;
    bottega_raw_delete(key.bytes, key.length, &area);
    return bottega_told(&area, 4, why);
}

inline void bottega_log(enum bottega_level level, bottega_text text) {
    bottega_raw_log((int32_t)level, text.bytes, text.length);
}

inline uint64_t bottega_now(void) { return bottega_raw_now(); }

inline uint64_t bottega_random(void) { return bottega_raw_bits(); }

inline bool bottega_fetch(const bottega_request *request, bottega_response *response, bottega_text *why) {
    bottega_area area;
    bottega_raw_fetch(request->method.bytes, request->method.length, request->url.bytes, request->url.length,
                      request->headers, request->header_count, request->body.bytes, request->body.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    memcpy(&response->status, area.bytes + 4, 2);
    response->headers = (const bottega_header *)bottega_size_at(&area, 8);
    response->header_count = bottega_size_at(&area, 12);
    response->body = bottega_text_at(&area, 16);
    return true;
}

inline uint64_t bottega_remaining(void) { return bottega_raw_remaining(); }

inline bool bottega_ask(bottega_text instructions, bottega_text prompt, uint32_t longest, bottega_text *answer,
                        bottega_text *why) {
    bottega_area area;
    bottega_raw_ask(0, NULL, 0, instructions.bytes, instructions.length, prompt.bytes, prompt.length, longest, &area);
    if (!bottega_told(&area, 8, why)) return false;
    *answer = bottega_text_at(&area, 8);
    return true;
}

inline bool bottega_call(bottega_text tool, bottega_text arguments, bottega_text *answer, bottega_text *why) {
    bottega_area area;
    bottega_raw_call(tool.bytes, tool.length, arguments.bytes, arguments.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    *answer = bottega_text_at(&area, 4);
    return true;
}

inline bool bottega_read(bottega_text path, bottega_text *bytes, bottega_text *why) {
    bottega_area area;
    bottega_raw_read(path.bytes, path.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    *bytes = bottega_text_at(&area, 4);
    return true;
}

inline bool bottega_write(bottega_text path, bottega_text bytes, bottega_text *why) {
    bottega_area area;
    bottega_raw_write(path.bytes, path.length, bytes.bytes, bytes.length, &area);
    return bottega_told(&area, 4, why);
}

inline bool bottega_remove(bottega_text path, bottega_text *why) {
    bottega_area area;
    bottega_raw_remove(path.bytes, path.length, &area);
    return bottega_told(&area, 4, why);
}

inline bool bottega_list(bottega_text folder, bottega_entries *entries, bottega_text *why) {
    bottega_area area;
    bottega_raw_list(folder.bytes, folder.length, &area);
    if (!bottega_told(&area, 4, why)) return false;
    *entries = (bottega_entries){(const bottega_entry *)bottega_size_at(&area, 4), bottega_size_at(&area, 8)};
    return true;
}

/* In one file, before this header: #define BOTTEGA_MAIN for an agent, BOTTEGA_TOOL for a tool. */
#if defined BOTTEGA_MAIN || defined BOTTEGA_TOOL

/* What the host hands in during one call, the last first: given back when the call ends. */
typedef struct bottega_loan {
    _Alignas(16) struct bottega_loan *before;
} bottega_loan;
static bottega_loan *bottega_handed;

BOTTEGA_EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
    (void)old_size; /* malloc aligns to 16, more than any type here. */
    if (size == 0) return (void *)alignment;
    bottega_loan *loan = old == NULL ? malloc(sizeof *loan + size) : NULL;
    /* No memory, or a text that grows, which one in UTF-8 never does: nothing sensible can follow. */
    if (loan == NULL) __builtin_trap();
    loan->before = bottega_handed;
    bottega_handed = loan;
    return loan + 1;
}

static void bottega_give_back(void) {
    while (bottega_handed != NULL) {
        bottega_loan *loan = bottega_handed;
        bottega_handed = loan->before;
        free(loan);
    }
}

static bottega_area bottega_result;

/* result<_, string>, or result<list<u8>, string>. The host reads it before it calls for the end. */
static bottega_area *bottega_answer(bool good, bottega_text payload) {
    bottega_result.bytes[0] = good ? 0 : 1;
    memcpy(bottega_result.bytes + 4, &payload.bytes, 4);
    memcpy(bottega_result.bytes + 8, &payload.length, 4);
    return &bottega_result;
}

#endif

#ifdef BOTTEGA_MAIN

BOTTEGA_BEHAVIOUR("init") bottega_area *bottega_init(const char *config, size_t length) {
    bottega_text why = {"", 0};
    bool good = agent_init((bottega_text){config, length}, &why);
    return bottega_answer(good, why);
}

BOTTEGA_BEHAVIOUR("handle-message") bottega_area *bottega_handle(const char *message, size_t length) {
    bottega_text why = {"", 0};
    bool good = agent_handle((bottega_text){message, length}, &why);
    return bottega_answer(good, why);
}

BOTTEGA_BEHAVIOUR("save-state") bottega_area *bottega_save(void) {
    bottega_text state = {"", 0}, why = {"", 0};
    bool good = agent_save(&state, &why);
    return bottega_answer(good, good ? state : why);
}

BOTTEGA_BEHAVIOUR("restore-state")
bottega_area *bottega_restore(const char *version, size_t version_length, const char *state, size_t length) {
    bottega_text why = {"", 0};
    bool good = agent_restore((bottega_text){version, version_length}, (bottega_text){state, length}, &why);
    return bottega_answer(good, why);
}

BOTTEGA_AFTER("behaviour@0.1.0#init") void bottega_post_init(bottega_area *area) { (void)area, bottega_give_back(); }
BOTTEGA_AFTER("behaviour@0.1.0#handle-message") void bottega_post_handle(bottega_area *area) {
    (void)area, bottega_give_back();
}
BOTTEGA_AFTER("behaviour@0.1.0#save-state") void bottega_post_save(bottega_area *area) {
    (void)area, bottega_give_back();
}
BOTTEGA_AFTER("behaviour@0.1.0#restore-state") void bottega_post_restore(bottega_area *area) {
    (void)area, bottega_give_back();
}

#endif /* BOTTEGA_MAIN */

#ifdef BOTTEGA_TOOL

BOTTEGA_CALLABLE("describe") bottega_area *bottega_describe(void) {
    bottega_description told = {{"", 0}, {"", 0}, {"", 0}};
    tool_describe(&told);
    memcpy(bottega_result.bytes, &told, sizeof told);
    return &bottega_result;
}

BOTTEGA_CALLABLE("call") bottega_area *bottega_call_tool(const char *arguments, size_t length) {
    bottega_text answer = {"", 0};
    bool good = tool_call((bottega_text){arguments, length}, &answer);
    return bottega_answer(good, answer);
}

BOTTEGA_AFTER("callable@0.1.0#describe") void bottega_post_describe(bottega_area *area) {
    (void)area, bottega_give_back();
}
BOTTEGA_AFTER("callable@0.1.0#call") void bottega_post_call(bottega_area *area) { (void)area, bottega_give_back(); }

#endif /* BOTTEGA_TOOL */
#endif /* __wasm__ */
#endif /* BOTTEGA_H */
