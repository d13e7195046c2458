//! `bottega top`: everything that lives on a server, live.

mod told;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_client::{Agents, Entrance, Whereabouts};
use bottega_tui::{How, Ink, Left, Look, Screen, Source};
use clap::Args;
use futures::StreamExt as _;

use super::{Desk, Where};
use crate::report::{self, Failure, Form};

/// Watch a server live: who works, who waits, who crashed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega top                     until `q` is pressed
  bottega top --interval 250ms    four looks a second
  bottega top --once              one table, as where there is no terminal
  bottega top --json              one JSON object a look, for scripts

Keys: q leaves, arrows or j and k scroll, s changes the order. Messages a second come
from two looks. Memory in the first line is that of the server's process, all agents
included; an agent's is what its module holds.")]
pub(crate) struct Arguments {
    /// The pause between two looks, as in 500ms, 1s, 1m
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Look once and leave
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    at: Where,
}

/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let Arguments { interval, once, at } = arguments;
    let way = Way { entrance: desk.entrance, at: desk.place(&at), agents: Mutex::default() };
    let first = desk.wait(way.look()).await?;
    match (desk.form(), once) {
        (Form::Json, true) => line(&first, desk),
        (Form::Json, false) => lines(first, &way, interval, desk).await,
        (Form::People, false) if desk.terminal.has_screen() => {
            live(first, &way, interval, desk).await
        }
        (Form::People, true | false) => {
            desk.show(&first.tree, |terminal| told::table(&first, terminal))
        }
    }
}

/// The way to a server, found anew after it was lost: a server that is begun anew may be elsewhere.
struct Way<'e> {
    entrance: &'e dyn Entrance,
    at: Whereabouts,
    agents: Mutex<Option<Arc<dyn Agents>>>,
}

#[async_trait]
impl Source for Way<'_> {
    async fn look(&self) -> Result<Look, ApiError> {
        let known = self.agents.lock().unwrap_or_else(PoisonError::into_inner).take();
        let agents = match known {
            Some(agents) => agents,
            None => self.entrance.agents(&self.at).await?,
        };
        let tree = agents.tree().await?;
        let place = agents.place();
        *self.agents.lock().unwrap_or_else(PoisonError::into_inner) = Some(agents);
        Ok(Look { place, tree })
    }
}

/// On the whole terminal.
async fn live(
    first: Look,
    way: &Way<'_>,
    interval: Duration,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    let ink = if desk.terminal.out_paint().on { Ink::Coloured } else { Ink::Plain };
    let interrupts = &mut desk.terminal.interrupts;
    let stop = async {
        if interrupts.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    let mut screen = Screen::open()?;
    let how = How { interval, ink };
    let left =
        bottega_tui::watch(screen.terminal(), first, way, how, bottega_tui::keys(), stop).await;
    drop(screen);
    match left? {
        Left::ByKey => Ok(0),
        Left::Stopped => Err(Failure::Silent(codes::INTERRUPTED.exit)),
        Left::Gone => Err(Failure::Silent(report::HANGUP)),
    }
}

/// A line of JSON a look, until somebody stops it. That the server is gone is told once each time.
async fn lines(
    first: Look,
    way: &Way<'_>,
    interval: Duration,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    line(&first, desk)?;
    let mut is_gone = false;
    loop {
        let looked = desk.wait(async {
            bottega_actor::sleep(interval).await;
            Ok(way.look().await)
        });
        match looked.await? {
            Ok(look) => {
                is_gone = false;
                line(&look, desk)?;
            }
            Err(error) => {
                if !is_gone {
                    report::report(&mut desk.terminal, &error, Form::Json);
                }
                is_gone = true;
            }
        }
    }
}

fn line(look: &Look, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let text = serde_json::to_string(&look.tree).map_err(std::io::Error::other)?;
    desk.terminal.say(&(text + "\n"))?;
    Ok(0)
}

/// `500ms`, `2s`, `1m`.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = match text.strip_suffix("ms") {
        Some(digits) => digits.parse().ok().map(Duration::from_millis),
        None => crate::work::seconds(text).ok().map(Duration::from_secs),
    };
    interval
        .filter(|interval| *interval >= SHORTEST)
        .ok_or_else(|| "write a time of 100ms or more, as 500ms, 1s or 1m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_not_too_short() {
        assert_eq!(interval("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(interval("1m"), Ok(Duration::from_secs(60)));
        for text in ["", "0", "99ms", "-1s", "ms", "1.5s", "1d"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
