//! Who comes in: as many connections as there is room for, and a few more that may ask how the server is.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bottega_actor::{TaskKind, Tasks, sleep};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::MissedTickBehavior;

use crate::connection;
use crate::server::Desk;

/// Connections that are taken in though there is no room, so that health is told and the others are told to come again.
const SPARE: usize = 16;
/// How long nobody is taken in after the system refused, as it does when this process has too many files open.
const PAUSE: Duration = Duration::from_secs(1);

/// Room for connections.
#[derive(Debug)]
pub(crate) struct Door {
    most: usize,
    room: Arc<Semaphore>,
    spare: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(most: usize) -> Self {
        let room = Arc::new(Semaphore::new(most));
        Self { most, room, spare: Arc::new(Semaphore::new(SPARE)) }
    }

    /// How many may be open.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// How many are open, those without room left out.
    pub(crate) fn open(&self) -> usize {
        self.most.saturating_sub(self.room.available_permits())
    }

    /// Waits until one more may come in.
    async fn opens(&self) {
        // Nobody closes them.
        tokio::select! {
            _ = self.room.acquire() => {}
            _ = self.spare.acquire() => {}
        }
    }

    /// The place of who came in, and whether it is one beyond the room.
    fn place(&self) -> Option<(OwnedSemaphorePermit, bool)> {
        let of = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        of(&self.room)
            .map(|place| (place, false))
            .or_else(|| of(&self.spare).map(|place| (place, true)))
    }
}

/// Takes connections in until the server is to stop, then waits for their end.
pub(crate) async fn keep(listener: TcpListener, desk: Arc<Desk>, router: Router) {
    let mut connections = Tasks::default();
    let mut number = 0_u64;
    let mut stopped = std::pin::pin!(desk.stopped());
    let mut look = tokio::time::interval(desk.limits.certificate_look);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => break,
            // Its end is told to nobody: a panic in a request was answered before it came here.
            (_, ()) = ended(&mut connections) => {}
            stream = next(&listener, &desk) => {
                let Some((place, spare)) = desk.door.place() else { continue };
                let (desk, router) = (Arc::clone(&desk), router.clone());
                number += 1;
                connections.start(number, TaskKind::Connection, async move {
                    let _place = place;
                    connection::serve(desk, router, stream, spare).await;
                });
            }
            _ = look.tick(), if desk.tls.is_some() => desk.look(),
        }
    }
    drop(listener);
    while connections.names().next().is_some() {
        ended(&mut connections).await;
    }
}

async fn ended(connections: &mut Tasks<u64, ()>) -> (u64, ()) {
    let (number, _) = connections.next().await;
    (number, ())
}

async fn next(listener: &TcpListener, desk: &Desk) -> TcpStream {
    loop {
        desk.door.opens().await;
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                use std::io::ErrorKind;
                let of_one = matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionRefused
                );
                if !of_one {
                    tracing::error!(%error, "nobody can be taken in");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
