//! Ctrl-C and its kin, as a stream.

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::signal::unix::{SignalKind, signal};

/// One item each time a person or the system asks this process to stop: SIGINT, SIGTERM or SIGHUP.
pub(crate) fn interrupts() -> BoxStream<'static, ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
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
