//! Messages that are stored before they are acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bottega_agency::Delivery;
use tokio::sync::mpsc;

use crate::bare::Bare;
use crate::nats::Sync;
use crate::row::{Goal, Row, median};
use crate::{Failure, agency, message, name, nats, spec};

const TURNS: usize = 7;
const SPAN: Duration = Duration::from_millis(600);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (senders, goal) in [(1, None), (64, Some(Goal::RatioAtLeast(0.7)))] {
        let folder = tempfile::tempdir()?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut synced, mut unsynced) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let place = folder.path().join(format!("{turn}"));
            std::fs::create_dir(&place)?;
            ours.push(told(&place, senders).await?);
            let file = place.join("bare.db");
            theirs.push(tokio::task::spawn_blocking(move || bare(&file, senders)).await??);
            synced.extend(nats::stored(&place, senders, Sync::Always, SPAN).await?);
            unsynced.extend(nats::stored(&place, senders, Sync::Default, SPAN).await?);
        }
        let metric = format!("durable message, {senders} at a time");
        let row = Row::new(metric, "1/s", median(ours));
        let (beside_bare, beside_synced) = (
            row.clone().beside("bare SQLite", median(theirs)),
            row.clone().beside_nats("JetStream, sync_interval: always", synced),
        );
        match goal {
            Some(goal) => {
                rows.extend([beside_bare.goal(goal), beside_synced.goal(Goal::RatioAtLeast(10.0))]);
            }
            None => rows.extend([beside_bare, beside_synced]),
        }
        rows.push(row.beside_nats("JetStream, its default: no sync before the answer", unsynced));
    }
    Ok(rows)
}

/// Acknowledged messages per second, from so many senders to as many agents.
async fn told(place: &std::path::Path, senders: usize) -> Result<f64, Failure> {
    let (agency, _store) = agency(place)?;
    let (done, _ends) = mpsc::unbounded_channel();
    for number in 0..senders {
        let mut spec = spec(number, u64::MAX, &done)?;
        spec.backlog = 1_000_000;
        agency.host(spec).await?;
    }
    let began = Instant::now();
    let sending = (0..senders).map(|sender| {
        let agency = Arc::clone(&agency);
        tokio::spawn(async move {
            let message = message(&name(sender)?)?;
            let mut count = 0_u64;
            while began.elapsed() < SPAN {
                agency.send(message.clone(), None, Some(Delivery::Durable)).await?;
                count += 1;
            }
            Ok::<_, Failure>(count)
        })
    });
    let sending: Vec<_> = sending.collect();
    let mut count = 0;
    for sender in sending {
        count += sender.await??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

fn bare(file: &std::path::Path, senders: usize) -> Result<f64, Failure> {
    let mut bare = Bare::open(file)?;
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < SPAN {
        bare.commit(senders)?;
        count += senders;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}
