//! Bytes from one side to the other, counted.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::body::Body;

/// How many bytes are read at once.
const PIECE: usize = 32 << 10;

/// How many bytes one command has moved, of how many it may.
#[derive(Debug)]
pub(crate) struct Meter {
    most: u64,
    moved: AtomicU64,
}

impl Meter {
    /// Nothing was moved yet.
    pub(crate) const fn new(most: u64) -> Self {
        Self { most, moved: AtomicU64::new(0) }
    }

    /// Counts bytes; an error when they are too many.
    pub(crate) fn count(&self, bytes: usize) -> io::Result<()> {
        let before = self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > self.most {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many bytes"));
        }
        Ok(())
    }
}

/// What moves bytes on one connection, and when it last did.
pub(crate) struct Relay<'a> {
    meter: &'a Meter,
    here: AtomicU64,
}

impl<'a> Relay<'a> {
    pub(crate) const fn new(meter: &'a Meter) -> Self {
        Self { meter, here: AtomicU64::new(0) }
    }

    /// Writes some bytes and counts them.
    pub(crate) async fn write(&self, to: &mut WriteHalf<'_>, bytes: &[u8]) -> io::Result<()> {
        self.meter.count(bytes.len())?;
        self.here.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        to.write_all(bytes).await
    }

    /// Moves everything until the end, and passes the end on.
    pub(crate) async fn everything(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return to.shutdown().await;
            }
            self.write(&mut to, &buffer[..read]).await?;
        }
    }

    /// Moves the rest of a body and not one byte more.
    pub(crate) async fn body(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut body: Body,
    ) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        while !body.is_done() {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let taken = body.take(&buffer[..read]).map_err(|_| io::ErrorKind::InvalidData)?;
            self.write(&mut to, &buffer[..taken]).await?;
        }
        // The end of the request is known by its length; the way back stays open.
        std::future::pending().await
    }

    /// Ends when nothing has moved for so long.
    pub(crate) async fn silence(&self, idle: Duration) {
        let mut before = self.here.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(idle).await;
            let now = self.here.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
        }
    }
}
