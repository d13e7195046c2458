//! What agents are worth, for each skill.

use bottega_acl::{AgentName, TrackRecord};
use bottega_event::{Record, TenderEvent};
use bottega_store::{Change, Projection, Rows};
use serde::{Deserialize, Serialize};

/// One agent and one skill: a row of [`ReputationView`], under `AGENT SKILL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationRow {
    /// Who.
    pub agent: AgentName,
    /// For what.
    pub skill: String,
    /// What came of its awards.
    pub record: TrackRecord,
}

/// What came of all awards, summed up per agent and skill.
#[derive(Clone, Copy, Debug)]
pub struct ReputationView;

impl ReputationView {
    /// Its name.
    pub const NAME: &'static str = "reputation";

    /// The key of a row.
    pub(crate) fn key(agent: &AgentName, skill: &str) -> String {
        format!("{agent} {skill}")
    }
}

fn learned(record: &Record) -> Option<bottega_acl::Outcome> {
    if &*record.event.kind != "tender.learned" {
        return None;
    }
    match TenderEvent::decode(&record.event) {
        Ok(TenderEvent::Learned(learned)) => Some(learned.outcome),
        Ok(_) | Err(_) => None,
    }
}

impl Projection for ReputationView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        learned(record).map(|it| Self::key(&it.agent, &it.skill)).into_iter().collect()
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let Some(outcome) = learned(record) else { return Vec::new() };
        let key = Self::key(&outcome.agent, &outcome.skill);
        let present: Option<ReputationRow> =
            rows.get(&key).and_then(|bytes| serde_json::from_slice(bytes).ok());
        let mut row = present.unwrap_or_else(|| ReputationRow {
            agent: outcome.agent.clone(),
            skill: outcome.skill.clone(),
            record: TrackRecord::default(),
        });
        row.record.learn(&outcome);
        vec![Change { key, value: serde_json::to_vec(&row).ok() }]
    }
}
