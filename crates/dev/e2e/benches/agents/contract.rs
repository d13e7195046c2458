//! Contract Net with ten bidders: call, ten proposals, one acceptance and nine refusals, the result. Agents under the
//! agency, each with its supervisor, next to bare Erlang processes that say the same to each other.

use async_trait::async_trait;
use bottega_acl::{Aid, ConversationRef, Message, Performative, Receivers};
use bottega_agency::HostSpec;
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use std::time::Instant;
use tokio::sync::mpsc;

use crate::row::{Goal, Row, median};
use crate::{Failure, agency, erlang, name, spade};

const TURNS: usize = 5;
const BIDDERS: usize = 10;
/// Rounds of one turn, of all initiators together.
const ROUNDS: usize = 10_000;

struct Initiator {
    bidders: Vec<Aid>,
    left: usize,
    bids: Vec<(u32, Aid)>,
    done: mpsc::UnboundedSender<()>,
}

impl Initiator {
    async fn call(&mut self, office: &dyn Office) -> Result<(), Trouble> {
        let cfp = Message::new(Performative::Cfp).to(self.bidders.clone());
        say(
            office,
            cfp.within(ConversationRef::new(&format!("round-{}", self.left)))
                .about("mend the invoice"),
        )
        .await
    }

    async fn award(&mut self, last: &Message, office: &dyn Office) -> Result<(), Trouble> {
        self.bids.sort_unstable_by_key(|(price, _)| *price);
        let mut bidders = self.bids.drain(..).map(|(_, who)| who);
        let best = bidders.next().ok_or_else(|| Trouble("nobody bid".to_owned()))?;
        let others: Receivers = bidders.collect();
        let answer = |act| last.reply(act, office.me());
        let (accept, reject) =
            (answer(Performative::AcceptProposal), answer(Performative::RejectProposal));
        say(office, accept.to(best)).await?;
        say(office, reject.to(others)).await
    }
}

async fn say(office: &dyn Office, message: Message) -> Result<(), Trouble> {
    office.send(message).await.map_err(|error| Trouble(error.to_string()))
}

#[async_trait]
impl Resident for Initiator {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let act = message.performative;
        if act == Performative::Request {
            self.call(office).await
        } else if act == Performative::Propose {
            let price =
                message.content.as_ref().and_then(|content| content.as_text()?.parse().ok());
            let bid = price.zip(message.sender.clone());
            self.bids.push(bid.ok_or_else(|| Trouble("a bid without a price".to_owned()))?);
            if self.bids.len() == self.bidders.len() {
                return self.award(message, office).await;
            }
            Ok(())
        } else if act == Performative::Inform {
            self.left -= 1;
            if self.left > 0 {
                return self.call(office).await;
            }
            // The measurement waits for it.
            let _ = self.done.send(());
            Ok(())
        } else {
            Err(Trouble(format!("{} is no part of a round", act.as_str())))
        }
    }
}

struct Bidder(u32);

#[async_trait]
impl Resident for Bidder {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let answer = |act| message.reply(act, office.me());
        if message.performative == Performative::Cfp {
            say(office, answer(Performative::Propose).about(self.0.to_string())).await
        } else if message.performative == Performative::AcceptProposal {
            say(office, answer(Performative::Inform).about("mended")).await
        } else {
            Ok(())
        }
    }
}

/// Rounds per second of so many initiators with ten bidders each.
async fn rounds(initiators: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, mut ends) = mpsc::unbounded_channel();
    let each = ROUNDS / initiators;
    for initiator in 0..initiators {
        let first = initiators + initiator * BIDDERS;
        let mut bidders = Vec::new();
        for (number, price) in (first..first + BIDDERS).zip(1..) {
            agency.host(HostSpec::new(name(number)?, move || Box::new(Bidder(price)))).await?;
            bidders.push(Aid::new(name(number)?));
        }
        let done = done.clone();
        let make = move || -> Box<dyn Resident> {
            let (bidders, done) = (bidders.clone(), done.clone());
            Box::new(Initiator { bidders, left: each, bids: Vec::new(), done })
        };
        agency.host(HostSpec::new(name(initiator)?, make)).await?;
    }
    drop(done);
    let began = Instant::now();
    for initiator in 0..initiators {
        let me: Aid = "bench@bench".parse()?;
        let go = Message::new(Performative::Request).from(me).to(Aid::new(name(initiator)?));
        agency.send(go, None, None).await?;
    }
    for _ in 0..initiators {
        // A round that breaks off would be waited for for ever.
        let end = tokio::time::timeout(std::time::Duration::from_secs(120), ends.recv()).await;
        end?.ok_or("an initiator went away")?;
    }
    Ok((each * initiators) as f64 / began.elapsed().as_secs_f64())
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for initiators in [1, 8] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            ours.push(rounds(initiators).await?);
            let words = format!("contract {initiators} {}", ROUNDS / initiators);
            theirs.extend(erlang::figure(&words, "rate").await?);
        }
        let metric = format!("Contract Net with ten bidders, {initiators} at a time");
        let row = Row::new(metric, "rounds/s", median(ours));
        rows.push(row.clone().beside_erlang(theirs).goal(Goal::RatioAtLeast(0.7)));
        if initiators == 1 {
            for (name, through_server) in [(spade::NAME, false), (spade::THROUGH, true)] {
                let beside = match spade::rounds(through_server).await? {
                    Some(theirs) => row.clone().beside(name, theirs),
                    None => row.clone().absent(spade::ABSENT),
                };
                rows.push(beside.goal(Goal::RatioAtLeast(20.0)));
            }
        }
        rows.push(
            row.absent("JADE: peer absent (no package registry has it)")
                .goal(Goal::RatioAtLeast(20.0)),
        );
    }
    Ok(rows)
}
