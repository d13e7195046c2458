//! The form that an answer must have: asked for in words where the provider can't enforce it, checked always.

use std::sync::Arc;

use bottega_llm::{
    Answer, ChatRequest, ErrorKind, Message, ModelError, OutputFormat, Part, Role, Stop,
};
use serde_json::Value;

/// The most of a validation error that a model is shown.
const ERRORS_SHOWN: usize = 8;

/// The form that an answer must have.
pub(crate) struct Form {
    validator: jsonschema::Validator,
    /// What a model without native schemas is told at the end of its instructions.
    instruction: String,
}

/// What the check of an answer found.
pub(crate) enum Checked {
    /// It has the form, or is not a final answer. Its text is then exactly the JSON.
    Good(Answer),
    /// It does not; the reasons, for the model.
    Wrong(Answer, String),
}

impl Form {
    /// The form that a request wants, if any. `Err` when its schema is none.
    pub(crate) fn of(output: &OutputFormat) -> Result<Option<Self>, ModelError> {
        let schema = match output {
            OutputFormat::Text => return Ok(None),
            OutputFormat::JsonObject => Arc::new(serde_json::json!({ "type": "object" })),
            OutputFormat::JsonSchema { schema, .. } => Arc::clone(schema),
        };
        let validator = jsonschema::validator_for(&schema).map_err(|error| {
            ModelError::new(
                ErrorKind::InvalidRequest,
                format!("the output schema is not valid: {error}"),
            )
        })?;
        Ok(Some(Self { validator, instruction: instruction(output) }))
    }

    /// The same request in words, for a model whose provider enforces no schema. The instruction stands at the
    /// end of the system prompt, where it is the same from turn to turn.
    pub(crate) fn in_words(&self, request: &mut ChatRequest) {
        request.system = format!("{}{}", request.system, self.instruction).into();
        request.output = OutputFormat::Text;
    }

    /// Checks an answer. One that calls tools, was declined, or was cut at a limit is no final answer and
    /// passes.
    pub(crate) fn check(&self, answer: Answer) -> Checked {
        let is_final = match &answer.stop {
            Stop::EndTurn | Stop::StopText | Stop::Other(_) => true,
            Stop::ToolCalls | Stop::MaxOutput | Stop::Refused | Stop::ContextFull => false,
        };
        if !is_final {
            return Checked::Good(answer);
        }
        let text = answer.message.text();
        let Some((json, value)) = find_json(&text) else {
            return Checked::Wrong(answer, "there is no JSON in it".to_owned());
        };
        let reasons: Vec<String> = self
            .validator
            .iter_errors(&value)
            .take(ERRORS_SHOWN)
            .map(|error| match error.instance_path().to_string() {
                path if path.is_empty() => error.to_string(),
                path => format!("at {path}: {error}"),
            })
            .collect();
        if reasons.is_empty() {
            let json = json.to_owned();
            Checked::Good(with_text(answer, json))
        } else {
            Checked::Wrong(answer, reasons.join("; "))
        }
    }
}

/// What a model without native schemas is told after its instructions.
fn instruction(output: &OutputFormat) -> String {
    let (what, schema) = match output {
        OutputFormat::Text => return String::new(),
        OutputFormat::JsonObject => ("object", String::new()),
        OutputFormat::JsonSchema { schema, .. } => {
            ("value that the JSON Schema below accepts", format!("\n{schema}"))
        }
    };
    format!(
        "\n\nWhen you give your final answer, write one JSON {what} and nothing else: no explanation, no code \
         fence.{schema}"
    )
}

/// The bytes that the instruction adds to a prompt.
pub(crate) fn instruction_length(output: &OutputFormat) -> usize {
    instruction(output).len()
}

/// The conversation that asks for a better answer.
pub(crate) fn correction(answer: &Answer, reasons: &str) -> Vec<Arc<Message>> {
    let text = answer.message.text();
    let wrong = (!text.trim().is_empty()).then(|| Arc::new(Message::assistant(text)));
    let again = Message::user(format!(
        "That answer does not have the required form: {reasons}. Answer again with the corrected JSON and \
         nothing else."
    ));
    wrong.into_iter().chain([Arc::new(again)]).collect()
}

/// The same answer with this text in the place of all of its text.
fn with_text(mut answer: Answer, text: String) -> Answer {
    let is_text = |part: &Part| matches!(part, Part::Text { .. });
    let place = answer.message.parts.iter().position(is_text).unwrap_or(answer.message.parts.len());
    answer.message.parts.retain(|part| !is_text(part));
    let place = place.min(answer.message.parts.len());
    answer.message.parts.insert(place, Part::Text { text });
    answer.message.role = Role::Assistant;
    answer
}

/// The JSON in a text: all of it, what stands in its first code fence that holds JSON, or the first object or
/// list in it.
fn find_json(text: &str) -> Option<(&str, Value)> {
    let whole = text.trim();
    let parse = |json: &str| serde_json::from_str::<Value>(json).ok();
    if let Some(value) = parse(whole) {
        return Some((whole, value));
    }
    let fenced = whole.split("```").skip(1).step_by(2).map(|block| {
        let named = block.split_once('\n').filter(|(name, _)| !name.contains(['{', '[', '"']));
        named.map_or(block, |(_, body)| body).trim()
    });
    if let Some(found) = fenced.filter_map(|json| Some((json, parse(json)?))).next() {
        return Some(found);
    }
    whole.match_indices(['{', '[']).take(64).find_map(|(start, _)| {
        let rest = &whole[start..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next()?.ok()?;
        Some((&rest[..values.byte_offset()], value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_llm::Usage;
    use serde_json::json;

    fn answer(text: &str, stop: Stop) -> Answer {
        Answer {
            model: "m".into(),
            response_id: None,
            message: Message::assistant(text),
            stop,
            usage: Usage::default(),
        }
    }

    fn form() -> Form {
        let schema = json!({
            "type": "object",
            "properties": { "age": { "type": "integer" } },
            "required": ["age"],
        });
        let output = OutputFormat::JsonSchema { name: "person".into(), schema: Arc::new(schema) };
        Form::of(&output).unwrap().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (form().check(answer(text, Stop::EndTurn)), expected) {
            (Checked::Good(answer), Ok(json)) => assert_eq!(answer.message.text(), json),
            (Checked::Wrong(_, reasons), Err(part)) => assert!(reasons.contains(part), "{reasons}"),
            (Checked::Good(answer), Err(part)) => {
                panic!("{} instead of {part}", answer.message.text())
            }
            (Checked::Wrong(_, reasons), Ok(_)) => panic!("{reasons}"),
        }
    }

    #[test]
    fn json_is_found_wherever_it_stands() {
        check(r#"{"age":1}"#, Ok(r#"{"age":1}"#));
        check("  {\"age\": 1}\n", Ok("{\"age\": 1}"));
        check("Here:\n```json\n{\"age\":1}\n```\nDone.", Ok(r#"{"age":1}"#));
        check("```\nnot it\n```\n```{\"age\":1}```", Ok(r#"{"age":1}"#));
        check(r#"It is {"age":1}, I {think}."#, Ok(r#"{"age":1}"#));
        check(r#"{ or [ or {"age":1}"#, Ok(r#"{"age":1}"#));
    }

    #[test]
    fn what_is_wrong_is_said() {
        check("I don't know", Err("no JSON"));
        check("{}", Err("age"));
        check(r#"{"age":"one"}"#, Err("at /age"));
        check("[1]", Err("object"));
    }

    #[test]
    fn what_is_no_final_answer_passes() {
        for stop in [Stop::ToolCalls, Stop::MaxOutput, Stop::Refused, Stop::ContextFull] {
            assert!(
                matches!(form().check(answer("{", stop.clone())), Checked::Good(_)),
                "{stop:?}"
            );
        }
    }

    #[test]
    fn reasoning_stays_where_it_was() {
        let mut reply = answer("so: {\"age\":1}", Stop::EndTurn);
        let reasoning = Part::Reasoning { text: "hm".into(), signature: None };
        reply.message.parts.insert(0, reasoning.clone());
        reply.message.parts.push(Part::text(" bye"));
        let Checked::Good(reply) = form().check(reply) else { panic!("refused") };
        assert_eq!(reply.message.parts, [reasoning, Part::text(r#"{"age":1}"#)]);
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        let schema = Arc::new(json!({ "type": "no such type" }));
        let output = OutputFormat::JsonSchema { name: "x".into(), schema };
        assert_eq!(Form::of(&output).err().unwrap().kind, ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_correction_never_holds_an_empty_message() {
        assert_eq!(correction(&answer("", Stop::EndTurn), "x").len(), 1);
        assert_eq!(correction(&answer("{}", Stop::EndTurn), "x").len(), 2);
    }
}
