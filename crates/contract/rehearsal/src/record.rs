//! What happened.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Call;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The guest is done with it.
    Done,
    /// It says that it can't, and goes on.
    Refused(String),
    /// It ended against its will.
    Failed(String),
}

/// What happened in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// Its number; 0 is the beginning, before the first message.
    pub step: usize,
    /// When, on the script's clock.
    pub at: String,
    /// What the guest asked its host for, in that order.
    pub calls: Vec<Call>,
    /// How it ended.
    pub ending: Ending,
    /// What the guest keeps now.
    pub keeps: BTreeMap<String, String>,
}

/// What happened in a rehearsal. The same script and guest give the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The script's name.
    pub name: String,
    /// Step by step. Shorter than the script when the guest did not begin.
    pub steps: Vec<Happened>,
    /// Answers of the script that nobody asked for, in words.
    pub unasked: Vec<String>,
}
