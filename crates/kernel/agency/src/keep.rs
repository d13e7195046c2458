//! What guests keep under keys of their own: stored before it counts, read from a view.

use bottega_acl::AgentName;
use bottega_event::{KeepEvent, KeepSet, Record, StreamId};
use bottega_manifest::Refusal;
use bottega_store::{
    Append, Batch, Change, Expected, Journal, Projection, Projections, Rows, StoreError, catch_up,
};
use bottega_types::{Clock, CommandId, Entropy};

/// Bytes of a key at most.
const LONGEST_KEY: usize = 256;
/// Bytes of a value at most.
const LARGEST: usize = 64 << 10;

/// What was set last under each key of each agent, under `STREAM KEY`.
#[derive(Clone, Copy, Debug)]
pub struct KeepView;

impl KeepView {
    /// Its name.
    const NAME: &'static str = "keep";

    fn key(stream: &StreamId, key: &str) -> String {
        format!("{stream} {key}")
    }
}

impl Projection for KeepView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, _: &Record) -> Vec<String> {
        // The last word counts, whatever was there before.
        Vec::new()
    }

    fn apply(&self, record: &Record, _: &Rows) -> Vec<Change> {
        if &*record.event.kind != "keep.set" {
            return Vec::new();
        }
        let Ok(KeepEvent::Set(KeepSet { key, value })) = KeepEvent::decode(&record.event) else {
            return Vec::new();
        };
        vec![Change { key: Self::key(&record.stream, &key), value }]
    }
}

/// Where guests keep things.
pub(crate) struct Keep<'k> {
    pub(crate) journal: &'k dyn Journal,
    pub(crate) views: &'k dyn Projections,
    pub(crate) clock: &'k dyn Clock,
    pub(crate) entropy: &'k dyn Entropy,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn failed(error: StoreError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

fn checked(key: &str) -> Result<(), Refusal> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(Refusal::Malformed(format!("a key has 1 to {LONGEST_KEY} bytes")));
    }
    Ok(())
}

impl Keep<'_> {
    pub(crate) async fn get(
        &self,
        agent: &AgentName,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        checked(key)?;
        catch_up(&KeepView, self.journal, self.views).await.map_err(failed)?;
        let row = KeepView::key(&StreamId::keep(agent), key);
        self.views.row(KeepView::NAME, &row).await.map_err(failed)
    }

    pub(crate) async fn set(
        &self,
        agent: &AgentName,
        key: String,
        value: Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        checked(&key)?;
        if let Some(value) = value.as_ref().filter(|value| value.len() > LARGEST) {
            let why = format!("{} bytes are too many for a value; {LARGEST} at most", value.len());
            return Err(Refusal::Exhausted(why));
        }
        let at = self.clock.now();
        let batch = Batch {
            stream: StreamId::keep(agent),
            expected: Expected::Any,
            events: vec![KeepEvent::from(KeepSet { key, value }).encode()],
        };
        let append = Append { command: CommandId::new(at, self.entropy), at, batches: vec![batch] };
        let appended = self.journal.append(append).await;
        appended.map(drop).map_err(|error| Refusal::Unavailable(error.to_string()))
    }
}
