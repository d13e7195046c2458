//! One connection, from its handshake to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use bottega_actor::within;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::codegen::Service as _;

use crate::server::Desk;

/// In a request's extensions: it came over a connection for which there was no room. It may ask how the server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spare;

/// Serves a connection until its client has enough, says nothing for too long, or the server is to stop.
pub(crate) async fn serve(desk: Arc<Desk>, router: Router, stream: TcpStream, spare: bool) {
    // What is said is short; a client that waits for it is not to wait for more.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &desk.tls else {
        return speak(&desk, router, TokioIo::new(stream), spare).await;
    };
    match within(desk.limits.handshake, tls.acceptor().accept(stream)).await {
        Some(Ok(stream)) => speak(&desk, router, TokioIo::new(stream), spare).await,
        Some(Err(error)) => tracing::debug!(%error, "no TLS with a client"),
        None => tracing::debug!("a client took too long over the handshake of TLS"),
    }
}

async fn speak<S>(desk: &Arc<Desk>, router: Router, stream: S, spare: bool)
where
    S: Read + Write + Unpin + Send + 'static,
{
    let limits = &desk.limits;
    let activity = Activity::default();
    let told = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let begun = told.begin();
        let mut request = request.map(Body::new);
        if spare {
            request.extensions_mut().insert(Spare);
        }
        let mut router = router.clone();
        async move {
            let response = router.call(request).await?;
            Ok::<_, std::convert::Infallible>(lasting(response, begun))
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD)
        .keep_alive(!spare)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(limits.header_list)
        // Whoever has a stream open and went without a word is found out.
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.head);
    let mut connection = pin!(builder.serve_connection(stream, service));
    let idle = if spare { limits.head } else { limits.idle };
    let enough = async {
        tokio::select! {
            // Nothing is under way, so its client has no more to do than to let go.
            () = activity.silence(limits.head, idle) => limits.head,
            () = desk.stopped() => limits.drain,
        }
    };
    let patience = tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
            return;
        }
        patience = enough => {
            connection.as_mut().graceful_shutdown();
            patience
        }
    };
    // What is under way is ended; then nobody waits for a client that does not.
    if within(patience, connection).await.is_none() {
        tracing::debug!("a connection was not closed by its client, and was dropped");
    }
}

/// Bytes of a request's head at most, and of what is read at once.
const HEAD: usize = 64 << 10;

/// What goes on over a connection.
#[derive(Clone, Debug)]
struct Activity(Arc<watch::Sender<Sum>>);

/// Requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    under_way: usize,
    ever: u64,
}

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Sum::default())))
    }
}

impl Activity {
    fn begin(&self) -> Begun {
        self.0.send_modify(|sum| {
            sum.under_way += 1;
            sum.ever += 1;
        });
        Begun(self.clone())
    }

    /// Ends when no first request came for the span `first`, or nothing was under way for the span `idle`.
    async fn silence(&self, first: Duration, idle: Duration) {
        let mut sums = self.0.subscribe();
        let (mut span, mut ever) = (first, 0);
        loop {
            let news = sums.wait_for(|sum| sum.ever != ever);
            match within(span, news).await {
                Some(Ok(_)) => {}
                // The sender lives as long as this does.
                Some(Err(_)) | None => return,
            }
            match sums.wait_for(|sum| sum.under_way == 0).await {
                Ok(sum) => ever = sum.ever,
                Err(_) => return,
            }
            span = idle;
        }
    }
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
struct Begun(Activity);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.send_modify(|sum| sum.under_way -= 1);
    }
}

/// An answer is under way until its body is over, or nobody wants it any more.
fn lasting(response: Response<Body>, begun: Begun) -> Response<Body> {
    response.map(|body| Body::new(Lasting { body, _begun: begun }))
}

struct Lasting {
    body: Body,
    _begun: Begun,
}

impl HttpBody for Lasting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
