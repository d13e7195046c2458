//! The port to large things, kept by their content.

use async_trait::async_trait;
use bottega_types::Digest;

use crate::StoreError;

/// Bytes by their digest.
///
/// Every implementation promises, and the suite `conformance` checks:
/// * a blob is found by the digest of its bytes and by nothing else; the same bytes are kept once;
/// * durability: `Ok` from a put survives loss of power;
/// * sweeping: what is put while a sweep looks around is spared, even if the same bytes were there before;
/// * integrity: what is returned has the digest that was asked for, or the call fails.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps `bytes`.
    async fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError>;

    /// The bytes of that digest, nothing when there are none.
    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// Forgets every blob that `keep` does not name. Returns the bytes that were freed.
    async fn sweep(
        &self,
        keep: &(dyn for<'d> Fn(&'d Digest) -> bool + Send + Sync),
    ) -> Result<u64, StoreError>;
}
