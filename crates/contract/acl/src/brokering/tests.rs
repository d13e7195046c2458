//! A broker among an initiator and two agents, told as text; and under any inputs.

use std::fmt::Write as _;
use std::time::Duration;

use bottega_types::{ConversationId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{
    Aid, Decision, Dialogue, Input, Message, Output, PERFORMATIVES, Patience, Performative,
    Protocol, Report, Stage, Timer, sample,
};

fn aid(name: &str) -> Aid {
    format!("{name}@p").parse().unwrap()
}

fn errand(act: Performative, reach: Reach) -> Errand {
    Errand { seek: "weather".to_owned(), reach, message: Message::new(act).about("rain?") }
}

/// The initiator, the broker, and the agents that it asks.
struct Market {
    client: Dialogue,
    broker: Option<Broker>,
    agents: Vec<Dialogue>,
    armed: Option<Timer>,
    told: String,
}

const NOW: Timestamp = Timestamp::from_millis(1000);

impl Market {
    fn new() -> Self {
        let conversation = ConversationId::from_bits(8);
        let patience = Patience::default();
        let [me, broker] = [aid("client"), aid("broker")];
        let client = Dialogue::initiator(Protocol::Brokering, me, broker, conversation, patience);
        Self { client, broker: None, agents: vec![], armed: None, told: String::new() }
    }

    /// The client decides; what it sends goes to the broker.
    fn client(&mut self, input: Input) {
        let (client, outputs) = self.client.clone().step(NOW, input);
        self.client = client;
        for output in outputs {
            match output {
                Output::Send(message) => {
                    let patience = Patience { answer: Some(Duration::from_secs(1)), result: None };
                    if self.broker.is_none() {
                        self.broker = Broker::new(aid("broker"), &message, patience).ok();
                    }
                    self.broker(Input::Received(message));
                }
                Output::Report(Report::Ended(how, _)) => {
                    let _ = writeln!(self.told, "  client: ended, {}", how.as_str());
                }
                Output::Report(Report::Heard(message)) => {
                    let from = message.user_parameter(RELAYED_FROM).map(ToString::to_string);
                    let _ = writeln!(self.told, "  client: {} of {from:?}", message.performative);
                }
                Output::Report(_) | Output::Arm { .. } => {}
                Output::Impossible { why } | Output::Disregarded { why } => panic!("client: {why}"),
            }
        }
    }

    fn broker(&mut self, input: Input<BrokerDecision>) {
        let (broker, outputs) = self.broker.take().unwrap().step(NOW, input);
        self.broker = Some(broker);
        for output in outputs {
            match output {
                Output::Send(message) => self.deliver(message),
                Output::Arm { timer, .. } => self.armed = Some(timer),
                Output::Report(BrokerReport::Wanted(errand)) => {
                    let _ = writeln!(self.told, "  broker: wanted, {}", errand.seek);
                }
                Output::Report(BrokerReport::Relayed { .. }) => {}
                Output::Report(BrokerReport::Ended(how)) => {
                    let _ = writeln!(self.told, "  broker: ended, {}", how.as_str());
                }
                Output::Impossible { why } | Output::Disregarded { why } => {
                    let _ = writeln!(self.told, "  broker: nothing, {why}");
                }
            }
        }
    }

    fn deliver(&mut self, message: Message) {
        let to = message.receivers.as_slice()[0].clone();
        if to.name().local() == "client" {
            return self.client(Input::Received(message));
        }
        let _ = writeln!(self.told, "  {} ← {}", to.name().local(), message.performative);
        let agent = match self.agents.iter().position(|own| own.me().is_same_agent(&to)) {
            Some(at) => self.agents.swap_remove(at),
            None => match Dialogue::participant(to, &message, Patience::default()) {
                Ok(agent) => agent,
                Err(_) => return,
            },
        };
        self.agents.push(agent.step(NOW, Input::Received(message)).0);
    }

    fn agent(&mut self, name: &str, decision: Decision) {
        let at = self.agents.iter().position(|own| own.me().is_same_agent(&aid(name))).unwrap();
        let (agent, outputs) = self.agents.swap_remove(at).step(NOW, Input::Decided(decision));
        self.agents.push(agent);
        for output in outputs {
            if let Output::Send(message) = output {
                self.broker(Input::Received(message));
            }
        }
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.told, "{line}");
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["proxy", act, reach] => {
                let reach = if reach == "one" { Reach::One } else { Reach::All };
                self.client(Input::Decided(Decision::Say(
                    errand(act.parse().unwrap(), reach).say(),
                )));
            }
            ["proxy", content] => {
                self.client(Input::Decided(Decision::say(Performative::Proxy, content)));
            }
            ["cancel"] => self.client(Input::Decided(Decision::Cancel)),
            ["clock"] => self.broker(Input::Passed(self.armed.unwrap())),
            ["refuse"] => {
                self.broker(Input::Decided(BrokerDecision::Refuse { why: "busy".to_owned() }));
            }
            ["found", ref names @ ..] => {
                let agents = names.iter().map(|name| aid(name)).collect();
                self.broker(Input::Decided(BrokerDecision::Found(agents)));
            }
            [name, "vanishes"] => self.broker(Input::Undelivered { to: aid(name).name().clone() }),
            [name, "stops"] => self.agent(name, Decision::Stopped),
            [name, act] => self.agent(name, Decision::say(act.parse().unwrap(), "so")),
            _ => panic!("{line}"),
        }
    }
}

fn tell(scripts: &[&str]) -> String {
    let mut told = String::new();
    for script in scripts {
        let mut market = Market::new();
        for line in script.lines() {
            market.line(line.trim());
        }
        let _ = writeln!(told, "{}", market.told);
    }
    told
}

#[test]
fn replies_are_brought_back() {
    insta::assert_snapshot!(tell(&[
        "proxy query-ref all\nfound ann bob ann\nann inform\nbob agree\nbob failure",
        "proxy request one\nfound ann bob eve\nann refuse\nbob not-understood\neve agree\neve inform",
        "proxy request one\nfound ann bob\nann refuse\nclock",
        "proxy subscribe all\nfound ann\nann agree\nann inform\nann inform\ncancel\nann stops",
        "proxy inform all\nfound ann bob",
        "proxy request one\nfound ann bob\nann vanishes\nclient vanishes",
    ]));
}

#[test]
fn errands_that_come_to_nothing_are_answered() {
    insta::assert_snapshot!(tell(&[
        "proxy query-ref all\nfound",
        "proxy query-ref all\nrefuse\nfound ann",
        "proxy cfp all",
        "proxy nonsense",
    ]));
}

#[test]
fn an_errand_reads_as_it_is_written() {
    for act in [Performative::Request, Performative::QueryIf, Performative::Inform] {
        let errand = errand(act, Reach::One);
        assert_eq!(Errand::read(&errand.say()), Ok(errand));
    }
    let refusals = [errand(Performative::Cfp, Reach::All).say(), Message::new(Performative::Proxy)]
        .map(|proxy| Errand::read(&proxy).unwrap_err().to_string());
    insta::assert_snapshot!(refusals.join("\n"));
}

fn input() -> impl Strategy<Value = Input<BrokerDecision>> {
    let names = prop::sample::select(vec!["client", "ann", "bob", "eve"]);
    prop_oneof![
        8 => (names, 0..22_usize, any::<bool>()).prop_map(|(name, act, sub)| {
            let own = ConversationId::from_bits(8).to_string();
            let client = aid("client");
            let agent = format!("{name}@p");
            let key = crate::dialogue::key_of(&["brokered", client.name().as_str(), &own, &agent]);
            let conversation = if sub { key } else { ConversationId::from_bits(8) };
            Input::Received(Message::new(PERFORMATIVES[act].act).from(aid(name)).within(conversation))
        }),
        1 => sample::message().prop_map(Input::Received),
        2 => (0..6_u32).prop_map(|timer| Input::Passed(Timer(timer))),
        1 => prop::sample::select(vec!["client", "ann", "eve"])
            .prop_map(|name| Input::Undelivered { to: aid(name).name().clone() }),
        1 => Just(Input::Decided(BrokerDecision::Agree)),
        1 => Just(Input::Decided(BrokerDecision::Refuse { why: "busy".to_owned() })),
        2 => Just(Input::Decided(BrokerDecision::Found(vec![aid("ann"), aid("bob")]))),
    ]
}

proptest! {
    #[test]
    fn any_inputs_are_answered_and_an_end_is_an_end(
        act in prop::sample::select(vec![Performative::Request, Performative::Subscribe, Performative::QueryIf]),
        one: bool,
        inputs in prop::collection::vec(input(), 0..40),
    ) {
        let reach = if one { Reach::One } else { Reach::All };
        let proxy = errand(act, reach).say().from(aid("client")).within(ConversationId::from_bits(8));
        let patience = Patience { answer: Some(Duration::from_secs(1)), result: Some(Duration::from_secs(1)) };
        let broker = Broker::new(aid("broker"), &proxy, patience).unwrap();
        let (mut broker, _) = broker.step(NOW, Input::Received(proxy));
        for input in inputs {
            let ended = broker.is_ended();
            let (after, outputs) = broker.step(NOW, input);
            prop_assert!(!outputs.is_empty());
            let reports = outputs.iter().any(|output| matches!(output, Output::Report(_)));
            prop_assert!(!ended || after.is_ended() && !reports);
            // The end leaves nobody working for nothing.
            let open = |dialogue: &Dialogue| !dialogue.is_ended() && !dialogue.is_being_cancelled();
            let untold = after.asked().any(|dialogue| open(dialogue) && dialogue.stage() == Stage::Fresh);
            prop_assert!(!untold);
            broker = after;
        }
    }
}
