//! The typed client of the API: the traits through which every surface works, and who stands behind them.
//!
//! What it is: [`Sessions`], [`Models`], [`Machine`] and [`Agents`], each a handful of calls that take requests of
//! `bottega-api` and return its views; [`Entrance`], which opens them when they are first needed;
//! [`InProcess`], which is [`Sessions`] over a platform in the same process; and [`Remote`], which is [`Agents`] over
//! HTTP. [`Workbench`] looks over and rehearses guests that are made on this machine.
//! What it is not: it knows no rules and no adapters; the app hands it a [`Workshop`] to work in.
//!
//! One run: [`RunRequest`](bottega_api::RunRequest) → [`Sessions::run`] → [`Run`] →
//! [`RunEvent`](bottega_api::RunEvent)s, the last of them `Ended`.

mod agent_costs;
mod agents;
mod audience;
mod ending;
mod entrance;
mod error;
mod event_stream;
mod grants;
mod groups;
mod hosted;
mod hosted_groups;
mod hosted_tenders;
mod hosted_traces;
mod in_process;
mod memory;
mod remote;
mod session_agent;
mod stream;
mod tenders;
mod tools;
mod transcript;
mod translate;
mod view;
mod workbench;
mod workshop;

pub use agent_costs::AgentCosts;
pub use agents::{Agents, AskSteps, BatchSteps, ServeRequest, Serving, Whereabouts};
pub use audience::Audience;
pub use entrance::{
    Entrance, Machine, ModelBench, ModelRemoved, Models, Run, RunControl, Sessions,
};
pub use error::{agency_error, api_error};
pub use groups::Groups;
pub use hosted::{HostedAgents, HostedParts};
pub use hosted_groups::group_error;
pub use hosted_tenders::market_error;
pub use in_process::InProcess;
pub use remote::Remote;
pub use session_agent::{SessionGuest, Told};
pub use tenders::Tenders;
pub use tools::Tools;
pub use workbench::{Rehearsing, Workbench};
pub use workshop::{RunDefaults, Workshop};
