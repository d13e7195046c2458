use super::*;

/// Reads `text` in pieces of `size` characters and tells the story in one line.
fn story(text: &str, size: usize, stops: &[&str]) -> String {
    let mut reader = AnswerReader::new(3, stops.iter().map(|s| (*s).to_owned()).collect(), true);
    let mut events = Vec::new();
    let characters: Vec<char> = text.chars().collect();
    let mut end = "";
    for piece in characters.chunks(size) {
        let piece: String = piece.iter().collect();
        match reader.push(&piece, false, &mut events) {
            Heed::GoOn | Heed::CallBegan(..) => {}
            Heed::Finished => end = " finished",
            Heed::StopText => end = " stopped",
        }
        if !end.is_empty() {
            break;
        }
    }
    if end.is_empty() {
        reader.finish(&mut events);
    }
    let mut told = String::new();
    let mut in_text = false;
    for event in events {
        let is_text = matches!(event, StreamEvent::Text(_));
        match &event {
            StreamEvent::Text(text) => {
                told.push_str(if in_text { "" } else { "text:" });
                told.push_str(text);
            }
            StreamEvent::ToolCallStarted { id, name, .. } => {
                told.push_str(&format!("[{id} {name}]"));
            }
            StreamEvent::ToolCallDelta { arguments, .. } => told.push_str(arguments),
            StreamEvent::Started { .. }
            | StreamEvent::PromptProgress { .. }
            | StreamEvent::Reasoning(_)
            | StreamEvent::ReasoningSignature(_)
            | StreamEvent::Usage(_)
            | StreamEvent::Ended(_) => panic!("{event:?}"),
        }
        in_text = is_text;
    }
    told + end
}

/// The story is the same however the text is cut.
#[track_caller]
fn check(text: &str, stops: &[&str], expected: &str) {
    for size in [1, 2, 3, 5, 7, 1000] {
        assert_eq!(story(text, size, stops), expected, "pieces of {size}");
    }
}

#[test]
fn plain_text_passes() {
    check("a < b\n\nand <b>é</b>\n", &[], "text:a < b\n\nand <b>é</b>\n");
    check("{\"name\": 3}\n", &[], "text:{\"name\": 3}\n");
}

#[test]
fn tagged_calls_are_read() {
    check(
        "I look.\n<tool_call>\n{\"name\": \"grep\", \"arguments\": {\"p\": \"}\\\"{\", \"n\": [1]}}\n</tool_call>\n\
         <tool_call>\n{\"name\": \"ls\", \"arguments\": {}}\n</tool_call>",
        &[],
        "text:I look.[call_3_0 grep]{\"p\": \"}\\\"{\", \"n\": [1]}[call_3_1 ls]{}",
    );
}

#[test]
fn bare_calls_are_read_and_end_the_answer() {
    for lead in ["", "```json\n", "{", "<tools>\n"] {
        let text = format!("{lead}{{\"name\": \"ls\", \"arguments\": {{\"d\": \".\"}}}}\n```");
        check(&text, &[], "[call_3_0 ls]{\"d\": \".\"} finished");
    }
    check("So:\n{\"name\":\"ls\",\"arguments\":{}}", &[], "text:So:[call_3_0 ls]{} finished");
}

#[test]
fn an_unfinished_call_gives_what_it_has() {
    check(
        "<tool_call>\n{\"name\": \"ls\", \"arguments\": {\"d\": \"x",
        &[],
        "[call_3_0 ls]{\"d\": \"x",
    );
}

#[test]
fn a_stop_text_ends_the_answer_across_pieces() {
    check("one STOP two", &["STOP"], "text:one  stopped");
    check("one STO two", &["STOP"], "text:one STO two");
    check("ends with ST", &["STOP", "ST "], "text:ends with ST");
    check("é\u{1F600}END", &["END"], "text:é\u{1F600} stopped");
}
