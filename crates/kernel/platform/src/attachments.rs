//! Files that come with a task: the journal holds small ones and the digests of the others; the agent sees all.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_event::{Attachment, SessionEvent, Tasked};
use bottega_store::{Blobs, StoreError};
use bottega_types::Digest;

use crate::Happened;

/// What the agent reads in the place of a file whose blob is gone.
const GONE: &str = "[this file is not kept any more; ask for it again if it is needed]";

/// Puts the files of a task into the blobs: to the byte what the agent is given of them.
pub(crate) async fn keep(task: &mut Tasked, blobs: &dyn Blobs) -> Result<(), StoreError> {
    for attachment in &mut task.attachments {
        if let Some(bytes) = bytes_of(attachment) {
            attachment.blob = blobs.put(&bytes).await?;
        }
    }
    Ok(())
}

/// The event as the journal has it: large files are in their blobs only.
pub(crate) fn for_journal(event: &SessionEvent) -> Cow<'_, SessionEvent> {
    let SessionEvent::Tasked(task) = event else { return Cow::Borrowed(event) };
    if !task.attachments.iter().any(is_large) {
        return Cow::Borrowed(event);
    }
    let mut task = task.clone();
    for attachment in task.attachments.iter_mut().filter(|attachment| is_large(attachment)) {
        attachment.inline = None;
    }
    Cow::Owned(task.into())
}

/// The events as the agent is to have them: the files of each task are read from their blobs.
pub(crate) async fn fill(history: &mut [Happened], blobs: &dyn Blobs) -> Result<(), StoreError> {
    for happened in history {
        let SessionEvent::Tasked(task) = &mut happened.event else { continue };
        for attachment in task.attachments.iter_mut().filter(|file| file.inline.is_none()) {
            match blobs.get(attachment.blob).await? {
                Some(bytes) if attachment.is_text() => {
                    attachment.inline = Some(String::from_utf8_lossy(&bytes).into_owned());
                }
                Some(bytes) => attachment.inline = Some(STANDARD.encode(bytes)),
                None => {
                    "text/plain".clone_into(&mut attachment.media_type);
                    attachment.inline = Some(GONE.to_owned());
                }
            }
        }
    }
    Ok(())
}

/// The blobs without which the event does not say all: files of a task that do not stand in it.
pub(crate) fn apart(event: &SessionEvent) -> Vec<Digest> {
    let SessionEvent::Tasked(task) = event else { return Vec::new() };
    let apart = task.attachments.iter().filter(|attachment| attachment.inline.is_none());
    apart.map(|attachment| attachment.blob).collect()
}

fn is_large(attachment: &Attachment) -> bool {
    attachment.inline.as_ref().is_some_and(|inline| inline.len() > Attachment::INLINE)
        && bytes_of(attachment).is_some()
}

/// The bytes that stand in the event, if they can be told from their text and back.
fn bytes_of(attachment: &Attachment) -> Option<Vec<u8>> {
    let inline = attachment.inline.as_ref()?;
    if attachment.is_text() {
        return Some(inline.as_bytes().to_vec());
    }
    STANDARD.decode(inline).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_event::Revision;
    use bottega_store::MemoryStore;
    use bottega_types::Timestamp;

    fn tasked(media_type: &str, inline: String) -> Tasked {
        let (name, media_type) = ("file".to_owned(), media_type.to_owned());
        let blob = Digest::of(b"as it was on disk");
        let attachments = vec![Attachment { name, media_type, blob, inline: Some(inline) }];
        Tasked { text: "look".to_owned(), attachments, output_schema: None, goes_on: false }
    }

    /// Stores the task and reads it back; returns the bytes of the stored event.
    async fn check(media_type: &str, inline: String) -> usize {
        let store = MemoryStore::new();
        let mut task = tasked(media_type, inline);
        keep(&mut task, &store).await.unwrap();
        let given = SessionEvent::from(task);
        let stored = for_journal(&given).encode();
        let event = SessionEvent::decode(&stored).unwrap();
        let (revision, at) = (Revision(1), Timestamp::from_millis(1));
        let mut history = [Happened { revision, at, event }];
        fill(&mut history, &store).await.unwrap();
        assert_eq!(history[0].event, given, "the agent sees the same before and after");
        stored.data.len()
    }

    #[tokio::test]
    async fn large_files_stand_in_no_event() {
        for (media_type, large) in [
            ("text/plain", "häuser\n".repeat(100_000)),
            ("image/png", STANDARD.encode([7; 600_001])),
        ] {
            assert!(check(media_type, large).await < 500);
        }
        assert!(check("text/plain", "small".into()).await < 500);
        // What is no Base64 can't be told from its bytes: it stays as it is.
        assert!(check("image/png", "?".repeat(10_000)).await > 10_000);
    }

    #[tokio::test]
    async fn a_blob_that_is_gone_is_told_to_the_agent() {
        let store = MemoryStore::new();
        let mut task = tasked("image/png", String::new());
        task.attachments[0].inline = None;
        let (revision, at) = (Revision(1), Timestamp::from_millis(1));
        let mut history = [Happened { revision, at, event: task.into() }];
        fill(&mut history, &store).await.unwrap();
        let SessionEvent::Tasked(task) = &history[0].event else { panic!("still a task") };
        assert!(task.attachments[0].is_text());
        assert_eq!(task.attachments[0].inline.as_deref(), Some(GONE));
    }
}
