//! Bounded queues with one owner.

use tokio::sync::mpsc;

/// Where to send messages. Cheap to clone.
#[derive(Debug)]
pub struct Address<M>(mpsc::Sender<M>);

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The owner's end.
#[derive(Debug)]
pub struct Mailbox<M>(mpsc::Receiver<M>);

/// What became of a message that was told.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery<M> {
    /// It is in the mailbox.
    Accepted,
    /// There is no room; the sender has it back and may wait, drop it or complain.
    Full(M),
    /// The owner is gone; the sender has it back.
    Gone(M),
}

/// A mailbox that holds `capacity` messages at most, at least one.
#[must_use]
pub fn mailbox<M>(capacity: usize) -> (Address<M>, Mailbox<M>) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (Address(sender), Mailbox(receiver))
}

impl<M> Address<M> {
    /// Puts a message in the mailbox if there is room. Never waits.
    pub fn tell(&self, message: M) -> Delivery<M> {
        match self.0.try_send(message) {
            Ok(()) => Delivery::Accepted,
            Err(mpsc::error::TrySendError::Full(message)) => Delivery::Full(message),
            Err(mpsc::error::TrySendError::Closed(message)) => Delivery::Gone(message),
        }
    }

    /// Puts a message in the mailbox, waiting for room. `Err` gives it back when the owner is gone.
    /// Dropping the future sends nothing.
    pub async fn post(&self, message: M) -> Result<(), M> {
        self.0.send(message).await.map_err(|error| error.0)
    }

    /// Whether the owner is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

impl<M> Mailbox<M> {
    /// The next message; `None` when every address is gone. Dropping the future loses nothing.
    pub async fn receive(&mut self) -> Option<M> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_mailbox_returns_the_message() {
        let (address, mut mailbox) = mailbox(1);
        assert_eq!(address.tell(1), Delivery::Accepted);
        assert_eq!(address.tell(2), Delivery::Full(2));
        assert_eq!(mailbox.receive().await, Some(1));
        drop(mailbox);
        assert_eq!(address.tell(3), Delivery::Gone(3));
        assert_eq!(address.post(4).await, Err(4));
    }
}
