//! Greets whoever asks, and counts how often.

use bottega_guest::{Agent, Message, host};

/// What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
const BID: &str = r#"{"price":1500000,"takes_ms":200,"confidence":990}"#;

/// What whoever asks for something else is told.
const TAKES: &str = "this agent takes requests, query-refs and calls for bids";

/// What the agent knows.
#[derive(Default)]
pub struct Greeter {
    greeted: u32,
}

impl Greeter {
    /// The answer to a message; nothing where none is due. Plain Rust, tested below without any host.
    fn answer(&mut self, message: &Message) -> Result<Option<Message>, String> {
        let answer = match message.performative.as_str() {
            "cfp" => message.reply("propose", BID),
            "accept-proposal" => message.reply("inform", self.greet(&message.awarded()?.task)),
            "request" | "query-ref" => {
                let name = message.content.as_str().ok_or("the content must be a name")?;
                message.reply("inform", self.greet(name))
            }
            "cancel" | "propagate" | "propose" | "proxy" | "query-if" | "request-when"
            | "request-whenever" | "subscribe" => message.reply("not-understood", TAKES),
            // What only tells something is not answered, or two agents would go on for ever.
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }

    fn greet(&mut self, name: &str) -> String {
        self.greeted += 1;
        let name = name.strip_prefix("greet ").unwrap_or(name);
        format!("Hello, {name}! You are number {}.", self.greeted)
    }
}

impl Agent for Greeter {
    fn init(_config: &str) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn handle(&mut self, message: Message) -> Result<(), String> {
        let Some(answer) = self.answer(&message)? else { return Ok(()) };
        let line = format!("{}, {} greeted", answer.performative, self.greeted);
        host::log::write(host::log::Level::Info, &line);
        host::send::send(&answer.to_json()).map_err(|refusal| refusal.to_string())
    }

    fn save(&self) -> Result<Vec<u8>, String> {
        Ok(self.greeted.to_string().into_bytes())
    }

    fn restore(&mut self, _version: &str, state: &[u8]) -> Result<(), String> {
        let text = str::from_utf8(state).map_err(|error| error.to_string())?;
        self.greeted = text.parse().map_err(|_| "the state is no number")?;
        Ok(())
    }
}

bottega_guest::agent!(Greeter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_greeted_with_their_number() {
        let mut greeter = Greeter::default();
        let asked = Message::new("request", "Ada");
        let mut said = |message| greeter.answer(message).map(|answer| answer.unwrap().content);
        assert_eq!(said(&asked).unwrap(), "Hello, Ada! You are number 1.");
        assert_eq!(said(&asked).unwrap(), "Hello, Ada! You are number 2.");
        assert!(said(&Message::new("request", 7)).is_err());
    }

    #[test]
    fn a_task_is_bid_for_and_done_once_it_is_awarded() {
        let mut greeter = Greeter::default();
        let bid = greeter.answer(&Message::new("cfp", "{}")).unwrap().unwrap();
        assert_eq!((bid.performative.as_str(), bid.content.as_str()), ("propose", Some(BID)));
        let award =
            Message::new("accept-proposal", r#"{"task":"greet Eve","pay":1,"finish_by":2}"#);
        let done = greeter.answer(&award).unwrap().unwrap();
        assert_eq!(done.content, "Hello, Eve! You are number 1.");
        let other = greeter.answer(&Message::new("subscribe", "news")).unwrap().unwrap();
        assert_eq!(
            (other.performative.as_str(), other.content.as_str()),
            ("not-understood", Some(TAKES))
        );
        for told in ["reject-proposal", "inform", "not-understood"] {
            assert_eq!(greeter.answer(&Message::new(told, "better bids")), Ok(None));
        }
    }

    #[test]
    fn what_was_saved_is_taken_over() {
        let mut later = Greeter::default();
        later.restore("0.1.0", &Greeter { greeted: 4 }.save().unwrap()).unwrap();
        assert_eq!(later.greeted, 4);
    }
}
