//! What the string encoding writes, takes, and refuses.

use proptest::prelude::*;

use super::{decode, encode};
use crate::{Content, Message, sample};

#[track_caller]
fn read(text: &str) -> Message {
    decode(text.as_bytes()).unwrap()
}

/// What is written for what was read.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&encode(&read(text))), expected);
}

/// Each text is refused, where and why.
fn refusals(texts: &[&str]) -> String {
    let refusal = |text: &&str| format!("{text}\n  {}\n", decode(text.as_bytes()).unwrap_err());
    texts.iter().map(refusal).collect()
}

#[test]
fn a_whole_message_reads_as_it_is_written() {
    let text = r#"(cfp :sender (agent-identifier :name buyer@hall :addresses (sequence http://hall.example/acc) :X-age (7 8)) :receiver (set (agent-identifier :name smith@hall) (agent-identifier :name jones@yard :resolvers (sequence (agent-identifier :name ams@yard)))) :reply-to (set (agent-identifier :name desk@hall)) :content "((action (make \"hinge\")))" :language fipa-sl :encoding utf-8 :ontology iron :protocol fipa-contract-net :conversation-id c-17 :reply-with m-1 :in-reply-to m-0 :reply-by 20251120T142639001Z :X-urgent yes)"#;
    let message = read(text);
    let expected = text.replace("(7 8)", "(\"7\" \"8\")");
    assert_eq!(String::from_utf8_lossy(&encode(&message)), expected);
    assert_eq!(message.receivers.as_slice()[1].resolvers()[0].name().as_str(), "ams@yard");
}

#[test]
fn other_platforms_are_understood() {
    // Upper case, padding, sequences for sets, a bare receiver, quoted names, comments, lists for strings.
    check(
        "(INFORM\n :SENDER  ( Agent-Identifier :name da0@192.0.2.7:1099/JADE  :addresses (sequence http://h/acc )) ; hello\n\
         :receiver (sequence (agent-identifier :name \"b@p\")) :content (a (b \"c d\")) :X-JADE-Encoding Base64 ) \n",
        "(inform :sender (agent-identifier :name da0@192.0.2.7:1099/JADE :addresses (sequence http://h/acc)) \
         :receiver (set (agent-identifier :name b@p)) :content \"(a (b \\\"c d\\\"))\" :X-JADE-Encoding Base64)",
    );
    // As JADE lays a proposal out.
    let proposal = read(
        "(PROPOSE\n :sender  ( agent-identifier :name bob@192.0.2.1:1099/JADE  :addresses (sequence http://bob:7778/acc ))\n \
         :receiver  (set ( agent-identifier :name buyer@hall ) )\n :content  \"7\" \n \
         :reply-with  buyer@hall1700000000000  :in-reply-to  R1_0  :reply-by  20251120T142639001Z  \
         :language  fipa-sl  :protocol  fipa-contract-net\n :conversation-id  C1_1700 )",
    );
    assert_eq!(proposal.protocol, Some(crate::Protocol::ContractNet.into()));
    assert_eq!(proposal.reply_with.unwrap().to_string(), "buyer@hall1700000000000");
    check(
        "(agree :receiver (agent-identifier :name a@b) :reply-by +00000000T000130000)",
        "(agree :receiver (set (agent-identifier :name a@b)) :reply-by +00000000T000130000)",
    );
}

#[test]
fn strings_hold_everything() {
    let content = |text: &str| read(&format!("(inform :content {text})")).content.unwrap();
    assert_eq!(content(r#""say \"hi\"""#).as_text(), Some("say \"hi\""));
    assert_eq!(content(r#""C:\x""#).as_text(), Some("C:\\x"));
    assert_eq!(content("#5\"(\")\\x").as_text(), Some("(\")\\x"));
    assert_eq!(content("#0\"").as_text(), Some(""));
    let bytes = decode(b"(inform :content #2\"\xff\xfe :language raw)").unwrap();
    assert_eq!(bytes.content, Some(Content::bytes(vec![0xff, 0xfe])));
    check(r#"(inform :content #3"ab\)"#, r#"(inform :content #3"ab\)"#);
}

#[test]
fn what_is_refused_says_where_and_why() {
    insta::assert_snapshot!(refusals(&[
        "",
        "inform",
        "(shout :content x)",
        "(inform :content \"x",
        "(inform\n :content #9\"x)",
        "(inform :content #x\"x)",
        "(inform :content #99999999999999999999999\"x)",
        "(inform :sender bob@p)",
        "(inform :sender (agent-identifier :name bob))",
        "(inform :sender (agent-identifier :addresses (sequence a)))",
        "(inform :receiver (bag))",
        "(inform :volume loud)",
        "(inform :content a :content b)",
        "(inform content a)",
        "(inform :reply-by soon)",
        "(inform :X-( a)",
        "(inform :content)",
        "(inform) (inform)",
        "(inform",
        &format!("(inform :X-a {})", "(".repeat(40)),
    ]));
}

#[test]
fn parameters_are_counted() {
    let many: String = (0..200).map(|number| format!(" :X-a{number} b")).collect();
    let refusal = decode(format!("(inform{many})").as_bytes()).unwrap_err();
    assert_eq!(refusal.problem, "more than 128 parameters");
}

#[test]
fn who_sent_nonsense_is_told() {
    let me = "me@here".parse().unwrap();
    let told = |text: &str| {
        let answer = decode(text.as_bytes()).unwrap_err().answer(&me);
        answer.map(|answer| String::from_utf8(encode(&answer)).unwrap())
    };
    let text =
        "(request :sender (agent-identifier :name a@b) :conversation-id c :reply-with r :volume 3)";
    insta::assert_snapshot!(told(text).unwrap());
    assert_eq!(told("(request :volume 3)"), None);
    assert_eq!(told("(failure :sender (agent-identifier :name a@b) :volume 3)"), None);
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(message in sample::message()) {
        let bytes = encode(&message);
        prop_assert_eq!(decode(&bytes), Ok(message), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
    }

    /// Nearly right text gets further into the reader than noise does.
    #[test]
    fn a_damaged_message_is_read_or_refused(message in sample::message(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = encode(&message);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at); } else { bytes[at] = byte; }
        if let Err(refusal) = decode(&bytes) {
            prop_assert!(refusal.offset <= bytes.len());
        }
    }
}
