//! What the JSON encoding writes, takes, and refuses.

use proptest::prelude::*;

use super::{decode, encode};
use crate::{sample, string};

fn refusals(texts: &[&str]) -> String {
    let refusal = |text: &&str| format!("{text}\n  {}\n", decode(text.as_bytes()).unwrap_err());
    texts.iter().map(refusal).collect()
}

#[test]
fn a_whole_message_reads_as_it_is_written() {
    let text = r#"{"performative":"cfp","sender":{"addresses":["http://hall.example/acc"],"X-age":["7"],"name":"buyer@hall"},"receiver":["smith@hall",{"resolvers":["ams@yard"],"name":"jones@yard"}],"reply-to":["desk@hall"],"content":"a \"hinge\"","language":"fipa-sl","encoding":"utf-8","ontology":"iron","protocol":"fipa-contract-net","conversation-id":"c-17","reply-with":"m-1","in-reply-to":"m-0","reply-by":"20251120T142639001Z","X-urgent":"yes"}"#;
    assert_eq!(encode(&decode(text.as_bytes()).unwrap()), text);
}

#[test]
fn shorter_forms_are_understood() {
    let text =
        r#"{"content":{"base64":"//4="},"receiver":"b@p","sender":null,"performative":"INFORM"}"#;
    let expected = r#"{"performative":"inform","receiver":["b@p"],"content":{"base64":"//4="}}"#;
    assert_eq!(encode(&decode(text.as_bytes()).unwrap()), expected);
}

#[test]
fn what_is_refused_says_where_and_why() {
    insta::assert_snapshot!(refusals(&[
        "",
        "[]",
        "{}",
        "{\n \"performative\": \"shout\"}",
        r#"{"performative":"inform","sender":"bob"}"#,
        r#"{"performative":"inform","sender":{"addresses":[]}}"#,
        r#"{"performative":"inform","sender":{"name":"a@b","age":7}}"#,
        r#"{"performative":"inform","volume":3}"#,
        r#"{"performative":"inform","content":7}"#,
        r#"{"performative":"inform","content":{"base64":"?"}}"#,
        r#"{"performative":"inform","performative":"agree"}"#,
        r#"{"performative":"inform","reply-by":"soon"}"#,
        r#"{"performative":"inform","X-a":7}"#,
        r#"{"performative":"inform"} {}"#,
        r#"{"performative":"inform""#,
        &format!(r#"{{"performative":"inform","X-a":{}"#, "[".repeat(200)),
    ]));
}

#[test]
fn parameters_are_counted() {
    let many: String = (0..200).map(|number| format!(r#","X-a{number}":"b""#)).collect();
    let text = format!(r#"{{"performative":"inform"{many}}}"#);
    assert_eq!(decode(text.as_bytes()).unwrap_err().problem, "more than 128 parameters");
    // Brackets in strings are text.
    let text = format!(r#"{{"performative":"inform","content":"\\\"{}"}}"#, "[".repeat(200));
    assert!(decode(text.as_bytes()).is_ok());
}

#[test]
fn who_sent_nonsense_is_told() {
    let me = "me@here".parse().unwrap();
    let text = r#"{"performative":"request","sender":"a@b","conversation-id":"c","reply-with":"r","volume":3}"#;
    let answer = decode(text.as_bytes()).unwrap_err().answer(&me).unwrap();
    insta::assert_snapshot!(encode(&answer));
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(message in sample::message()) {
        let text = encode(&message);
        prop_assert_eq!(decode(text.as_bytes()), Ok(message), "{}", text);
    }

    #[test]
    fn an_identifier_alone_reads_as_it_is_written(aid in sample::aid()) {
        let text = serde_json::to_string(&aid).unwrap();
        prop_assert_eq!(serde_json::from_str::<crate::Aid>(&text).unwrap(), aid, "{}", text);
    }

    #[test]
    fn both_encodings_say_the_same(message in sample::message()) {
        let through = decode(encode(&message).as_bytes()).map(|message| string::encode(&message));
        prop_assert_eq!(through, Ok(string::encode(&message)));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_damaged_message_is_read_or_refused(message in sample::message(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = encode(&message).into_bytes();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at); } else { bytes[at] = byte; }
        if let Err(refusal) = decode(&bytes) {
            prop_assert!(refusal.offset <= bytes.len());
        }
    }
}
