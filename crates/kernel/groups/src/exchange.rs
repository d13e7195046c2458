//! Topics and queue groups as an agent, and as what others publish through.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::topic::{GroupName, Recipient, Subscription, TopicName, TopicPattern, Topics};
use bottega_acl::{AgentName, Aid, Expression, Message, Performative, UserName};
use bottega_actor::{Backoff, TaskKind, to_its_end};
use bottega_agency::{Agency, AgencyError, Delivery, HostSpec, requested, say};
use bottega_behaviour::{Letter, Office, Resident, Trouble, Undelivered, Unsent};
use bottega_event::{StreamId, TopicEvent, TopicSubscribed, TopicUnsubscribed};
use bottega_store::{Append, Batch, Expected, Journal, Projections, catch_up};
use bottega_types::{Clock, CommandId, ConversationId, Entropy, MessageId};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::blackboard;
use crate::error::GroupError;
use crate::subscription_view::SubscriptionView;

/// What the exchange is called, before the `@`.
const NAME: &str = "topics";
/// The parameter of a published message that names its topic.
const TOPIC: &str = "X-topic";
/// What a content must look like.
const EXAMPLE: &str = r#"{"action":"publish","topic":"orders.eu.new","content":"one hinge"}"#;
/// Rows of a view that are read at a time.
const ROWS: usize = 512;

/// What groups are made of.
#[derive(Clone)]
pub struct Options {
    /// Where the agents live.
    pub agency: Arc<Agency>,
    /// Where what is to last is stored.
    pub journal: Arc<dyn Journal>,
    /// Views of it.
    pub views: Arc<dyn Projections>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Something to be told to all who subscribed.
#[derive(Clone, Debug)]
pub struct Publication {
    /// On which topic.
    pub topic: TopicName,
    /// What is said: act, content, conversation. Sender and receivers are filled in.
    pub message: Message,
    /// To whom answers go.
    pub by: Aid,
    /// Its name, so that it is stored once for each receiver however often it is published.
    pub id: Option<MessageId>,
    /// How it is kept, instead of what each receiver says.
    pub class: Option<Delivery>,
}

/// Who was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Those who have it in their mailbox or mail.
    pub reached: Vec<AgentName>,
    /// Those who could not be told, with the reason. Members of a queue group stand here too whose turn another one took.
    pub missed: Vec<(AgentName, Undelivered)>,
}

/// Tells all who subscribed what is published.
#[derive(Clone)]
pub struct Exchange(Arc<Hall>);

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("me", &self.0.me).finish_non_exhaustive()
    }
}

/// What the exchange and its agent share.
struct Hall {
    me: Aid,
    topic: UserName,
    options: Options,
    table: Mutex<Topics>,
    /// Held between a decision and its folding.
    turn: tokio::sync::Mutex<()>,
}

impl Exchange {
    /// One that is not begun yet.
    ///
    /// # Errors
    /// When the platform's name gives no name for it.
    pub fn new(options: Options) -> Result<Self, GroupError> {
        let name: AgentName = format!("{NAME}@{}", options.agency.platform()).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let topic = TOPIC
            .parse()
            .map_err(|error: bottega_acl::NotAUserName| GroupError::Malformed(error.to_string()))?;
        let (table, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self(Arc::new(Hall { me: Aid::new(name), topic, options, table, turn })))
    }

    /// Remembers who subscribed in earlier processes, and lets the exchange live in its agency.
    ///
    /// # Errors
    /// When its name is taken, and when the store fails.
    pub async fn begin(&self) -> Result<(), GroupError> {
        let Self(hall) = self;
        hall.restore().await?;
        let shared = Arc::clone(hall);
        let make = move || -> Box<dyn Resident> { Box::new(Crier(Arc::clone(&shared))) };
        let kind = "native topics".to_owned();
        let spec = HostSpec::new(hall.me.name().clone(), make).durable();
        hall.options.agency.host(HostSpec { kind, backoff: REST, ..spec }).await?;
        Ok(())
    }

    /// An agent is to be told of what is published; whether that is new.
    ///
    /// # Errors
    /// When nobody of that name lives here, there are too many already, or the store fails.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<bool, GroupError> {
        lasting(Arc::clone(&self.0).subscribe(subscription)).await
    }

    /// It is to be told no more; whether it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unsubscribe(&self, subscription: Subscription) -> Result<bool, GroupError> {
        lasting(Arc::clone(&self.0).unsubscribe(vec![subscription])).await
    }

    /// An agent has gone: it is told of nothing any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(&self, agent: &AgentName) -> Result<(), GroupError> {
        let hall = Arc::clone(&self.0);
        let own: Vec<Subscription> = hall.table().subscriptions(agent).collect();
        lasting(hall.unsubscribe(own)).await.map(drop)
    }

    /// All subscriptions, or those of one agent, in the order of the agents' names.
    #[must_use]
    pub fn subscriptions(&self, of: Option<&AgentName>) -> Vec<Subscription> {
        let table = self.0.table();
        match of {
            Some(agent) => table.subscriptions(agent).collect(),
            None => table.all().collect(),
        }
    }

    /// Tells all who subscribed. Returns when each has it in its mailbox or mail, or can't be told.
    ///
    /// # Errors
    /// When the topic is the blackboard's own.
    pub async fn publish(&self, publication: Publication) -> Result<Published, GroupError> {
        lasting(Arc::clone(&self.0).publish_for_others(publication)).await
    }

    /// As [`Self::publish`], for the blackboard itself.
    pub(crate) async fn tell(&self, publication: Publication) -> Published {
        Arc::clone(&self.0).publish(publication).await
    }
}

impl Hall {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn table(&self) -> MutexGuard<'_, Topics> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn restore(&self) -> Result<(), GroupError> {
        let Options { journal, views, .. } = &self.options;
        catch_up(&SubscriptionView, journal.as_ref(), views.as_ref()).await?;
        let mut after = None::<String>;
        loop {
            let page = views.rows(SubscriptionView::NAME, "", after.as_deref(), ROWS).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, row) in &page {
                let Ok(subscription) = serde_json::from_slice(row) else { continue };
                if let Err(error) = self.table().subscribe(subscription) {
                    tracing::warn!(key, %error, "a subscription of an earlier process is not kept");
                }
            }
        }
    }

    async fn store(&self, events: Vec<TopicEvent>) -> Result<(), GroupError> {
        let Options { journal, clock, entropy, .. } = &self.options;
        let at = clock.now();
        let append = Append {
            command: CommandId::new(at, entropy.as_ref()),
            at,
            batches: vec![Batch {
                stream: StreamId::topics(),
                expected: Expected::Any,
                events: events.iter().map(TopicEvent::encode).collect(),
            }],
        };
        journal.append(append).await?;
        Ok(())
    }

    async fn subscribe(self: Arc<Self>, subscription: Subscription) -> Result<bool, GroupError> {
        if !self.options.agency.stays(&subscription.agent) {
            return Err(GroupError::Unknown(subscription.agent));
        }
        let _turn = self.turn.lock().await;
        if !self.table().admits(&subscription)? {
            return Ok(false);
        }
        self.store(vec![TopicSubscribed { subscription: subscription.clone() }.into()]).await?;
        Ok(self.table().subscribe(subscription)?)
    }

    async fn unsubscribe(
        self: Arc<Self>,
        subscriptions: Vec<Subscription>,
    ) -> Result<bool, GroupError> {
        let _turn = self.turn.lock().await;
        let standing: Vec<Subscription> = {
            let table = self.table();
            let stands =
                |one: &Subscription| table.subscriptions(&one.agent).any(|own| own == *one);
            subscriptions.into_iter().filter(stands).collect()
        };
        if standing.is_empty() {
            return Ok(false);
        }
        let gone = |subscription: &Subscription| {
            TopicUnsubscribed { subscription: subscription.clone() }.into()
        };
        self.store(standing.iter().map(gone).collect()).await?;
        let mut table = self.table();
        for subscription in &standing {
            table.unsubscribe(subscription);
        }
        Ok(true)
    }

    async fn publish_for_others(
        self: Arc<Self>,
        publication: Publication,
    ) -> Result<Published, GroupError> {
        // Nobody else says what became of the blackboard.
        if publication.topic.words().next() == Some(blackboard::NAME) {
            let why = format!("topics below `{}` are the blackboard's own", blackboard::NAME);
            return Err(GroupError::Malformed(why));
        }
        Ok(self.publish(publication).await)
    }

    async fn publish(self: Arc<Self>, publication: Publication) -> Published {
        let receivers = self.table().receivers(&publication.topic);
        let told = receivers.into_iter().map(|to| self.hand_over(&publication, to));
        let mut published = Published::default();
        for Published { reached, missed } in join_all(told).await {
            published.reached.extend(reached);
            published.missed.extend(missed);
        }
        published
    }

    /// Tells one; where it can't be told, those of its queue groups who come next.
    async fn hand_over(&self, publication: &Publication, to: Recipient) -> Published {
        let Recipient { agent, groups } = to;
        let mut published = Published::default();
        let turn = groups.first().map_or_else(|| Turn::Own(&agent), Turn::Of);
        let Err(why) = self.tell(publication, &agent, turn).await else {
            published.reached.push(agent);
            return published;
        };
        let mut tried = BTreeSet::from([agent.clone()]);
        published.missed.push((agent, why));
        for group in &groups {
            loop {
                let next = self.table().next_of(group, &publication.topic, &tried);
                let Some(next) = next else { break };
                match self.tell(publication, &next, Turn::Of(group)).await {
                    Ok(()) => {
                        published.reached.push(next);
                        break;
                    }
                    Err(why) => {
                        tried.insert(next.clone());
                        published.missed.push((next, why));
                    }
                }
            }
        }
        published
    }

    /// One publication has one message for each turn.
    async fn tell(
        &self,
        publication: &Publication,
        to: &AgentName,
        turn: Turn<'_>,
    ) -> Result<(), Undelivered> {
        let Publication { topic, message, by, id, class } = publication;
        let message = message
            .clone()
            .from(self.me.clone())
            .to(Aid::new(to.clone()))
            .with_reply_to(vec![by.clone()])
            .with_user(self.topic.clone(), Expression::from(topic.as_str()));
        let id = id.map(|id| turn.message(id));
        match self.options.agency.send(message, id, *class).await {
            Ok(_) => Ok(()),
            Err(Unsent::Undelivered(mut failed)) => {
                Err(failed.pop().map_or(Undelivered::Unknown, |(_, why)| why))
            }
            Err(Unsent::Inadmissible(why)) => Err(Undelivered::Store(why)),
        }
    }
}

/// Whose a message is. A group may be called as an agent is.
#[derive(Clone, Copy, Debug)]
enum Turn<'t> {
    /// An agent's own.
    Own(&'t AgentName),
    /// A queue group's, whichever of its members gets it.
    Of(&'t GroupName),
}

impl Turn<'_> {
    /// The message's name, the same when it is published again.
    fn message(self, publication: MessageId) -> MessageId {
        let of = ConversationId::from_bits(publication.bits());
        match self {
            Self::Own(agent) => MessageId::nth(of, agent.as_str(), 0),
            Self::Of(group) => MessageId::nth(of, group.as_str(), 1),
        }
    }
}

/// Runs to its end, whether whoever asked for it stays or not: what is stored is folded in, and all are told.
pub(crate) async fn lasting<T: Send + 'static>(
    work: impl Future<Output = Result<T, GroupError>> + Send + 'static,
) -> Result<T, GroupError> {
    to_its_end(TaskKind::Clerk, work).await.unwrap_or(Err(GroupError::Broken))
}

/// How long one of these rests after it failed: the store may be there again by then.
pub(crate) const REST: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(30),
    factor: 2.0,
    jitter: 0.5,
    calm: Duration::from_secs(60),
};

/// What the exchange is asked for: the content of a `request`, as JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Action {
    Subscribe { pattern: TopicPattern, group: Option<GroupName> },
    Unsubscribe { pattern: TopicPattern, group: Option<GroupName> },
    List {},
    Publish { topic: TopicName, content: Value },
}

/// The exchange as those see it who talk to it.
struct Crier(Arc<Hall>);

#[async_trait]
impl Resident for Crier {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let Self(hall) = self;
        let message = &letter.message;
        let takes = "topics takes a request to publish, subscribe, unsubscribe or list";
        let asked: Action = match requested(message, takes, EXAMPLE) {
            Ok(action) => action,
            Err(why) => return say(office, message.not_understood(office.me(), &why)).await,
        };
        let Some(by) = message.sender.clone() else { return Ok(()) };
        let answer = match hall.carry_out(asked, letter, by).await {
            Ok(done) => message.reply(Performative::Inform, office.me()).about(done.to_string()),
            Err(error) if error.is_passing() => return Err(Trouble(error.to_string())),
            Err(error) => message.reply(Performative::Refuse, office.me()).about(error.to_string()),
        };
        say(office, Some(answer)).await
    }
}

impl Hall {
    async fn carry_out(
        self: &Arc<Self>,
        action: Action,
        letter: &Letter,
        by: Aid,
    ) -> Result<Value, GroupError> {
        let own = |pattern, group| Subscription { agent: by.name().clone(), pattern, group };
        match action {
            Action::Subscribe { pattern, group } => {
                let fresh = lasting(Arc::clone(self).subscribe(own(pattern, group))).await?;
                Ok(json!({ "new": fresh }))
            }
            Action::Unsubscribe { pattern, group } => {
                let gone = Arc::clone(self).unsubscribe(vec![own(pattern, group)]);
                let stood = lasting(gone).await?;
                Ok(json!({ "ended": stood }))
            }
            Action::List {} => {
                let own: Vec<Subscription> = self.table().subscriptions(by.name()).collect();
                Ok(json!({ "subscriptions": own }))
            }
            Action::Publish { topic, content } => {
                let content = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
                let mut message = Message::new(Performative::Inform).about(content);
                message.conversation.clone_from(&letter.message.conversation);
                let publication = Publication { topic, message, by, id: letter.id, class: None };
                let told = lasting(Arc::clone(self).publish_for_others(publication));
                let Published { reached, missed } = told.await?;
                let missed = missed
                    .iter()
                    .map(|(agent, why)| json!({ "agent": agent.as_str(), "why": why.to_string() }));
                Ok(json!({ "reached": reached, "missed": missed.collect::<Vec<_>>() }))
            }
        }
    }
}
