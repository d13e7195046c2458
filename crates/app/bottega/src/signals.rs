//! Ctrl-C and its kin, as a stream.

use bottega_cli::Interrupt;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::signal::unix::{SignalKind, signal};

/// One item each time a person or the system asks this process to stop: SIGINT or SIGTERM.
pub(crate) fn interrupts() -> BoxStream<'static, Interrupt> {
    let kinds = [
        (SignalKind::interrupt(), Interrupt::CtrlC),
        (SignalKind::terminate(), Interrupt::Terminate),
    ];
    let streams = kinds.into_iter().filter_map(|(kind, how)| Some((signal(kind).ok()?, how)));
    let streams = streams.map(|(signal, how)| {
        futures::stream::unfold(signal, move |mut signal| async move {
            signal.recv().await.map(|()| (how, signal))
        })
        .boxed()
    });
    futures::stream::select_all(streams).boxed()
}

/// Nobody asks.
pub(crate) fn none() -> BoxStream<'static, Interrupt> {
    futures::stream::pending().boxed()
}

/// Returns when the terminal has gone (SIGHUP). Nobody is there to be told or asked any more, and a terminal
/// library that goes on reading would spin. Never where whoever started this wants it to outlive the terminal, as
/// `nohup` does.
pub(crate) async fn hangup() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match signal(SignalKind::hangup()) {
        Ok(mut signal) if !ignores_hangup(&status) => {
            signal.recv().await;
        }
        Ok(_) | Err(_) => std::future::pending().await,
    }
}

/// Whether SIGHUP is ignored, by the process's status as proc(5) has it: bit 0 of `SigIgn` is signal 1.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn an_ignored_hangup_is_seen() {
        assert!(ignores_hangup("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
