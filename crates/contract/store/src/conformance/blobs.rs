//! Promises of [`Blobs`].

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bottega_types::Digest;

use crate::Blobs;

async fn put(blobs: &dyn Blobs, bytes: &[u8]) -> Digest {
    blobs.put(bytes).await.expect("there is room for it")
}

/// A blob is found by the digest of its bytes and by nothing else.
pub async fn a_blob_is_found_by_its_digest(blobs: &dyn Blobs) {
    for bytes in [&b""[..], b"a", b"\0\xff not text"] {
        let digest = put(blobs, bytes).await;
        assert_eq!(digest, Digest::of(bytes));
        assert_eq!(blobs.get(digest).await, Ok(Some(bytes.to_owned())));
    }
    assert_eq!(blobs.get(Digest::of(b"never kept")).await, Ok(None));
}

/// Size does not matter.
pub async fn a_large_blob_comes_back_whole(blobs: &dyn Blobs) {
    let bytes: Vec<u8> = (0..9_000_001_u32).map(|n| (n % 251) as u8).collect();
    let digest = put(blobs, &bytes).await;
    let back = blobs.get(digest).await.expect("a healthy store can be read");
    assert!(
        back.as_ref() == Some(&bytes),
        "{} bytes came back",
        back.map_or(0, |bytes| bytes.len())
    );
}

/// The same bytes are kept once: keeping them again changes nothing.
pub async fn the_same_bytes_are_kept_once(blobs: &dyn Blobs) {
    let first = put(blobs, b"twice").await;
    let second = put(blobs, b"twice").await;
    assert_eq!(first, second);
    assert_eq!(blobs.sweep(&|_| false).await, Ok(5), "one copy was freed");
}

/// A sweep forgets what is not named and says how many bytes that were.
pub async fn a_sweep_keeps_what_is_named(blobs: &dyn Blobs) {
    let kept = put(blobs, b"kept").await;
    let gone = [put(blobs, b"gone").await, put(blobs, b"gone too").await];
    assert_eq!(blobs.sweep(&|digest| *digest == kept).await, Ok(12));
    assert_eq!(blobs.get(kept).await, Ok(Some(b"kept".to_vec())));
    for digest in gone {
        assert_eq!(blobs.get(digest).await, Ok(None));
    }
    assert_eq!(blobs.sweep(&|digest| *digest == kept).await, Ok(0));
    let again = put(blobs, b"gone").await;
    assert_eq!(blobs.get(again).await, Ok(Some(b"gone".to_vec())));
}

/// What is put while a sweep decides is spared: its owner may not have named it yet.
pub async fn a_sweep_spares_what_is_put_meanwhile(blobs: &dyn Blobs) {
    let digest = put(blobs, b"put again").await;
    let putting = Mutex::new((blobs.put(b"put again"), Poll::Pending));
    let decide = |_: &Digest| {
        let mut putting = putting.lock().unwrap_or_else(PoisonError::into_inner);
        if putting.1.is_pending() {
            putting.1 = putting.0.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        false
    };
    blobs.sweep(&decide).await.expect("a healthy store can be swept");
    let (putting, outcome) = putting.into_inner().unwrap_or_else(PoisonError::into_inner);
    let outcome = match outcome {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => putting.await,
    };
    assert_eq!(outcome, Ok(digest));
    assert_eq!(blobs.get(digest).await, Ok(Some(b"put again".to_vec())));
}
