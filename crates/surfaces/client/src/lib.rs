//! The typed client of the API: the traits through which every surface works, and their in-process form.
//!
//! What it is: [`Sessions`], [`Models`] and [`Machine`], each a handful of calls that take requests of
//! `bottega-api` and return its views, and [`Entrance`], which opens them when they are first needed.
//! What it is not: it knows no rules and no adapters; the app hands it what it works with.
//!
//! One run: [`RunRequest`](bottega_api::RunRequest) → [`Sessions::run`] → [`Run`] → [`RunEvent`](bottega_api::RunEvent)s.

mod entrance;

pub use entrance::{Entrance, Machine, ModelBench, Models, Run, RunControl, Sessions};
