//! What the ports promise, as code: one function per promise, and [`all`] of them.
//!
//! An adapter's tests are one call of [`all`] with a function that makes an empty store, and its own
//! oddities (durability and several processes can't be tested from here). Run it under a deadline of the
//! runtime at hand: a subscription that is not woken waits for ever.

mod blobs;
mod journal;
mod leases;
mod model;
mod projections;
mod snapshots;
mod subscriptions;

use bottega_event::{NewEvent, StreamId};
use bottega_types::{CommandId, Timestamp};

pub use blobs::*;
pub use journal::*;
pub use leases::*;
pub use model::agrees_with_the_model;
pub use projections::*;
pub use snapshots::*;
pub use subscriptions::*;

use crate::{Append, Batch, Expected, Store};

/// Checks every promise, each on a fresh store.
pub async fn all<S: Store>(mut make: impl FnMut() -> S) {
    positions_count_from_one_without_gaps(&make()).await;
    events_of_one_append_stay_adjacent(&make()).await;
    an_append_is_stored_whole_or_not_at_all(&make()).await;
    a_conflict_tells_the_truth(&make()).await;
    a_stream_that_must_not_exist_is_begun_once(&make()).await;
    a_repeated_command_appends_nothing(&make()).await;
    a_command_sent_twice_at_once_is_stored_once(&make()).await;
    a_misshapen_append_is_refused(&make()).await;
    every_record_is_linked_to_the_one_before(&make()).await;
    events_are_kept_to_the_byte(&make()).await;
    reads_stop_at_their_limit(&make()).await;
    a_dropped_append_is_whole_or_absent(&make()).await;
    a_subscription_gives_what_was_stored_then_what_comes(&make()).await;
    a_waiting_subscription_is_woken(&make()).await;
    a_slow_subscriber_misses_nothing_and_slows_nobody(&make()).await;
    every_subscriber_gets_everything(&make()).await;
    a_blob_is_found_by_its_digest(&make()).await;
    a_large_blob_comes_back_whole(&make()).await;
    the_same_bytes_are_kept_once(&make()).await;
    a_sweep_keeps_what_is_named(&make()).await;
    a_sweep_spares_what_is_put_meanwhile(&make()).await;
    a_lease_has_one_holder_until_it_is_dropped(&make()).await;
    a_shared_lease_keeps_others_from_holding_it_alone(&make()).await;
    the_latest_snapshot_is_returned(&make()).await;
    a_forgotten_snapshot_is_gone(&make()).await;
    rows_and_checkpoint_move_together(&make()).await;
    an_advance_from_elsewhere_changes_nothing(&make()).await;
    rows_are_listed_by_prefix_in_order(&make()).await;
    views_are_apart(&make()).await;
    a_dropped_view_is_rebuilt_the_same(&make()).await;
    a_new_version_rebuilds_the_view(&make()).await;
    two_folders_count_each_record_once(&make()).await;
    agrees_with_the_model(
        &make(),
        &(0..300_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect::<Vec<_>>(),
    )
    .await;
}

/// The `n`-th command of a test.
#[must_use]
pub fn command(n: u64) -> CommandId {
    CommandId::from_bits(0).nth(n)
}

/// An append of `events` events to each stream named.
#[must_use]
pub fn append(command: CommandId, batches: &[(&str, Expected, usize)]) -> Append {
    let batches = batches.iter().map(|(stream, expected, events)| Batch {
        stream: stream_id(stream),
        expected: *expected,
        events: (0..*events).map(|n| event(&format!(r#"{{"by":"{command}","n":{n}}}"#))).collect(),
    });
    Append { command, at: Timestamp::from_millis(1_700_000_000_000), batches: batches.collect() }
}

/// A stream by name.
#[must_use]
pub fn stream_id(name: &str) -> StreamId {
    StreamId::new(name).expect("the names in this suite are plain ASCII")
}

fn event(data: &str) -> NewEvent {
    NewEvent { kind: "test.happened".into(), version: 1, data: data.into() }
}
