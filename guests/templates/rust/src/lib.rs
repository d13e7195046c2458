//! Greets whoever asks, and counts how often.

use bottega_guest::{Agent, Message, host};

/// What the agent knows.
#[derive(Default)]
pub struct Greeter {
    greeted: u32,
}

impl Greeter {
    /// The answer to a message. Plain Rust, tested below without any host.
    fn answer(&mut self, message: &Message) -> Result<Message, String> {
        let name = message.content.as_str().ok_or("the content must be a name")?;
        self.greeted += 1;
        Ok(message.reply("inform", format!("Hello, {name}! You are number {}.", self.greeted)))
    }
}

impl Agent for Greeter {
    fn init(_config: &str) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn handle(&mut self, message: Message) -> Result<(), String> {
        let answer = self.answer(&message)?;
        host::log::write(host::log::Level::Info, &format!("greeted {}", self.greeted));
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
        assert_eq!(greeter.answer(&asked).unwrap().content, "Hello, Ada! You are number 1.");
        assert_eq!(greeter.answer(&asked).unwrap().content, "Hello, Ada! You are number 2.");
        assert!(greeter.answer(&Message::new("request", 7)).is_err());
    }

    #[test]
    fn what_was_saved_is_taken_over() {
        let mut later = Greeter::default();
        later.restore("0.1.0", &Greeter { greeted: 4 }.save().unwrap()).unwrap();
        assert_eq!(later.greeted, 4);
    }
}
