//! What a command costs: bare, under its keeper, and in the cage. `cargo bench -p bottega-sandbox-linux`.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement tells and stops at what is wrong"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bottega_sandbox_linux::{LinuxSandbox, Namespaces, Options};
use bottega_tool::{CommandSink, CommandSpec, Sandbox, StreamName};

const ROUNDS: usize = 300;

struct Deaf;

impl CommandSink for Deaf {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_micros();
    println!("{name:28} p50 {:6} µs   p90 {:6} µs", at(50), at(90));
}

fn spec(folder: &std::path::Path, caged: bool) -> CommandSpec {
    CommandSpec {
        argv: ["/bin/sh", "-c", "echo hi"].map(str::to_owned).into(),
        directory: folder.to_owned(),
        writable: vec![folder.to_owned()],
        guarded: bottega_tool::Guarded::default(),
        environment: BTreeMap::new(),
        network: !caged,
        hosts: Vec::new(),
        caged,
        timeout: Duration::from_secs(60),
        keep_output: 1_000,
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement stands where the app stands")]
fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = folder.path().join("w");
    std::fs::create_dir(&work).expect("a folder");
    let bare = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let output = std::process::Command::new("/bin/sh").args(["-c", "echo hi"]).output();
            assert!(output.is_ok_and(|output| output.status.success()));
            began.elapsed()
        })
        .collect();
    told("bare sh -c 'echo hi'", bare);
    let kinds = [
        ("under its keeper, free", Namespaces::WhereAllowed, false),
        ("caged, without namespaces", Namespaces::Never, true),
        ("caged, with namespaces", Namespaces::WhereAllowed, true),
    ];
    // A word on the command line chooses some of them.
    let only = std::env::args().nth(1).filter(|word| !word.starts_with('-')).unwrap_or_default();
    for (name, namespaces, caged) in kinds.into_iter().filter(|kind| kind.0.contains(&only)) {
        let mut options = Options::new(folder.path().join("scratch"));
        options.environment = environment();
        options.home = options.environment.get("HOME").map(Into::into);
        options.namespaces = namespaces;
        let sandbox = LinuxSandbox::new(options);
        let spec = spec(&work, caged);
        let times = (0..ROUNDS + 10)
            .map(|_| {
                let began = Instant::now();
                let outcome = runtime.block_on(sandbox.run(&spec, &Deaf)).expect("it runs");
                assert_eq!(outcome.output, "hi\n");
                began.elapsed()
            })
            // The first ones find out what the machine can do.
            .skip(10)
            .collect();
        told(name, times);
    }
}
