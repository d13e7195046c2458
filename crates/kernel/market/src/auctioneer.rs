//! The market as an agent.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{Aid, Message, Performative};
use bottega_behaviour::{Letter as Heard, Office, Resident, Trouble};
use bottega_event::{Letter, TenderChoice, TenderDecided, TenderHeard};
use bottega_types::{MessageId, TenderId};

use crate::floor::{Floor, Stall};
use crate::market::MarketError;
use crate::order::Order;

/// The market as those see it who talk to it.
pub(crate) struct Auctioneer(pub(crate) Arc<Floor>);

#[async_trait]
impl Resident for Auctioneer {
    async fn hear(&mut self, letter: &Heard, office: &dyn Office) -> Result<(), Trouble> {
        let Self(floor) = self;
        let message = &letter.message;
        // A message without a name of its own can't come twice.
        let id = letter.id.unwrap_or_else(|| MessageId::new(office.now(), floor.entropy.as_ref()));
        if message.performative == Performative::Cancel
            && let Some(tender) = floor.ordered(message).await
        {
            return floor.withdraw(tender, message, office).await;
        }
        let conversation = message.conversation.as_ref().and_then(|it| it.id());
        if let Some(tender) = conversation.map(|it| TenderId::from_bits(it.bits())) {
            match floor.knows(tender, message.sender.as_ref()).await {
                Ok(true) => {
                    let happened = TenderHeard { id, letter: Letter::seal(message) };
                    return floor.step(tender, happened.into()).await.map_err(trouble);
                }
                Ok(false) => {
                    let why = "this agent was not called for bids";
                    if let Some(answer) = message.not_understood(&floor.me, why) {
                        // That somebody has gone who asked is no trouble of the market's.
                        let _ = office.send(answer).await;
                    }
                    return Ok(());
                }
                Err(MarketError::NoTender(_)) => {}
                Err(error) => return Err(trouble(error)),
            }
        }
        let answer = if message.performative == Performative::Request {
            match floor.requested(id, message).await {
                Ok(()) => None,
                Err(error @ (MarketError::Store(_) | MarketError::Append(_))) => {
                    return Err(trouble(error));
                }
                Err(error) => {
                    let refusal = message.reply(Performative::Refuse, &floor.me);
                    Some(refusal.about(error.to_string()))
                }
            }
        } else {
            let why = "no tender has this conversation; put a task out with a request";
            message.not_understood(&floor.me, why)
        };
        if let Some(answer) = answer {
            let _ = office.send(answer).await;
        }
        Ok(())
    }
}

impl Floor {
    /// The tender under way that whoever says this asked for by a message: named by that message's conversation, or by its
    /// own.
    async fn ordered(&self, message: &Message) -> Option<TenderId> {
        let by = message.sender.as_ref()?.name();
        let conversation = message.conversation.as_ref()?;
        let named = conversation.id().map(|it| TenderId::from_bits(it.bits()));
        let stalls: Vec<(TenderId, Arc<Stall>)> = {
            let stalls = self.stalls.lock().await;
            stalls.iter().map(|(id, stall)| (*id, Arc::clone(stall))).collect()
        };
        for (id, stall) in stalls {
            let held = stall.lock().await;
            let Some(case) = &held.case else { continue };
            if case.was_asked_for(by, conversation)
                || named == Some(id) && case.was_asked_for_by(by)
            {
                return Some(id);
            }
        }
        None
    }

    /// Gives a tender up, as who asked for it wants, and says how that went (SC00026, cancel meta-protocol).
    async fn withdraw(
        &self,
        id: TenderId,
        message: &Message,
        office: &dyn Office,
    ) -> Result<(), Trouble> {
        self.look_soon(id);
        let decided = TenderDecided { choice: TenderChoice::Cancel };
        let answer = match self.step(id, decided.into()).await {
            Ok(()) => message.reply(Performative::Inform, &self.me).about(id.to_string()),
            Err(MarketError::Impossible(why)) => {
                message.reply(Performative::Failure, &self.me).about(why)
            }
            Err(error) => return Err(trouble(error)),
        };
        // That somebody has gone who asked is no trouble of the market's.
        let _ = office.send(answer).await;
        Ok(())
    }

    /// Whether somebody was called for the bids of a tender.
    async fn knows(&self, id: TenderId, sender: Option<&Aid>) -> Result<bool, MarketError> {
        let stall = self.stall(id).await;
        let mut held = stall.lock().await;
        if !held.sure {
            self.steps(&mut held, VecDeque::new()).await?;
        }
        let case = held.case.as_ref().ok_or(MarketError::NoTender(id))?;
        Ok(sender.is_some_and(|sender| case.knows(sender.name())))
    }

    /// An agent asks for a tender. The message's name is the tender's, so that one that comes twice opens one.
    async fn requested(&self, id: MessageId, message: &Message) -> Result<(), MarketError> {
        let malformed = |why: String| MarketError::Impossible(why);
        let sender = message.sender.as_ref();
        let by = sender.ok_or_else(|| malformed("nobody says this".to_owned()))?.name().clone();
        let content = message.content.as_ref().map(|content| content.as_bytes());
        let order: Order =
            serde_json::from_slice(content.unwrap_or_default()).map_err(|error| {
                let example = r#"{"task":"greet Ada","skill":"greeting"}"#;
                malformed(format!("the content is no order: {error}; write {example}"))
            })?;
        self.open(TenderId::from_bits(id.bits()), by, order, Some(message)).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn trouble(error: MarketError) -> Trouble {
    Trouble(error.to_string())
}
