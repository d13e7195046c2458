//! What an actor is, and how it ends.

use std::fmt;

use crate::context::Context;
use crate::watch::Signal;

/// State that only one task touches, reached by messages alone.
///
/// The kernel calls one method at a time, so none of them needs a lock. An `Err` and a panic are the same to it: the
/// incarnation ends as crashed, its state is dropped, and its supervisor decides what follows.
///
/// ```
/// use std::time::Duration;
/// use bottega_actor::{Actor, Context, Fault, Reply, Spawn, System};
///
/// struct Counter(u64);
///
/// enum Ask {
///     Add(u64),
///     Total(Reply<u64>),
/// }
///
/// impl Actor for Counter {
///     type Message = Ask;
///
///     async fn handle(&mut self, message: Ask, _: &mut Context<Ask>) -> Result<(), Fault> {
///         match message {
///             Ask::Add(more) => self.0 = self.0.checked_add(more).ok_or("the sum is too large")?,
///             Ask::Total(reply) => reply.send(self.0),
///         }
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let system = System::default();
/// let counter = system.spawn(Spawn::default(), Counter(0)).unwrap();
/// let _ = counter.tell(Ask::Add(2));
/// let _ = counter.tell(Ask::Add(3));
/// assert_eq!(counter.ask(Duration::from_secs(1), Ask::Total).await, Ok(5));
/// # });
/// ```
pub trait Actor: Sized + Send + 'static {
    /// What it is told.
    type Message: Send + 'static;

    /// What the tree shows as its kind.
    const KIND: &'static str = "actor";

    /// How often one message is begun at most, when [`Actor::keep`] keeps it and each time the actor crashes over it.
    const ATTEMPTS: u32 = 3;

    /// Prepares a new incarnation, before its first message. It counts as started when this returned `Ok`.
    fn init(
        &mut self,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = context;
        std::future::ready(Ok(()))
    }

    /// Deals with one message. Dropped at an await point when the actor is killed.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Deals with the end of an actor that this one is linked to or monitors; it comes before all waiting messages.
    /// Unless overridden, the crash of a linked actor is passed on as this actor's own.
    fn signal(
        &mut self,
        signal: Signal,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = context;
        std::future::ready(match signal {
            Signal::Down(_) => Ok(()),
            Signal::Linked(down) => match down.ending {
                Ending::Normal => Ok(()),
                ending @ (Ending::Crashed(_) | Ending::Killed) => {
                    Err(Fault::new(format!("linked actor {} ended: {ending}", down.id)))
                }
            },
        })
    }

    /// Tidies up at an orderly end, after the last message. Not called after a crash or a kill.
    fn stop(
        &mut self,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = context;
        std::future::ready(Ok(()))
    }

    /// What is delivered again, first of all, if the actor crashes over `message`. `None`, unless overridden: the crash
    /// is reported with a lost message. Called before each message is begun.
    #[must_use]
    fn keep(message: &Self::Message) -> Option<Self::Message> {
        let _ = message;
        None
    }
}

/// Why an actor can't go on, in words. Made of any error by `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// The fault with these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// The words.
    #[must_use]
    pub fn into_words(self) -> String {
        self.0
    }
}

/// Any error is a fault, and so is a string. `Fault` is no error itself, so that the two can't overlap.
impl<E: Into<Box<dyn std::error::Error>>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.into().to_string())
    }
}

/// How an incarnation of an actor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to stop, or stopped by itself.
    Normal,
    /// A panic or a fault, in its words.
    Crashed(String),
    /// It was cut off.
    Killed,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("as it should"),
            Self::Crashed(words) => write!(f, "crashed: {words}"),
            Self::Killed => f.write_str("killed"),
        }
    }
}

/// An actor's identity within its [`System`](crate::System). Restarts keep it; it is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId(pub(crate) u64);

impl ActorId {
    /// The bare number, in order of birth from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "act_{}", self.0)
    }
}
