//! How many tokens a prompt can have at most.

use std::sync::Arc;

use bottega_llm::{ChatRequest, Message, OutputFormat, Part};
use bottega_types::Tokens;

/// What a provider may add of its own: its template, and its instructions about tools.
const FRAME: usize = 1_024;
const FRAME_OF_MESSAGE: usize = 32;
const FRAME_OF_TOOL: usize = 96;

/// An upper bound of the prompt's tokens: no tokenizer makes more tokens than bytes. `None` when the request
/// holds images or documents, whose tokens no count of bytes bounds.
pub(crate) fn of_prompt(request: &ChatRequest) -> Option<Tokens> {
    let mut bytes = FRAME + request.system.len();
    bytes += of_messages(&request.messages)?;
    for tool in request.tools.iter() {
        bytes += FRAME_OF_TOOL + tool.name.len() + tool.description.len();
        bytes += tool.input_schema.to_string().len();
    }
    if let OutputFormat::JsonSchema { name, schema } = &request.output {
        bytes += name.len() + schema.to_string().len();
    }
    Some(Tokens::new(bytes as u64))
}

/// The bytes of some messages, with what a provider may add to each.
pub(crate) fn of_messages(messages: &[Arc<Message>]) -> Option<usize> {
    messages.iter().map(|message| of_message(message)).sum()
}

fn of_message(message: &Message) -> Option<usize> {
    let mut bytes = FRAME_OF_MESSAGE;
    for part in &message.parts {
        bytes += match part {
            Part::Text { text } => text.len(),
            Part::Media(_) => return None,
            Part::ToolCall(call) => {
                FRAME_OF_MESSAGE + call.id.len() + call.name.len() + call.arguments.len()
            }
            Part::ToolResult(result) if !result.media.is_empty() => return None,
            Part::ToolResult(result) => {
                FRAME_OF_MESSAGE + result.call_id.len() + result.name.len() + result.text.len()
            }
            Part::Reasoning { text, signature } => {
                text.len() + signature.as_ref().map_or(0, String::len)
            }
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_llm::{Media, MediaSource, Role};

    fn request(parts: Vec<Part>) -> ChatRequest {
        ChatRequest::new("m", vec![Arc::new(Message { role: Role::User, parts })])
    }

    #[test]
    fn every_byte_counts() {
        let empty = of_prompt(&request(Vec::new())).unwrap();
        let full = of_prompt(&request(vec![Part::text("häuser")])).unwrap();
        assert_eq!(full.get() - empty.get(), 7);
    }

    #[test]
    fn pictures_have_no_bound() {
        let source = MediaSource::Url("https://example.org/a.png".into());
        let picture = Media { media_type: "image/png".into(), name: None, source };
        assert_eq!(of_prompt(&request(vec![Part::Media(picture)])), None);
    }
}
