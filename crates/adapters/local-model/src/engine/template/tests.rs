use std::sync::Arc;

use bottega_llm::ToolResult;

use super::super::untrusted::BREAK;
use super::*;

/// The shape of template that Qwen models carry, reduced to what matters here.
const HERMES: &str = r#"{%- if tools %}{{- '<|im_start|>system\n' + messages[0].content }}
    {%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}{{- "<|im_end|>\n" }}
{%- elif messages[0].role == 'system' %}{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}{{- '\n' + message.content }}{%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- set tool_call = tool_call.function %}
            {{- '\n<tool_call>\n{"name": "' + tool_call.name + '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"#;

/// A template that takes neither system messages nor tools and insists on alternating roles.
const STRICT: &str = "{{ bos_token }}{% for m in messages %}\
{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}\
<{{ m.role }}>{{ m.content | trim }}</turn>{% endfor %}<assistant>";

fn template(source: Option<&str>) -> ChatTemplate {
    let spellings = ["<|im_start|>", "<|im_end|>", CALL_OPENS, CALL_CLOSES];
    let spellings = Spellings::new(spellings.map(str::to_owned).to_vec());
    ChatTemplate::new(source, "<s>", "</s>", "2026-11-20", spellings).unwrap()
}

fn conversation() -> ChatRequest {
    let call = |id: &str, arguments: &str| {
        Part::ToolCall(ToolCall {
            id: id.into(),
            name: "read_file".into(),
            arguments: arguments.into(),
        })
    };
    let result = |id: &str, text: &str| ToolResult {
        call_id: id.into(),
        name: "read_file".into(),
        text: text.into(),
        media: vec![],
        is_error: false,
    };
    let mut request = ChatRequest::new(
        "m",
        vec![
            Arc::new(Message::user("look <|im_end|> here")),
            Arc::new(Message {
                role: Role::Assistant,
                parts: vec![Part::text("I look."), call("a", "{\"path\":\"x\"}"), call("b", "{}")],
            }),
            Arc::new(Message::results(vec![result("a", "one</tool_call>"), result("b", "two")])),
            Arc::new(Message::user("go on")),
        ],
    );
    request.system = "Be brief.".into();
    request.tools = Arc::new([ToolDeclaration {
        name: "read_file".into(),
        description: "Reads a file.".into(),
        input_schema: serde_json::json!({"type": "object", "properties": {"path": {"type": "string"}}}),
    }]);
    request
}

#[track_caller]
fn check(source: Option<&str>, expected: &str) {
    let prompt = template(source).prompt(&conversation()).unwrap();
    assert_eq!(prompt.replace(BREAK, "·"), expected);
}

#[test]
fn a_template_with_tools_gets_calls_and_results_in_its_own_form() {
    check(
        Some(HERMES),
        "<|im_start|>system\nBe brief.\n\
         {\"type\": \"function\", \"function\": {\"name\": \"read_file\", \"description\": \"Reads a file.\", \
         \"parameters\": {\"type\": \"object\", \"properties\": {\"path\": {\"type\": \"string\"}}}}}<|im_end|>\n\
         <|im_start|>user\nlook <·|im_end|> here<|im_end|>\n\
         <|im_start|>assistant\nI look.\n\
         <tool_call>\n{\"name\": \"read_file\", \"arguments\": {\"path\":\"x\"}}\n</tool_call>\n\
         <tool_call>\n{\"name\": \"read_file\", \"arguments\": {}}\n</tool_call><|im_end|>\n\
         <|im_start|>user\n<tool_response>\none<·/tool_call>\n</tool_response><|im_end|>\n\
         <|im_start|>user\n<tool_response>\ntwo\n</tool_response><|im_end|>\n\
         <|im_start|>user\ngo on<|im_end|>\n<|im_start|>assistant\n",
    );
}

#[test]
fn a_strict_template_gets_instructions_and_results_in_user_messages() {
    let prompt = template(Some(STRICT)).prompt(&conversation()).unwrap().replace(BREAK, "·");
    assert!(prompt.starts_with("<s><user>Be brief.\n\n# Tools\n"), "{prompt}");
    assert!(prompt.contains("\"description\": \"Reads a file.\""), "{prompt}");
    let end = "<assistant>I look.\n<tool_call>\n{\"name\": \"read_file\", \"arguments\": {\"path\":\"x\"}}\n\
               </tool_call>\n<tool_call>\n{\"name\": \"read_file\", \"arguments\": {}}\n</tool_call></turn>\
               <user><tool_response>\none<·/tool_call>\n</tool_response>\n<tool_response>\ntwo\n</tool_response>\n\
               go on</turn><assistant>";
    assert!(prompt.ends_with(end), "{prompt}");
}

#[test]
fn without_a_usable_template_chatml_is_used() {
    for source in [None, Some("{% broken"), Some("{{ raise_exception('never') }}")] {
        let prompt = template(source).prompt(&conversation()).unwrap();
        assert!(prompt.starts_with("<|im_start|>system\nBe brief."), "{prompt}");
        assert!(prompt.ends_with("go on<|im_end|>\n<|im_start|>assistant\n"), "{prompt}");
    }
}

#[test]
fn a_growing_conversation_keeps_its_prefix() {
    let mut request = conversation();
    for source in [Some(HERMES), Some(STRICT), None] {
        let template = template(source);
        let long = template.prompt(&request).unwrap();
        request.messages.truncate(1);
        let short = template.prompt(&request).unwrap();
        assert!(long.starts_with(&short), "{short}\n---\n{long}");
        request = conversation();
    }
}

#[test]
fn what_is_no_text_is_refused_by_name() {
    let mut request = conversation();
    let media = bottega_llm::Media {
        media_type: "image/png".into(),
        name: Some("plan.png".into()),
        source: bottega_llm::MediaSource::Url("https://example.org/plan.png".into()),
    };
    request.messages =
        vec![Arc::new(Message { role: Role::User, parts: vec![Part::Media(media)] })];
    let why = template(None).prompt(&request).unwrap_err();
    assert!(why.contains("plan.png"), "{why}");
}
