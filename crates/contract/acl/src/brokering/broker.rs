//! The broker: between one initiator and the agents that it asks.

use std::collections::{BTreeMap, VecDeque};

use bottega_types::{ConversationId, Timestamp};

use super::{Errand, RELAYED_FROM, Reach};
use crate::dialogue::key_of;
use crate::{
    AgentName, Aid, ConversationRef, Decision, Dialogue, Ending, Expression, Input, Message,
    Output, Patience, Performative, Report, Stage, Timer, Unopened, UserName,
};

/// What the owner of a broker may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerDecision {
    /// Take the errand.
    Agree,
    /// Don't.
    Refuse {
        /// Why not.
        why: String,
    },
    /// These agents fit, the best first. None is a failure to the initiator. Takes the errand where that was not said.
    Found(Vec<Aid>),
}

/// What the owner of a broker learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerReport {
    /// An errand waits: look for agents that fit.
    Wanted(Errand),
    /// A reply was passed on.
    Relayed {
        /// Whose.
        from: AgentName,
        /// What it does.
        act: Performative,
    },
    /// The errand is over.
    Ended(Ending),
}

/// One errand of a broker.
#[derive(Clone, Debug)]
pub struct Broker {
    client: Dialogue,
    errand: Option<Errand>,
    asked: BTreeMap<AgentName, Dialogue>,
    /// Who is asked when those before brought nothing.
    next: VecDeque<Aid>,
    /// Whether somebody brought a result.
    fruitful: bool,
    patience: Patience,
    /// Which deadline of whom is meant; `None` is the client's.
    deadlines: BTreeMap<Timer, (Option<AgentName>, Timer)>,
    timers: u32,
}

type Outputs = Vec<Output<BrokerReport>>;

impl Broker {
    /// The broker that is addressed by `opening`; give it as the first input. `patience` is with the agents that are asked.
    ///
    /// # Errors
    /// [`Unopened`] as for [`Dialogue::participant`].
    pub fn new(me: Aid, opening: &Message, patience: Patience) -> Result<Self, Unopened> {
        Ok(Self {
            client: Dialogue::participant(me, opening, Patience::default())?,
            errand: None,
            asked: BTreeMap::new(),
            next: VecDeque::new(),
            fruitful: false,
            patience,
            deadlines: BTreeMap::new(),
            timers: 0,
        })
    }

    /// Whether the errand is over.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.client.is_ended()
    }

    /// The conversations with those it asked: messages of these are for this machine too.
    pub fn conversations(&self) -> impl Iterator<Item = &ConversationRef> {
        self.asked.values().filter_map(Dialogue::conversation).chain(self.client.conversation())
    }

    /// The conversations with those it asked, in order of their names.
    pub fn asked(&self) -> impl Iterator<Item = &Dialogue> {
        self.asked.values()
    }

    /// Takes in one input at the moment `now`. At least one output comes of every input.
    ///
    /// When the initiator cancels, so does the broker, and says that it did. What agents still say after the end is
    /// answered, and not passed on.
    #[must_use]
    pub fn step(mut self, now: Timestamp, input: Input<BrokerDecision>) -> (Self, Outputs) {
        let mut out = Outputs::new();
        match input {
            Input::Received(message) => match self.addressee(&message) {
                None => self.tell_client(Input::Received(message), now, &mut out),
                Some(name) => self.tell_asked(&name, Input::Received(message), now, &mut out),
            },
            Input::Passed(timer) => match self.deadlines.remove(&timer) {
                Some((None, inner)) => self.tell_client(Input::Passed(inner), now, &mut out),
                Some((Some(name), inner)) => {
                    self.tell_asked(&name, Input::Passed(inner), now, &mut out);
                }
                None => {
                    out.push(Output::Disregarded {
                        why: "this deadline no longer counts".to_owned(),
                    });
                }
            },
            Input::Decided(decision) => self.decide(decision, now, &mut out),
            Input::Undelivered { to } if self.asked.contains_key(&to) => {
                self.tell_asked(&to.clone(), Input::Undelivered { to }, now, &mut out);
            }
            Input::Undelivered { to } => {
                self.tell_client(Input::Undelivered { to }, now, &mut out);
            }
        }
        if out.is_empty() {
            // The agent's word changed nothing for the initiator, who has been answered already.
            out.push(Output::Disregarded { why: "the errand is over".to_owned() });
        }
        (self, out)
    }

    /// The agent whose conversation a message belongs to; `None` when it is for the client's dialogue to judge.
    fn addressee(&self, message: &Message) -> Option<AgentName> {
        let sender = message.sender.as_ref()?.name();
        let asked = self.asked.get(sender)?;
        (asked.conversation() == message.conversation.as_ref()).then(|| sender.clone())
    }

    fn decide(&mut self, decision: BrokerDecision, now: Timestamp, out: &mut Outputs) {
        match decision {
            BrokerDecision::Agree => {
                self.say(Decision::say(Performative::Agree, "looking"), now, out);
            }

            BrokerDecision::Refuse { why } => {
                self.say(Decision::say(Performative::Refuse, why), now, out);
            }
            BrokerDecision::Found(_) if !self.asked.is_empty() => {
                out.push(Output::Impossible { why: "agents are being asked already".to_owned() });
            }
            BrokerDecision::Found(agents) => {
                if self.client.stage() == Stage::Asked {
                    self.say(Decision::say(Performative::Agree, "looking"), now, out);
                }
                match self.errand.clone() {
                    Some(errand) if self.client.stage() == Stage::Agreed => {
                        self.found(&errand, agents, now, out);
                    }
                    Some(_) | None => {
                        out.push(Output::Impossible {
                            why: "no errand waits for agents".to_owned(),
                        });
                    }
                }
            }
        }
    }

    fn found(&mut self, errand: &Errand, agents: Vec<Aid>, now: Timestamp, out: &mut Outputs) {
        if agents.is_empty() {
            let failure = Decision::say(Performative::Failure, "no agent fits");
            return self.say(failure, now, out);
        }
        if errand.protocol().is_none() {
            return self.pass_on(errand, agents, now, out);
        }
        let agents: VecDeque<Aid> = agents.into();
        let at_once = match errand.reach {
            Reach::All => agents.len(),
            Reach::One => 1,
        };
        self.next = agents;
        for _ in 0..at_once {
            self.ask_next(errand, now, out);
        }
    }

    /// Tells several agents something to which no reply is due.
    fn pass_on(&mut self, errand: &Errand, agents: Vec<Aid>, now: Timestamp, out: &mut Outputs) {
        let count = match errand.reach {
            Reach::All => agents.len(),
            Reach::One => 1,
        };
        for agent in agents.into_iter().take(count) {
            let mut message = errand.message.clone().from(self.client.me().clone()).to(agent);
            message.conversation = None;
            out.push(Output::Send(message));
        }
        self.say(Decision::say(Performative::Inform, "passed on"), now, out);
    }

    fn ask_next(&mut self, errand: &Errand, now: Timestamp, out: &mut Outputs) {
        let (Some(agent), Some(protocol)) = (self.next.pop_front(), errand.protocol()) else {
            return;
        };
        let name = agent.name().clone();
        if self.asked.contains_key(&name) {
            // One agent found twice is asked once.
            return self.ask_next(errand, now, out);
        }
        let conversation = self.conversation_with(&name);
        let dialogue = Dialogue::initiator(
            protocol,
            self.client.me().clone(),
            agent,
            conversation,
            self.patience,
        );
        self.asked.insert(name.clone(), dialogue);
        let draft = errand.message.clone().with_reply_to(vec![]);
        self.tell_asked(&name, Input::Decided(Decision::Say(draft)), now, out);
    }

    fn conversation_with(&self, agent: &AgentName) -> ConversationId {
        let client = self.client.conversation().map(ToString::to_string).unwrap_or_default();
        key_of(&["brokered", self.client.peer().name().as_str(), &client, agent.as_str()])
    }

    fn say(&mut self, decision: Decision, now: Timestamp, out: &mut Outputs) {
        self.tell_client(Input::Decided(decision), now, out);
    }

    fn tell_client(&mut self, input: Input, now: Timestamp, out: &mut Outputs) {
        let (client, outputs) = self.client.clone().step(now, input);
        self.client = client;
        for report in self.carry(None, outputs, out) {
            match report {
                Report::Heard(proxy) => self.wanted(&proxy, now, out),
                Report::CancelAsked(_) => {
                    self.cancel_asked(now, out);
                    self.say(Decision::Stopped, now, out);
                }
                Report::CancelFailed(_) => {}
                Report::Ended(ending, _) => {
                    out.push(Output::Report(BrokerReport::Ended(ending)));
                    self.cancel_asked(now, out);
                }
            }
        }
    }

    fn wanted(&mut self, proxy: &Message, now: Timestamp, out: &mut Outputs) {
        match Errand::read(proxy) {
            Ok(errand) => {
                self.errand = Some(errand.clone());
                out.push(Output::Report(BrokerReport::Wanted(errand)));
            }
            Err(problem @ super::NotAnErrand::Form(_)) => {
                if let Some(answer) = proxy.not_understood(self.client.me(), &problem.to_string()) {
                    self.say(Decision::Say(answer), now, out);
                }
            }
            Err(problem @ super::NotAnErrand::Act(_)) => {
                self.say(Decision::say(Performative::Refuse, problem.to_string()), now, out);
            }
        }
    }

    fn tell_asked(&mut self, name: &AgentName, input: Input, now: Timestamp, out: &mut Outputs) {
        let Some(dialogue) = self.asked.get(name).cloned() else { return };
        let (dialogue, outputs) = dialogue.step(now, input);
        self.asked.insert(name.clone(), dialogue);
        for report in self.carry(Some(name), outputs, out) {
            if self.is_ended() {
                continue;
            }
            match report {
                Report::Heard(reply) => self.relay(name, reply, now, out),
                Report::Ended(ending, last) => {
                    self.fruitful |= ending == Ending::Done;
                    if let Some(reply) = last {
                        self.relay(name, reply, now, out);
                    }
                    self.after_one(now, out);
                }
                Report::CancelAsked(_) | Report::CancelFailed(_) => {}
            }
        }
    }

    /// Passes on what an agent said.
    fn relay(&mut self, from: &AgentName, reply: Message, now: Timestamp, out: &mut Outputs) {
        let act = reply.performative;
        let Ok(mark) = RELAYED_FROM.parse::<UserName>() else { return };
        let draft = reply.with_reply_to(vec![]).with_user(mark, Expression::from(from.as_str()));
        self.say(Decision::Say(draft), now, out);
        out.push(Output::Report(BrokerReport::Relayed { from: from.clone(), act }));
    }

    /// One agent's conversation is over: another is asked, or the errand is done.
    fn after_one(&mut self, now: Timestamp, out: &mut Outputs) {
        if !self.fruitful
            && let Some(errand) = self.errand.clone()
        {
            self.ask_next(&errand, now, out);
        }
        if self.is_ended() || !self.asked.values().all(Dialogue::is_ended) {
            return;
        }
        let last = if self.fruitful {
            Decision::say(Performative::Inform, "all replies are in")
        } else {
            Decision::say(Performative::Failure, "nobody brought a result")
        };
        self.say(last, now, out);
    }

    fn cancel_asked(&mut self, now: Timestamp, out: &mut Outputs) {
        self.next.clear();
        let live = |dialogue: &Dialogue| !dialogue.is_ended() && !dialogue.is_being_cancelled();
        let asked = self.asked.iter().filter(|(_, dialogue)| live(dialogue));
        let names: Vec<AgentName> = asked.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.tell_asked(&name, Input::Decided(Decision::Cancel), now, out);
        }
    }

    /// Takes over what a dialogue wants done, deadlines under a name of this machine's; gives back what it reports.
    fn carry(
        &mut self,
        whose: Option<&AgentName>,
        outputs: Vec<Output>,
        out: &mut Outputs,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        for output in outputs {
            match output {
                Output::Send(message) => out.push(Output::Send(message)),
                Output::Report(report) => reports.push(report),
                Output::Arm { timer: inner, at } => {
                    // Only the last deadline that a dialogue armed counts.
                    self.deadlines.retain(|_, (own, _)| own.as_ref() != whose);
                    self.timers = self.timers.wrapping_add(1);
                    let timer = Timer(self.timers);
                    self.deadlines.insert(timer, (whose.cloned(), inner));
                    out.push(Output::Arm { timer, at });
                }
                Output::Impossible { why } => out.push(Output::Impossible { why }),
                Output::Disregarded { why } => out.push(Output::Disregarded { why }),
            }
        }
        reports
    }
}
