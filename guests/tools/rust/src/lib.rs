//! Counts the words of a text.

use bottega_guest::{Description, Tool};

/// The tool.
pub struct WordCount;

/// The number of words in the text of these arguments. Plain Rust, tested below without any host.
fn count(arguments: &str) -> Result<usize, String> {
    let arguments: serde_json::Value =
        serde_json::from_str(arguments).map_err(|error| format!("this is no JSON: {error}"))?;
    let text = arguments["text"].as_str().ok_or("`text` must be a text")?;
    Ok(text.split_whitespace().count())
}

impl Tool for WordCount {
    fn describe() -> Description {
        let schema = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#;
        Description {
            name: "word_count".into(),
            about: "Counts the words of a text.".into(),
            schema: schema.into(),
        }
    }

    fn call(arguments: &str) -> Result<String, String> {
        count(arguments).map(|count| format!("{count} words"))
    }
}

bottega_guest::tool!(WordCount);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted() {
        assert_eq!(count(r#"{"text":"a b c"}"#), Ok(3));
        assert_eq!(count(r#"{"text":" one\n\ttwo "}"#), Ok(2));
        assert_eq!(count(r#"{"text":""}"#), Ok(0));
        assert!(count(r#"{"text":7}"#).is_err() && count("hm").is_err());
    }
}
