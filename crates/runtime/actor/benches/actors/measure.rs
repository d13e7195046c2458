//! What is measured, whoever it is measured on.

use std::time::{Duration, Instant};

use crate::report::{Better, Goal};
use crate::{Failure, MESSAGES, TURNS};

/// One kind of actor that counts.
pub(crate) trait Side: Sized + 'static {
    const NAME: &'static str;
    type Ref: Clone + Send + Sync + 'static;

    fn new() -> Self;
    fn spawn(&self) -> impl Future<Output = Self::Ref> + Send;
    /// Waits for room where there are bounds.
    fn tell(to: &Self::Ref, number: u64) -> impl Future<Output = ()> + Send;
    /// The sum of all numbers so far.
    fn ask(to: &Self::Ref) -> impl Future<Output = u64> + Send;
    /// Ends an actor, and waits for that where it can be waited for.
    fn end(actor: Self::Ref) -> impl Future<Output = ()> + Send;
}

/// One figure of one side.
pub(crate) struct Figure {
    pub(crate) metric: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) better: Better,
    pub(crate) goal: Option<Goal>,
}

pub(crate) type Figures = Vec<Figure>;

/// The value that this part of `times` does not exceed, in microseconds.
pub(crate) fn part(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let at = (times.len() as f64 * part) as usize;
    times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Messages per second from so many senders to as many actors, each pair by itself.
async fn tells<S: Side>(pairs: usize) -> Result<f64, Failure> {
    let side = S::new();
    let each = MESSAGES / pairs;
    let mut actors = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        actors.push(side.spawn().await);
    }
    let began = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for actor in &actors {
        let actor = actor.clone();
        senders.spawn(async move {
            for _ in 0..each {
                S::tell(&actor, 1).await;
            }
            S::ask(&actor).await
        });
    }
    let mut sum = 0;
    while let Some(total) = senders.join_next().await {
        sum += total?;
    }
    let span = began.elapsed();
    for actor in actors {
        S::end(actor).await;
    }
    if sum != (each * pairs) as u64 {
        return Err("messages were lost".into());
    }
    Ok(sum as f64 / span.as_secs_f64())
}

/// Every figure of one side.
pub(crate) async fn measure<S: Side>() -> Result<Figures, Failure> {
    let mut figures = Vec::new();
    for pairs in [1, 100, 10_000] {
        let mut rates = Vec::new();
        for _ in 0..TURNS {
            rates.push(tells::<S>(pairs).await?);
        }
        figures.push(Figure {
            metric: format!("tell, {pairs} to {pairs}"),
            unit: "1/s",
            value: median(rates),
            better: Better::More,
            goal: Some(Goal::AtLeast(3_400_000.0)),
        });
    }
    let side = S::new();
    let actor = side.spawn().await;
    let asking = tokio::spawn(async move {
        let mut times = Vec::with_capacity(MESSAGES / 10);
        for _ in 0..MESSAGES / 10 {
            let began = Instant::now();
            S::ask(&actor).await;
            times.push(began.elapsed());
        }
        times
    });
    let mut times = asking.await?;
    for (name, share, goal) in [("p50", 0.5, Some(Goal::AtMost(1.1))), ("p99", 0.99, None)] {
        figures.push(Figure {
            metric: format!("ask, {name}"),
            unit: "µs",
            value: part(&mut times, share),
            better: Better::Less,
            goal,
        });
    }
    let (mut births, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        const BIRTHS: u32 = 20_000;
        let mut actors = Vec::with_capacity(BIRTHS as usize);
        let began = Instant::now();
        for _ in 0..BIRTHS {
            actors.push(side.spawn().await);
        }
        births.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(BIRTHS));
        for actor in &actors {
            S::ask(actor).await;
        }
        answers.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(BIRTHS));
        for actor in actors {
            S::end(actor).await;
        }
    }
    let goal = Some(Goal::AtMost(5.0));
    for (metric, values, goal) in
        [("spawn", births, goal), ("spawn and first answer, one by one", answers, None)]
    {
        figures.push(Figure {
            metric: metric.to_owned(),
            unit: "µs",
            value: median(values),
            better: Better::Less,
            goal,
        });
    }
    Ok(figures)
}

/// Actors that lie idle in the measurement of memory.
const IDLE: usize = 100_000;

fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? * 1024.0)
}

/// Prints what one idle actor takes. In a process of its own, so that nothing else was there before.
async fn idle_of<S: Side>() -> Result<(), Failure> {
    let side = S::new();
    let mut actors = Vec::with_capacity(IDLE);
    actors.push(side.spawn().await);
    S::ask(&actors[0]).await;
    let before = resident()?;
    for _ in 1..IDLE {
        let actor = side.spawn().await;
        S::ask(&actor).await;
        actors.push(actor);
    }
    let bytes = (resident()? - before) / IDLE as f64;
    report(bytes)
}

fn report(bytes: f64) -> Result<(), Failure> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{bytes}")?;
    Ok(())
}

pub(crate) async fn idle(side: &str) -> Result<(), Failure> {
    match side {
        crate::ours::Ours::NAME => idle_of::<crate::ours::Ours>().await,
        crate::bare::Bare::NAME => idle_of::<crate::bare::Bare>().await,
        #[cfg(feature = "peers")]
        crate::kameo::Kameo::NAME => idle_of::<crate::kameo::Kameo>().await,
        #[cfg(feature = "peers")]
        crate::ractor::Ractor::NAME => idle_of::<crate::ractor::Ractor>().await,
        other => Err(format!("no side `{other}`").into()),
    }
}

/// All sides, ours first.
pub(crate) fn sides() -> Vec<&'static str> {
    vec![
        crate::ours::Ours::NAME,
        crate::bare::Bare::NAME,
        #[cfg(feature = "peers")]
        crate::kameo::Kameo::NAME,
        #[cfg(feature = "peers")]
        crate::ractor::Ractor::NAME,
    ]
}

/// Memory of one idle actor that has answered once.
pub(crate) fn bytes(side: &str) -> Result<f64, Failure> {
    let output =
        std::process::Command::new(std::env::current_exe()?).args(["--bytes", side]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
