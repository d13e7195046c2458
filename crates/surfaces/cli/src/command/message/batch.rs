//! Many messages out of a file: all read first, then sent in requests of a bounded size.

use std::collections::BTreeMap;
use std::path::Path;

use bottega_api::{ApiError, BatchRequest, DeliveryClass, ReceiptView, SendRequest, codes};
use bottega_client::Agents;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::command::{Desk, Where};
use crate::figures;
use crate::report::{Failure, Form, plain, usage};
use crate::task;
use crate::visible;

/// Messages of one request at most; the server takes a thousand.
const MOST: usize = 500;
/// Bytes of the messages of one request at most, where it has more than one; the server usually takes two megabytes.
const BYTES: usize = 256 << 10;

/// What holds for a message whose line says nothing else.
pub(super) struct Usual {
    pub(super) durable: bool,
    pub(super) key: Option<String>,
}

/// A message and the line that it stands in, from 1.
#[derive(Debug, PartialEq)]
struct Line {
    number: usize,
    request: SendRequest,
}

/// What became of the messages.
#[derive(Default)]
struct Tally {
    sent: usize,
    repeated: usize,
    refused: usize,
    /// The first that was refused.
    first: Option<(usize, ApiError)>,
}

pub(super) async fn send(
    file: &Path,
    usual: Usual,
    at: &Where,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    let text = text(file, desk).await?;
    let mut lines = lines(&text, &usual)?;
    if lines.is_empty() {
        return Err(usage("there is no message in it", "write one a line, as `--help` shows it"));
    }
    let agents = desk.agents(at).await?;
    address(agents.as_ref(), &mut lines, desk).await?;
    let of = figures::grouped(lines.len() as u64);
    let mut tally = Tally::default();
    for part in parts(lines) {
        if let Err(failure) = deal(agents.as_ref(), part, &of, &mut tally, desk).await {
            wipe(desk);
            // Nobody knows what became of the rest, so it is said how far this is known.
            let done = figures::grouped(tally.done() as u64);
            desk.terminal.note(&format!("{done} of {of} were dealt with\n"));
            return Err(failure);
        }
    }
    wipe(desk);
    if desk.form() == Form::People {
        desk.terminal.say(&tally.told())?;
    }
    match tally.first {
        None => Ok(0),
        Some((number, mut error)) => {
            let those = figures::counted(tally.refused as u64, "message", "messages");
            error.message =
                format!("{those} of {of} not sent; the first, line {number}: {}", error.message);
            Err(error.into())
        }
    }
}

/// Sends the messages of one request, and tells what became of each.
async fn deal(
    agents: &dyn Agents,
    part: Vec<Line>,
    of: &str,
    tally: &mut Tally,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let numbers: Vec<usize> = part.iter().map(|line| line.number).collect();
    let messages = part.into_iter().map(|line| line.request).collect();
    let mut steps = match desk.wait(agents.send_batch(BatchRequest { messages })).await {
        Ok(steps) => steps,
        // Alone in its request it is what was refused: it may be larger than the server takes.
        Err(Failure::Told(error)) if numbers.len() == 1 && !is_for_all(&error) => {
            return note(numbers[0], Err(error), of, tally, desk);
        }
        Err(failure) => return Err(failure),
    };
    for number in numbers {
        let next = async {
            let ended = || ApiError::new(codes::NO_SERVER, "the server stopped telling");
            steps.next().await.unwrap_or_else(|| Err(ended()))
        };
        let outcome = desk.wait(next).await?;
        note(number, outcome, of, tally, desk)?;
    }
    Ok(())
}

/// Whether every other line would end the same way: nobody answers, has room, or lets this client in.
fn is_for_all(error: &ApiError) -> bool {
    [codes::NO_SERVER, codes::BUSY, codes::NOT_LET_IN].iter().any(|code| code.name == error.code)
}

/// Tells what became of one message, and counts it.
fn note(
    number: usize,
    outcome: Result<ReceiptView, ApiError>,
    of: &str,
    tally: &mut Tally,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    tell(number, &outcome, desk)?;
    tally.add(number, outcome);
    mark(tally, of, desk);
    Ok(())
}

async fn text(file: &Path, desk: &mut Desk<'_>) -> Result<String, Failure> {
    if file.as_os_str() == "-" {
        return task::piped_text(&mut desk.terminal).await;
    }
    let refuse = |why: &dyn std::fmt::Display| {
        let error = ApiError::new(codes::FILE, format!("`{}`: {why}", file.display()));
        Failure::from(error.step("name a file with a message a line"))
    };
    let bytes = std::fs::read(desk.path(file)).map_err(|error| refuse(&plain(&error)))?;
    String::from_utf8(bytes).map_err(|_| refuse(&"it is no UTF-8 text"))
}

/// The messages of a text; one that is none refuses them all.
fn lines(text: &str, usual: &Usual) -> Result<Vec<Line>, Failure> {
    let written = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    written
        .map(|(line, number)| {
            let refuse = |why: String| {
                usage(format!("line {number}: {why}"), "mend it; nothing was sent yet")
            };
            let value: Value =
                serde_json::from_str(line).map_err(|error| refuse(error.to_string()))?;
            let mut request = match value.get("message") {
                Some(_) => {
                    serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?
                }
                None if value.get("performative").is_some() => {
                    SendRequest { message: value, delivery: None, idempotency_key: None }
                }
                None => return Err(refuse("it has neither `performative` nor `message`".into())),
            };
            if request.delivery.is_none() && usual.durable {
                request.delivery = Some(DeliveryClass::Durable);
            }
            if request.idempotency_key.is_none() {
                request.idempotency_key = usual.key.as_ref().map(|key| format!("{key}-{number}"));
            }
            Ok(Line { number, request })
        })
        .collect()
}

/// Makes whole names of the short ones of the server's own agents.
async fn address(
    agents: &dyn Agents,
    lines: &mut [Line],
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for line in lines {
        let Some(Value::Array(receivers)) = line.request.message.get_mut("receiver") else {
            continue;
        };
        for receiver in receivers {
            let Value::String(name) = receiver else { continue };
            if name.contains('@') {
                continue;
            }
            if !known.contains_key(name) {
                let whole = match desk.wait(agents.show(name)).await {
                    Ok(view) => view.name,
                    // Its line is refused by the server then, and the others are not kept back.
                    Err(Failure::Told(error)) if !is_for_all(&error) => name.clone(),
                    Err(failure) => return Err(failure),
                };
                known.insert(name.clone(), whole);
            }
            if let Some(whole) = known.get(name) {
                name.clone_from(whole);
            }
        }
    }
    Ok(())
}

/// Lines in parts that one request carries; what is larger than a part has one of its own.
fn parts(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let (mut parts, mut bytes): (Vec<Vec<Line>>, usize) = (Vec::new(), 0);
    for line in lines {
        let key = line.request.idempotency_key.as_ref().map_or(0, String::len);
        let size = line.request.message.to_string().len() + key;
        match parts.last_mut() {
            Some(part) if part.len() < MOST && bytes + size <= BYTES => part.push(line),
            Some(_) | None => {
                parts.push(vec![line]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    parts
}

fn tell(
    number: usize,
    outcome: &Result<ReceiptView, ApiError>,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    match (desk.form(), outcome) {
        (Form::Json, Ok(receipt)) => {
            desk.terminal.say(&format!("{}\n", json!({ "line": number, "receipt": receipt })))?;
        }
        (Form::Json, Err(error)) => {
            desk.terminal.say(&format!("{}\n", json!({ "line": number, "error": error })))?;
        }
        (Form::People, Ok(_)) => {}
        (Form::People, Err(error)) => {
            wipe(desk);
            let why = visible::first_line(&error.message);
            desk.terminal.note(&format!("line {number}: {why}\n"));
        }
    }
    Ok(())
}

/// How far it is, on a terminal; seldom enough that it takes no time.
fn mark(tally: &Tally, of: &str, desk: &mut Desk<'_>) {
    if desk.terminal.stderr_is_terminal && tally.done().is_multiple_of(100) {
        desk.terminal.note(&format!("\r{} of {of}", tally.done()));
    }
}

fn wipe(desk: &mut Desk<'_>) {
    if desk.terminal.stderr_is_terminal {
        desk.terminal.note("\r\u{1b}[2K");
    }
}

impl Tally {
    const fn done(&self) -> usize {
        self.sent + self.repeated + self.refused
    }

    fn add(&mut self, number: usize, outcome: Result<ReceiptView, ApiError>) {
        match outcome {
            Ok(receipt) if receipt.repeated => self.repeated += 1,
            Ok(_) => self.sent += 1,
            Err(error) => {
                self.refused += 1;
                self.first.get_or_insert((number, error));
            }
        }
    }

    fn told(&self) -> String {
        let mut text =
            format!("{} sent", figures::counted(self.sent as u64, "message", "messages"));
        if self.repeated > 0 {
            let repeated = figures::grouped(self.repeated as u64);
            text.push_str(&format!(", {repeated} had been sent before"));
        }
        if self.refused > 0 {
            text.push_str(&format!(", {} refused", figures::grouped(self.refused as u64)));
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"performative":"inform","receiver":["clerk"]}"#;

    #[test]
    fn a_line_says_what_holds_for_it_or_the_usual_does() {
        let check =
            |line: &str, durable: bool, key: Option<&str>, expected: (bool, Option<&str>)| {
                let usual = Usual { durable, key: key.map(str::to_owned) };
                let read = lines(&format!("\n{line}\n\n"), &usual).unwrap();
                let [Line { number: 2, request }] = &read[..] else { panic!("{read:?}") };
                assert_eq!(request.message["performative"], "inform");
                let durable = request.delivery == Some(DeliveryClass::Durable);
                assert_eq!((durable, request.idempotency_key.as_deref()), expected, "{line}");
            };
        check(MESSAGE, false, None, (false, None));
        check(MESSAGE, true, Some("monday"), (true, Some("monday-2")));
        let whole =
            format!(r#"{{"message":{MESSAGE},"delivery":"transient","idempotency_key":"mine"}}"#);
        check(&whole, true, Some("monday"), (false, Some("mine")));
        check(&format!(r#"{{"message":{MESSAGE}}}"#), true, None, (true, None));
    }

    #[test]
    fn a_line_that_is_no_message_refuses_them_all() {
        let check = |line: &str, says: &str| {
            let usual = Usual { durable: false, key: None };
            let refused = lines(&format!("{MESSAGE}\n{line}\n"), &usual).unwrap_err();
            let Failure::Told(error) = refused else { panic!("{refused:?}") };
            assert!(error.message.starts_with("line 2: "), "{}", error.message);
            assert!(error.message.contains(says), "{}", error.message);
        };
        check("hm", "expected value");
        check("7", "neither");
        check("{}", "neither");
        check(&format!(r#"{{"message":{MESSAGE},"delivry":"durable"}}"#), "delivry");
    }

    #[test]
    fn parts_keep_the_order_and_are_bounded() {
        let line = |number: usize, content: usize| {
            let message = json!({ "performative": "inform", "content": "x".repeat(content) });
            let request = SendRequest { message, delivery: None, idempotency_key: None };
            Line { number, request }
        };
        let small: Vec<Line> = (0..1_001).map(|number| line(number, 1)).collect();
        let sizes: Vec<usize> = parts(small).iter().map(Vec::len).collect();
        assert_eq!(sizes, [MOST, MOST, 1]);
        let large = [1, 1, 200, 60, 1, 900, 1].into_iter().enumerate();
        let large = large.map(|(number, size)| line(number, size << 10)).collect();
        let told: Vec<Vec<usize>> = parts(large)
            .into_iter()
            .map(|part| part.into_iter().map(|line| line.number).collect())
            .collect();
        assert_eq!(told, [vec![0, 1, 2], vec![3, 4], vec![5], vec![6]]);
    }
}
