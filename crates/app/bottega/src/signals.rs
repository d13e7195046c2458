//! Ctrl-C and its kin, as a stream.

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::signal::unix::{SignalKind, signal};

/// One item each time a person or the system asks this process to stop: SIGINT or SIGTERM.
pub(crate) fn interrupts() -> BoxStream<'static, ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let streams = kinds.into_iter().filter_map(|kind| signal(kind).ok()).map(|signal| {
        futures::stream::unfold(signal, |mut signal| async move {
            signal.recv().await.map(|()| ((), signal))
        })
        .boxed()
    });
    futures::stream::select_all(streams).boxed()
}

/// Nobody asks.
pub(crate) fn none() -> BoxStream<'static, ()> {
    futures::stream::pending().boxed()
}

/// Returns when the terminal has gone (SIGHUP). Nobody is there to be told or asked any more, and a terminal
/// library that goes on reading would spin.
pub(crate) async fn hangup() {
    match signal(SignalKind::hangup()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
