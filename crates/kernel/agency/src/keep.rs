//! What guests keep under keys of their own: stored before it counts, read from a view.

use bottega_acl::AgentName;
use bottega_event::{KeepEvent, KeepSet, NewEvent, Record, StreamId};
use bottega_manifest::Refusal;
use bottega_store::{
    Append, Batch, Change, Expected, Journal, Projection, Projections, Rows, StoreError, catch_up,
};
use bottega_types::{Clock, CommandId, Entropy};

use crate::desk::Desk;

/// Bytes of a key at most.
const LONGEST_KEY: usize = 256;
/// Bytes of a value at most.
const LARGEST: usize = 64 << 10;
/// Keys that are forgotten at a time.
const PAGE: usize = 256;

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

impl<'k> Keep<'k> {
    pub(crate) fn of(desk: &'k Desk, views: &'k dyn Projections) -> Self {
        let Desk { journal, clock, entropy, .. } = desk;
        Self { journal: journal.as_ref(), views, clock: clock.as_ref(), entropy: entropy.as_ref() }
    }

    /// Forgets all that an agent keeps.
    pub(crate) async fn forget(&self, agent: &AgentName) -> Result<(), Refusal> {
        catch_up(&KeepView, self.journal, self.views).await.map_err(failed)?;
        let prefix = KeepView::key(&StreamId::keep(agent), "");
        loop {
            let page =
                self.views.rows(KeepView::NAME, &prefix, None, PAGE).await.map_err(failed)?;
            let keys = page.iter().filter_map(|(row, _)| row.strip_prefix(&prefix));
            let gone = |key: &str| KeepSet { key: key.to_owned(), value: None };
            let events: Vec<_> = keys.map(|key| KeepEvent::from(gone(key)).encode()).collect();
            if events.is_empty() {
                return Ok(());
            }
            self.append(agent, events).await?;
            catch_up(&KeepView, self.journal, self.views).await.map_err(failed)?;
        }
    }

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
        self.append(agent, vec![KeepEvent::from(KeepSet { key, value }).encode()]).await
    }

    async fn append(&self, agent: &AgentName, events: Vec<NewEvent>) -> Result<(), Refusal> {
        let at = self.clock.now();
        let batch = Batch { stream: StreamId::keep(agent), expected: Expected::Any, events };
        let append = Append { command: CommandId::new(at, self.entropy), at, batches: vec![batch] };
        let appended = self.journal.append(append).await;
        appended.map(drop).map_err(|error| Refusal::Unavailable(error.to_string()))
    }
}
