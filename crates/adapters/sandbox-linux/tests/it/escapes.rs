//! Ways out of the cage, each tried by a real program inside of it: this very test program.
//!
//! A try that succeeds is an escape. The tests run as whoever runs them; as root they are run once more as an
//! ordinary user (see `ordinary`).

mod files;
mod inside;
mod limits;
mod processes;
mod sockets;

use std::fmt::Debug;
use std::io;

use bottega_sandbox_linux::{Namespaces, Options};
use bottega_tool::{CommandSpec, Ending, Sandbox};

use crate::world::World;

/// Ways out that were tried: what was tried, and what came of it.
pub(crate) struct Tries(Vec<(String, Option<i32>)>);

impl Tries {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// One try.
    fn add<T: Debug>(&mut self, what: impl Into<String>, result: io::Result<T>) {
        let error = result.err().map(|error| error.raw_os_error().unwrap_or(-1));
        self.0.push((what.into(), error));
    }

    /// One try by a bare call.
    fn call(&mut self, what: impl Into<String>, result: libc::c_long) {
        let result = if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) };
        self.add(what, result);
    }

    /// All of them were refused.
    #[track_caller]
    fn all_refused(self) {
        let out: Vec<_> =
            self.0.iter().filter(|(_, error)| error.is_none()).map(|(what, _)| what).collect();
        assert!(out.is_empty(), "escaped: {out:?}");
        done(self.0.len());
    }
}

/// Says to the test outside that the one inside ran.
#[expect(clippy::print_stdout, reason = "a test inside the cage is heard by its output")]
fn done(tries: usize) {
    println!("{tries} tries were refused");
}

/// Runs one of the tests in `inside` in the cage, with the paths and numbers that it needs.
#[track_caller]
fn try_out(world: &World, test: &str, more: &[(&str, String)]) {
    let outcome = world.run(&inside(world, test, more));
    assert_eq!(outcome.ending, Ending::Exited(0), "{test}: {}", outcome.output);
    assert!(outcome.output.contains(" tries were refused"), "{test}: {}", outcome.output);
}

/// A command that runs one of the tests in `inside`.
fn inside(world: &World, test: &str, more: &[(&str, String)]) -> CommandSpec {
    let mut spec = world.sh("");
    let program = std::env::current_exe().unwrap();
    let name = format!("escapes::inside::{test}");
    spec.argv = [&*program.to_string_lossy(), &name, "--exact", "--ignored", "--nocapture"]
        .map(str::to_owned)
        .into();
    spec.environment.insert("OUT".to_owned(), world.path("").to_string_lossy().into_owned());
    for (name, value) in more {
        spec.environment.insert((*name).to_owned(), value.clone());
    }
    spec
}

/// A world whose cage can run this test program.
fn world(namespaces: Namespaces, change: impl FnOnce(&mut Options)) -> World {
    World::with(|options| {
        options.namespaces = namespaces;
        options.readable.push(std::env::current_exe().unwrap());
        change(options);
    })
}

/// Whether the cage says that it has a feature.
fn has(world: &World, feature: &str) -> bool {
    let report = world.sandbox.report();
    let found = report.features.iter().find(|(name, _)| name.contains(feature));
    found.unwrap().1.is_ok()
}
