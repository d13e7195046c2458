//! Messages that are nowhere but in mailboxes; births, restarts, memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bottega_acl::{Aid, Performative};
use bottega_agency::Agency;
use bottega_behaviour::Unsent;
use tokio::sync::mpsc;

use crate::row::{Goal, Row, median, share};
use crate::{Failure, agency, message, name, spec};

/// Turns of each side, of which the median counts.
const TURNS: usize = 5;
/// Messages of one turn.
pub(crate) const MESSAGES: usize = 600_000;
const QUESTIONS: usize = 20_000;
const RESTARTS: usize = 1_000;
const CROWD: usize = 10_000;

/// Sends until there is room: what a bounded mailbox makes a sender do.
async fn tell(agency: &Agency, message: bottega_acl::Message) -> Result<(), Failure> {
    loop {
        match agency.send(message.clone(), None, None).await {
            Ok(_) => return Ok(()),
            Err(Unsent::Undelivered(_)) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Messages per second from two senders to so many agents, one after the other.
async fn tells(agents: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, mut ends) = mpsc::unbounded_channel();
    let each = MESSAGES / agents;
    for number in 0..agents {
        agency.host(spec(number, each as u64, &done)?).await?;
    }
    let names = Arc::new((0..agents).map(name).collect::<Result<Vec<_>, _>>()?);
    let began = Instant::now();
    let senders = agents.min(2);
    let sending = (0..senders).map(|sender| {
        let (agency, names) = (Arc::clone(&agency), Arc::clone(&names));
        tokio::spawn(async move {
            let own = names.iter().skip(sender).step_by(senders);
            let messages = own.map(message).collect::<Result<Vec<_>, _>>()?;
            for _ in 0..each {
                for message in &messages {
                    tell(&agency, message.clone()).await?;
                }
            }
            Ok::<_, Failure>(())
        })
    });
    let sending: Vec<_> = sending.collect();
    for _ in 0..agents {
        ends.recv().await.ok_or("an agent went away")?;
    }
    let rate = (each * agents) as f64 / began.elapsed().as_secs_f64();
    for sender in sending {
        sender.await??;
    }
    Ok(rate)
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (agents, goal) in [(1, None), (100, None), (CROWD, Some(Goal::AtLeast(3e6)))] {
        let mut rates = Vec::new();
        for _ in 0..TURNS {
            rates.push(tells(agents).await?);
        }
        let rate = median(rates);
        let metric = format!("transient message to {agents} agents, admitted and routed");
        let row = Row::new(&metric, "1/s", rate);
        rows.push(match goal {
            Some(goal) => row.goal(goal),
            None => row,
        });
        #[cfg(feature = "peers")]
        for (peer, theirs) in crate::peers::tells(agents, TURNS).await? {
            let row = Row::new(&metric, "1/s", rate).beside(peer, theirs);
            rows.push(row.goal(Goal::RatioAtLeast(1.0)));
        }
    }
    rows.extend(living().await?);
    Ok(rows)
}

/// Questions, restarts, births, memory.
async fn living() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, _ends) = mpsc::unbounded_channel();
    agency.host(spec(0, u64::MAX, &done)?).await?;
    let to = Aid::new(name(0)?);
    let mut times = Vec::new();
    let question = bottega_acl::Message::new(Performative::QueryRef).to(to.clone());
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        agency.ask(question.clone(), Duration::from_secs(5)).await?.ok_or("no answer")?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let mut rows = vec![
        Row::new("question and answer, p50", "µs", share(&mut times, 0.5)),
        Row::new("question and answer, p99", "µs", share(&mut times, 0.99)).goal(Goal::AtMost(1e3)),
    ];
    let mut times = Vec::new();
    let crash = bottega_acl::Message::new(Performative::Cancel).to(to);
    for _ in 0..RESTARTS {
        let began = Instant::now();
        agency.send(crash.clone(), None, None).await?;
        agency.ask(question.clone(), Duration::from_secs(5)).await?.ok_or("no answer")?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let restart = share(&mut times, 0.99);
    rows.push(
        Row::new("crash to first answer, journaled, p99", "µs", restart).goal(Goal::AtMost(1e3)),
    );

    let before = resident()?;
    let began = Instant::now();
    for number in 1..=CROWD {
        agency.host(spec(number, u64::MAX, &done)?).await?;
    }
    let birth = began.elapsed().as_secs_f64() * 1e6 / CROWD as f64;
    let bytes = (resident()? - before) / CROWD as f64;
    rows.push(Row::new("an agent is hosted, its supervisor too", "µs", birth));
    rows.push(Row::new("memory of an idle agent, its supervisor too", "bytes", bytes));
    Ok(rows)
}

fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? * 1024.0)
}
