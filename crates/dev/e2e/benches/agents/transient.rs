//! Messages that are nowhere but in mailboxes; births, restarts, memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bottega_acl::{Aid, Performative};
use bottega_agency::Agency;
use bottega_behaviour::Unsent;
use futures::TryStreamExt as _;
use tokio::sync::mpsc;

use crate::row::{Goal, Row, median, share};
use crate::{Failure, agency, erlang, message, name, nats, spec};

/// Turns of each side, of which the median counts.
const TURNS: usize = 5;
/// Messages of one turn.
pub(crate) const MESSAGES: usize = 600_000;
const QUESTIONS: usize = 20_000;
const RESTARTS: usize = 1_000;
const CROWD: usize = 10_000;

/// Sends until there is room: what a bounded mailbox makes a sender do.
async fn tell(agency: &Agency, message: &bottega_acl::Message) -> Result<(), Failure> {
    loop {
        match agency.send(message.clone(), None, None).await {
            Ok(_) => return Ok(()),
            Err(Unsent::Undelivered(_)) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Hosts so many agents, some of them at a time, as a server does that starts again.
async fn crowd(
    agency: &Agency,
    numbers: std::ops::Range<usize>,
    enough: u64,
    done: &mpsc::UnboundedSender<()>,
) -> Result<(), Failure> {
    let hosting = futures::stream::iter(numbers.map(Ok::<_, Failure>));
    hosting
        .try_for_each_concurrent(64, |number| async move {
            agency.host(spec(number, enough, done)?).await?;
            Ok(())
        })
        .await
}

/// Messages per second from so many senders to so many agents: each sender has its own share of them, and sends to one after
/// the other.
async fn tells(senders: usize, agents: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, mut ends) = mpsc::unbounded_channel();
    let each = MESSAGES / agents;
    crowd(&agency, 0..agents, each as u64, &done).await?;
    let names = Arc::new((0..agents).map(name).collect::<Result<Vec<_>, _>>()?);
    let began = Instant::now();
    let sending = (0..senders).map(|sender| {
        let (agency, names) = (Arc::clone(&agency), Arc::clone(&names));
        tokio::spawn(async move {
            let own = names.iter().skip(sender).step_by(senders);
            let messages = own.map(message).collect::<Result<Vec<_>, _>>()?;
            for _ in 0..each {
                for message in &messages {
                    tell(&agency, message).await?;
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

pub(crate) async fn messages() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let alone = [(1, 1, None), (100, 100, None), (CROWD, CROWD, Some(Goal::AtLeast(3e6)))];
    // Two senders who never say two things to one agent in a row wake one for each message.
    for (senders, agents, goal) in alone.into_iter().chain([(2, CROWD, None)]) {
        let (mut rates, mut in_erlang, mut over_nats) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            rates.push(tells(senders, agents).await?);
            let words = format!("tell {senders} {agents} {}", MESSAGES / agents);
            in_erlang.extend(erlang::figure(&words, "rate").await?);
            if agents == 1 {
                over_nats.extend(nats::publish_and_subscribe(MESSAGES / 4).await?);
            }
        }
        let rate = median(rates);
        let metric = format!("transient message, {senders} to {agents}, admitted and routed");
        let row = Row::new(&metric, "1/s", rate);
        rows.push(match goal {
            Some(goal) => row.goal(goal),
            None => row,
        });
        rows.push(Row::new(&metric, "1/s", rate).beside_erlang(in_erlang));
        if agents == 1 {
            rows.push(Row::new(&metric, "1/s", rate).beside_nats(nats::CORE, over_nats));
        }
        #[cfg(feature = "peers")]
        for (peer, theirs) in crate::peers::tells(senders, agents, TURNS).await? {
            let row = Row::new(&metric, "1/s", rate).beside(peer, theirs);
            rows.push(row.goal(Goal::RatioAtLeast(1.0)));
        }
    }
    Ok(rows)
}

/// Questions next to `gen_server:call` and to request and reply over NATS.
pub(crate) async fn questions() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for askers in [1, 64] {
        let (mut middle, mut slow) = (Vec::new(), Vec::new());
        let (mut their_middle, mut their_slow, mut over_nats) =
            (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let mut times = asked(askers).await?;
            middle.push(share(&mut times, 0.5));
            slow.push(share(&mut times, 0.99));
            let words = format!("ask {askers} {}", QUESTIONS / askers);
            their_middle.extend(erlang::figure(&words, "p50").await?);
            their_slow.extend(erlang::figure(&words, "p99").await?);
            if askers == 1 {
                over_nats.extend(nats::request_and_reply(QUESTIONS / 4).await?);
            }
        }
        let metric = format!("question and answer, {askers} at a time");
        let row = Row::new(format!("{metric}, p50"), "µs", median(middle));
        if askers == 1 {
            rows.push(row.clone().beside_nats(nats::CORE, over_nats));
        }
        rows.push(row.beside_erlang(their_middle).goal(Goal::RatioAtMost(1.0)));
        let row = Row::new(format!("{metric}, p99"), "µs", median(slow));
        rows.push(row.beside_erlang(their_slow).goal(Goal::AtMost(1e3)));
    }
    Ok(rows)
}

/// Microseconds from each question to its answer, from so many askers, each to an agent of its own.
async fn asked(askers: usize) -> Result<Vec<f64>, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, _ends) = mpsc::unbounded_channel();
    for number in 0..askers {
        agency.host(spec(number, u64::MAX, &done)?).await?;
    }
    let asking = (0..askers).map(|asker| {
        let agency = Arc::clone(&agency);
        tokio::spawn(async move {
            let question =
                bottega_acl::Message::new(Performative::QueryRef).to(Aid::new(name(asker)?));
            let mut times = Vec::with_capacity(QUESTIONS / askers);
            for _ in 0..QUESTIONS / askers {
                let began = Instant::now();
                let answer = agency.ask(question.clone(), Duration::from_secs(5)).await?;
                answer.ok_or("no answer")?;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
            Ok::<_, Failure>(times)
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut times = Vec::new();
    for asker in asking {
        times.extend(asker.await??);
    }
    Ok(times)
}

/// Restarts, births, memory.
pub(crate) async fn living() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let (agency, _store) = agency(folder.path())?;
    let (done, _ends) = mpsc::unbounded_channel();
    agency.host(spec(0, u64::MAX, &done)?).await?;
    let to = Aid::new(name(0)?);
    let question = bottega_acl::Message::new(Performative::QueryRef).to(to.clone());
    let mut rows = Vec::new();
    let mut times = Vec::new();
    let crash = bottega_acl::Message::new(Performative::Cancel).to(to);
    for _ in 0..RESTARTS {
        let began = Instant::now();
        agency.send(crash.clone(), None, None).await?;
        agency.ask(question.clone(), Duration::from_secs(5)).await?.ok_or("no answer")?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let restart = share(&mut times, 0.99);
    let row = Row::new("crash to first answer, journaled, p99", "µs", restart);
    let theirs = erlang::figure(&format!("restart {RESTARTS}"), "p99").await?;
    rows.push(row.beside_erlang(theirs.into_iter().collect()).goal(Goal::AtMost(1e3)));

    let before = resident()?;
    let began = Instant::now();
    crowd(&agency, 1..CROWD + 1, u64::MAX, &done).await?;
    let birth = began.elapsed().as_secs_f64() * 1e6 / CROWD as f64;
    let bytes = (resident()? - before) / CROWD as f64;
    let idle = format!("idle {CROWD}");
    let (spawned, held) =
        (erlang::figure(&idle, "spawn").await?, erlang::figure(&idle, "bytes").await?);
    let row = Row::new("an agent is hosted, its supervisor too", "µs", birth);
    rows.push(row.beside_erlang(spawned.into_iter().collect()).goal(Goal::AtMost(5.0)));
    let row = Row::new("memory of an idle agent, its supervisor too", "bytes", bytes);
    rows.push(row.beside_erlang(held.into_iter().collect()).goal(Goal::AtMost(2_048.0)));
    Ok(rows)
}

fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? * 1024.0)
}
