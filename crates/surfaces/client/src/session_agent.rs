//! An agent that is hosted and whose work is sessions: each message that asks for something is a session's task.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::contract_net::{Announcement, Award, Delivery, Past, Prior, estimate};
use bottega_acl::{AgentName, Aid, ConversationRef, Message, Performative};
use bottega_api::{ApiError, Ending, RunEvent, RunRequest, RunTotals, SessionState, codes};
use bottega_behaviour::{Guest, Letter, Office, Resident, Trouble, Unsent};
use bottega_manifest::{AgentDefinition, Host, Manifest};
use bottega_platform::{MindMaker, Minds};
use bottega_policy::AccessMode;
use bottega_types::{ConversationId, MessageId, Money, SessionId, Timestamp};
use futures::{FutureExt as _, StreamExt as _};

use crate::in_process::Nobody;
use crate::{AgentCosts, Audience, Run, Sessions};

/// Earlier sessions that a bid is estimated by.
const REMEMBERED: usize = 50;
/// Sessions that are looked through for them.
const LOOKED_THROUGH: usize = 2_000;
/// Who puts tasks out to tender here.
const MARKET: &str = "market";
/// What a task is believed to cost where neither the definition nor the announcement says anything.
const USUAL_COST: Money = Money::from_nanos(10_000_000);
/// How long a task is believed to take before any was done.
const USUAL_TIME: Duration = Duration::from_secs(120);

/// Who is told what an agent does while it works, and what that costs.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Whoever follows what caused it.
    pub audience: Arc<Audience>,
    /// What agents have cost.
    pub costs: Arc<AgentCosts>,
}

impl Told {
    /// Something happened in a session of the agent's, which has cost `before` until now. What it has cost from here on.
    fn take(&self, agent: &str, event: &RunEvent, before: Money) -> Money {
        self.audience.tell(agent, event);
        let (RunEvent::Totals { totals } | RunEvent::Ended { totals, .. }) = event else {
            return before;
        };
        let spent = dollars(totals.known_cost_usd);
        if totals.cost_usd.is_some() || spent > before {
            self.costs.add(agent, spent.saturating_sub(before));
        }
        spent.max(before)
    }
}

/// An agent that a language model plays, ready to be hosted.
pub struct SessionGuest {
    /// Its whole name, under which its sessions are kept too.
    name: String,
    /// What it is.
    definition: AgentDefinition,
    /// Where its sessions are worked on.
    sessions: Arc<dyn Sessions>,
    /// Where its mind is put, so that they can be.
    minds: Arc<Minds>,
    /// Who is told what it does and what that costs.
    told: Told,
    /// Makes its mind.
    mind: MindMaker,
    /// The tools that it was granted, by their own names.
    tools: Arc<[String]>,
    manifest: Manifest,
}

impl std::fmt::Debug for SessionGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionGuest").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SessionGuest {
    /// The agent of that definition.
    #[must_use]
    pub fn new(
        name: String,
        definition: AgentDefinition,
        sessions: Arc<dyn Sessions>,
        minds: Arc<Minds>,
        told: Told,
        mind: MindMaker,
        tools: Arc<[String]>,
    ) -> Self {
        let manifest = definition.manifest();
        Self { name, definition, sessions, minds, told, mind, tools, manifest }
    }
}

impl Guest for SessionGuest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn resident(&self, _: Arc<dyn Host>, home: &Path, _: &str) -> Box<dyn Resident> {
        self.minds.put(self.name.clone(), Arc::clone(&self.mind), Arc::clone(&self.tools));
        Box::new(SessionAgent {
            name: self.name.clone(),
            definition: self.definition.clone(),
            sessions: Arc::clone(&self.sessions),
            told: self.told.clone(),
            home: home.to_owned(),
            bids: Bids::default(),
            stopped: Talks::default(),
        })
    }
}

/// Conversations, each with whom it is held; the latest are remembered.
#[derive(Debug, Default)]
struct Talks(VecDeque<(Option<ConversationRef>, AgentName)>);

impl Talks {
    const MOST: usize = 4_096;

    fn note(&mut self, message: &Message) {
        let Some(sender) = &message.sender else { return };
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back((message.conversation.clone(), sender.name().clone()));
    }

    fn place(&self, message: &Message) -> Option<usize> {
        let sender = message.sender.as_ref()?.name();
        self.0.iter().position(|(talk, whom)| *talk == message.conversation && whom == sender)
    }

    /// Whether it is one of these; it is forgotten.
    fn take(&mut self, message: &Message) -> bool {
        self.place(message).and_then(|place| self.0.remove(place)).is_some()
    }
}

/// Where the latest proposals were made, and to whom: an award is work, so nobody gives one who did not ask for a bid.
#[derive(Debug, Default)]
struct Bids(Talks);

impl Bids {
    fn note(&mut self, call: &Message) {
        self.0.note(call);
    }

    /// Whether an award may come of a proposal. The market's always may: it awards nobody who did not bid, and no client
    /// speaks in the name of the server's own agents.
    fn awaits(&self, award: &Message, me: &Aid) -> bool {
        let Some(sender) = award.sender.as_ref().map(Aid::name) else { return false };
        let is_market = sender.local() == MARKET && sender.platform() == me.name().platform();
        is_market || self.0.place(award).is_some()
    }
}

/// One incarnation. It keeps nothing but to whom it made proposals, and whose work was stopped: what it knows stands in its
/// sessions.
struct SessionAgent {
    name: String,
    definition: AgentDefinition,
    sessions: Arc<dyn Sessions>,
    told: Told,
    /// The workspace of its sessions.
    home: PathBuf,
    bids: Bids,
    stopped: Talks,
}

/// What bounds a task beside what its agent's definition says.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    /// What is paid for it.
    paid: Option<Money>,
    /// When its time is over.
    until: Option<Timestamp>,
}

/// How a task ended.
struct Outcome {
    ending: Ending,
    words: String,
    totals: RunTotals,
    /// Whether whoever asked for it took it back: then nobody waits for its result.
    taken_back: bool,
}

impl Outcome {
    /// Nothing was done.
    fn unbegun(ending: Ending, words: String) -> Self {
        Self { ending, words, totals: RunTotals::default(), taken_back: false }
    }

    fn spent(&self) -> Money {
        dollars(self.totals.cost_usd.unwrap_or(self.totals.known_cost_usd))
    }
}

fn dollars(amount: f64) -> Money {
    // Whole billionths; what is no amount is nothing.
    format!("{:.9}", amount.max(0.0)).parse().unwrap_or(Money::ZERO)
}

#[async_trait]
impl Resident for SessionAgent {
    async fn begin(&mut self, _: &dyn Office) -> Result<(), Trouble> {
        std::fs::create_dir_all(&self.home).map_err(|error| {
            Trouble(format!("the folder `{}` can't be made: {error}", self.home.display()))
        })
    }

    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let me = office.me();
        let answer = match message.performative {
            Performative::Request | Performative::QueryIf | Performative::QueryRef => {
                let Some(task) = message.content.as_ref().and_then(|it| it.as_text()) else {
                    let why = "the content must be text that says what is wanted";
                    return reply(office, message.not_understood(me, why)).await;
                };
                let bounds = Bounds::default();
                let outcome = self.work(letter, task.to_owned(), bounds, office).await?;
                if outcome.taken_back {
                    return Ok(());
                }
                let act = match outcome.ending {
                    Ending::Done => Performative::Inform,
                    Ending::Refused => Performative::Refuse,
                    Ending::Failed | Ending::Limit | Ending::Provider | Ending::Interrupted => {
                        Performative::Failure
                    }
                };
                Some(message.reply(act, me).about(outcome.words))
            }
            Performative::Cfp => match Announcement::read(message) {
                Ok(announcement) => {
                    let answer = self.bid(message, &announcement, office).await?;
                    if answer.as_ref().is_some_and(|it| it.performative == Performative::Propose) {
                        self.bids.note(message);
                    }
                    answer
                }
                Err(problem) => message.not_understood(me, &problem.to_string()),
            },
            Performative::AcceptProposal if !self.bids.awaits(message, me) => {
                message.not_understood(me, "this agent has made no proposal in this conversation")
            }
            Performative::AcceptProposal => match Award::read(message) {
                Ok(award) => self.deliver(letter, &award, office).await?,
                Err(problem) => message.not_understood(me, &problem.to_string()),
            },
            Performative::Cancel => Some(match self.stopped.take(message) {
                true => message.reply(Performative::Inform, me).about("it was stopped"),
                false => {
                    let why = "nothing that belongs to this conversation is under way";
                    message.reply(Performative::Failure, me).about(why)
                }
            }),
            // News that ask for nothing.
            Performative::Inform
            | Performative::Confirm
            | Performative::Disconfirm
            | Performative::Agree
            | Performative::RejectProposal
            | Performative::Failure
            | Performative::Refuse
            | Performative::NotUnderstood
            | Performative::InformIf
            | Performative::InformRef => None,
            Performative::Propose
            | Performative::Propagate
            | Performative::Proxy
            | Performative::RequestWhen
            | Performative::RequestWhenever
            | Performative::Subscribe => {
                message.not_understood(me, "this agent takes requests, queries and calls for bids")
            }
        };
        reply(office, answer).await
    }
}

impl SessionAgent {
    /// A bid by what earlier tasks really cost and took; a refusal where that is more than is paid.
    async fn bid(
        &self,
        message: &Message,
        announcement: &Announcement,
        office: &dyn Office,
    ) -> Result<Option<Message>, Trouble> {
        let half = |money: Money| Money::from_nanos(money.as_nanos() / 2);
        let cost = self.definition.budget.or(announcement.budget).map_or(USUAL_COST, half);
        let prior = Prior { cost, takes: USUAL_TIME };
        let known = self.sessions.list(None, LOOKED_THROUGH).await.map_err(trouble)?;
        let past: Vec<Past> = known
            .iter()
            .filter(|session| session.agent == self.name)
            .filter_map(|session| {
                let totals = &session.totals;
                Some(Past {
                    cost: dollars(totals.cost_usd.unwrap_or(totals.known_cost_usd)),
                    took: Duration::from_millis(
                        session.updated_ms - session.started_ms.min(session.updated_ms),
                    ),
                    done: session.ending? == Ending::Done,
                })
            })
            .take(REMEMBERED)
            .collect();
        let bid = estimate(&past, prior);
        let me = office.me();
        if self.definition.budget.is_some_and(|budget| bid.price > budget) {
            let why = "it would cost more than this agent may spend on a task";
            return Ok(Some(message.reply(Performative::Refuse, me).about(why)));
        }
        let mut answer = message.reply(Performative::Propose, me);
        answer.content = bid.say().content;
        Ok(Some(answer))
    }

    /// Does what was awarded, for no more than it is paid.
    async fn deliver(
        &mut self,
        letter: &Letter,
        award: &Award,
        office: &dyn Office,
    ) -> Result<Option<Message>, Trouble> {
        let (message, me) = (&letter.message, office.me());
        if award.task.is_empty() {
            let why = "the award does not say what is to be done";
            return Ok(Some(message.reply(Performative::Failure, me).about(why)));
        }
        // Where nothing is paid, its own budget alone bounds it: a local model costs nothing.
        let paid = (award.pay > Money::ZERO).then_some(award.pay);
        let bounds = Bounds { paid, until: Some(award.finish_by) };
        let outcome = self.work(letter, award.task.clone(), bounds, office).await?;
        if outcome.taken_back {
            return Ok(None);
        }
        if outcome.ending != Ending::Done {
            return Ok(Some(message.reply(Performative::Failure, me).about(outcome.words)));
        }
        let spent = Some(outcome.spent());
        let mut answer = message.reply(Performative::Inform, me);
        answer.content = Delivery { result: outcome.words, spent }.say().content;
        Ok(Some(answer))
    }

    /// Works on a task until it ends, or until it is taken back.
    async fn work(
        &mut self,
        letter: &Letter,
        task: String,
        bounds: Bounds,
        office: &dyn Office,
    ) -> Result<Outcome, Trouble> {
        let taken_back = office.taken_back(&letter.message);
        let outcome = self.try_to_end(letter, task, bounds, office.now(), taken_back).await?;
        if outcome.taken_back {
            self.stopped.note(&letter.message);
        }
        Ok(outcome)
    }

    /// Works on a task in a session of its own. A message that comes again goes on in the session of its first coming, so
    /// that no model is asked twice.
    async fn try_to_end(
        &self,
        letter: &Letter,
        task: String,
        bounds: Bounds,
        now: Timestamp,
        taken_back: impl Future<Output = ()> + Send,
    ) -> Result<Outcome, Trouble> {
        let mut taken_back = std::pin::pin!(taken_back.fuse());
        if (&mut taken_back).now_or_never().is_some() {
            let words = "it was taken back before it was begun".to_owned();
            return Ok(Outcome {
                taken_back: true,
                ..Outcome::unbegun(Ending::Interrupted, words)
            });
        }
        // One message may go to several agents, and each works on it in a session of its own.
        let session = letter.id.map(|id| {
            let message = ConversationId::from_bits(id.bits());
            SessionId::from_bits(MessageId::nth(message, &self.name, 0).bits())
        });
        let left = bounds.until.map(|until| until.since(now));
        let most = self.definition.max_time.map(|time| time.0);
        let span = most.into_iter().chain(left).min();
        let request = RunRequest {
            task,
            agent: Some(self.name.clone()),
            workspace: Some(self.home.clone()),
            model: self.definition.model.clone(),
            // There is nobody to ask, so what would be asked is refused.
            access_mode: Some(AccessMode::Auto),
            max_turns: self.definition.max_turns,
            max_cost: self
                .definition
                .budget
                .map(|budget| budget.to_string().trim_start_matches('$').to_owned()),
            paid: bounds.paid,
            max_seconds: span.map(|span| span.as_secs().max(1)),
            named: session,
            ..RunRequest::default()
        };
        // An earlier process may have begun it, which no attempt counts.
        let before = match session {
            Some(session) => match self.sessions.show(session).await {
                Ok(detail) => Some((session, detail)),
                Err(error) if error.code == codes::NO_SESSION.name => None,
                Err(error) => return Err(trouble(error)),
            },
            None => None,
        };
        let spent_before = before
            .as_ref()
            .map_or(Money::ZERO, |(_, detail)| dollars(detail.summary.totals.known_cost_usd));
        let run = match before {
            // Whoever waited for it has given it to another by now.
            None if left.is_some_and(|left| left.is_zero()) => {
                let words = "its time was over before it could be begun".to_owned();
                return Ok(Outcome::unbegun(Ending::Limit, words));
            }
            None => self.sessions.run(request, Arc::new(Nobody)).await,
            Some((_, detail))
                if matches!(detail.summary.state, SessionState::Done | SessionState::Failed) =>
            {
                let words = if detail.answer.is_empty() { detail.why } else { Some(detail.answer) };
                return Ok(Outcome {
                    ending: detail.summary.ending.unwrap_or(Ending::Failed),
                    words: words.unwrap_or_default(),
                    totals: detail.summary.totals,
                    taken_back: false,
                });
            }
            Some((session, _)) => {
                let request = RunRequest { session: Some(session), task: String::new(), ..request };
                self.sessions.resume(request, Arc::new(Nobody)).await
            }
        };
        let Run { mut events, control, .. } = match run {
            Ok(run) => run,
            // No model, no budget, no key: the next message would fare no better after a crash.
            Err(error) => {
                let words = format!("{} ({}); {}", error.message, error.code, error.next_step);
                return Ok(Outcome::unbegun(Ending::Failed, words));
            }
        };
        let mut spent = spent_before;
        let mut stopped = false;
        loop {
            let next = tokio::select! {
                biased;
                next = events.next() => next,
                () = &mut taken_back => {
                    stopped = true;
                    control.interrupt().await;
                    continue;
                }
            };
            let Some(event) = next else { break };
            spent = self.told.take(&self.name, &event, spent);
            if let RunEvent::Ended { ending, why, answer, totals, .. } = event {
                let words = if answer.is_empty() { why.unwrap_or_default() } else { answer };
                // One that ended by itself in this moment is whole: its result is told all the same.
                let taken_back = stopped && ending == Ending::Interrupted;
                return Ok(Outcome { ending, words, totals, taken_back });
            }
        }
        Err(Trouble("the session ended without saying how".to_owned()))
    }
}

fn trouble(error: ApiError) -> Trouble {
    Trouble(error.message)
}

/// Sends an answer. That nobody is there any more who asked is no trouble of the agent's.
async fn reply(office: &dyn Office, answer: Option<Message>) -> Result<(), Trouble> {
    let Some(answer) = answer else { return Ok(()) };
    match office.send(answer).await {
        Ok(()) | Err(Unsent::Undelivered(_)) => Ok(()),
        Err(Unsent::Inadmissible(why)) => Err(Trouble(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_award_comes_of_a_proposal() {
        let aid = |name: &str| -> Aid { name.parse().unwrap() };
        let said = |act, by: &str, talk: &str| {
            Message::new(act).from(aid(by)).within(ConversationRef::new(talk))
        };
        let me = aid("poet@here");
        let mut bids = Bids::default();
        bids.note(&said(Performative::Cfp, "ada@here", "one"));
        let awaits =
            |bids: &Bids, by, talk| bids.awaits(&said(Performative::AcceptProposal, by, talk), &me);
        assert!(awaits(&bids, "ada@here", "one") && awaits(&bids, "market@here", "any"));
        assert!(!awaits(&bids, "ada@here", "two") && !awaits(&bids, "bob@here", "one"));
        assert!(!awaits(&bids, "market@there", "any"));
        assert!(!bids.awaits(&Message::new(Performative::AcceptProposal), &me));
        for number in 0..Talks::MOST {
            bids.note(&said(Performative::Cfp, "bob@here", &number.to_string()));
        }
        assert!(!awaits(&bids, "ada@here", "one"), "what is remembered is bounded");
    }
}
