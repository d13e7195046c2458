//! Tools that a person added, as agents call them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bottega_manifest::Host;
use bottega_policy::{AccessMode, Need};
use bottega_sandbox_wasm::{Found, Options, Toolbox, ToolboxError};
use bottega_testkit::{FakeSandbox, FakeWorkspace, Remembered, Unwatched};
use bottega_tool::{Effect, NoWeb, Tool, ToolContext};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, TextTool, echo_tool};

const MANIFEST: &str = "name = \"sample-tool\"\nversion = \"1.0.0\"\nworld = \"tool\"\n";

struct Bench {
    folder: tempfile::TempDir,
    toolbox: Arc<Toolbox>,
    host: SampleHost,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = Arc::new(Toolbox::new(folder.path().join("tools"), Options::default()));
        Self { folder, toolbox, host: SampleHost::default() }
    }

    /// Another process over the same folder.
    fn anew(&self) -> Arc<Toolbox> {
        Arc::new(Toolbox::new(self.folder.path().join("tools"), Options::default()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("tools").join(name)
    }

    async fn add(&self, lines: &str, wasm: &[u8]) -> Result<(), String> {
        let manifest = format!("{MANIFEST}{lines}");
        let added = self.toolbox.add(&manifest, wasm, &["grep"]).await;
        added.map(drop).map_err(|error| error.to_string())
    }

    fn tool(&self, toolbox: &Arc<Toolbox>, name: &str) -> Arc<dyn Tool> {
        let beyond: Arc<dyn Host> = Arc::new(self.host.clone());
        let found = toolbox.tools(&beyond).unwrap();
        assert!(found.wrong.is_empty(), "{:?}", found.wrong);
        found.tools.into_iter().find(|tool| tool.name() == name).unwrap()
    }

    async fn call(
        &self,
        toolbox: &Arc<Toolbox>,
        name: &str,
        arguments: &str,
    ) -> Result<String, String> {
        let context = context();
        let prepared = self.tool(toolbox, name).prepare(arguments, &context).await.unwrap();
        let output = prepared.run(&context).await;
        output.map(|output| output.text).map_err(|error| error.to_string())
    }
}

fn context() -> ToolContext {
    ToolContext {
        workspace: Arc::new(FakeWorkspace::new()),
        sandbox: Arc::new(FakeSandbox::new()),
        versions: Arc::new(Remembered::default()),
        sink: Arc::new(Unwatched),
        person: Arc::new(Unwatched),
        jobs: Arc::new(Unwatched),
        web: Arc::new(NoWeb),
        mode: AccessMode::Auto,
        output_limit: 12_000,
    }
}

#[tokio::test]
async fn a_tool_that_was_added_is_called_by_every_process_after_it() {
    let bench = Bench::new();
    assert!(bench.toolbox.list().unwrap().tools.is_empty());
    bench.add("", &echo_tool()).await.unwrap();
    for toolbox in [Arc::clone(&bench.toolbox), bench.anew()] {
        assert_eq!(bench.call(&toolbox, "echo", "{\"a\":1}").await.unwrap(), "{\"a\":1}");
        // What it can't do it says, and the next call meets a fresh instance.
        assert_eq!(bench.call(&toolbox, "echo", "!no").await.unwrap_err(), "!no");
    }
    let tool = bench.tool(&bench.toolbox, "echo");
    assert_eq!(tool.effect(), Effect::ReadOnly);
    insta::assert_json_snapshot!(tool.schema());
}

#[tokio::test]
async fn what_can_be_no_tool_is_not_added_and_leaves_what_was_there() {
    let bench = Bench::new();
    bench.add("", &echo_tool()).await.unwrap();
    let named = |name| TextTool { name, ..TextTool::default() }.wasm();
    let schema = |schema| TextTool { schema, ..TextTool::default() }.wasm();
    let long = "x".repeat(5_000);
    let about = |about| TextTool { about, ..TextTool::default() }.wasm();
    let traps = TextTool { items: "(start $no) (func $no unreachable)", ..TextTool::default() };
    let cases: &[(&str, Vec<u8>)] = &[
        ("", b"nothing".to_vec()),
        ("", TextAgent::default().wasm()),
        ("", named("grep")),
        ("", named("Echo")),
        ("", named("../echo")),
        ("", named("")),
        ("", schema("text")),
        ("", schema("[1]")),
        ("", schema("{\"type\":\"string\"}")),
        ("", schema("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"nonsense\"}}}")),
        ("", about("  ")),
        ("", about(&long)),
        ("", traps.wasm()),
        ("[capabilities]\nsend = true", echo_tool()),
        ("[capabilities]\nmodel = { tokens = 5 }", echo_tool()),
        ("[capabilities]\ntools = [\"grep\"]", echo_tool()),
        ("[capabilities]\nsent = true", echo_tool()),
    ];
    let mut told = Vec::new();
    for (lines, wasm) in cases {
        told.push(bench.add(lines, wasm).await.unwrap_err());
    }
    insta::assert_snapshot!(told.join("\n"));
    let found = bench.toolbox.list().unwrap();
    assert_eq!((found.tools.len(), found.wrong.len()), (1, 0));
    assert_eq!(bench.call(&bench.toolbox, "echo", "{}").await.unwrap(), "{}");
}

/// Sends a request to `https://example.org/` and answers `sent`, or with why not.
fn fetcher() -> Vec<u8> {
    let imports = r#"(import "bottega:guest/http@0.1.0" "fetch"
        (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let call = r"
        (call $fetch (i32.const 1024) (i32.const 3) (i32.const 1027) (i32.const 20)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))
        (i32.store8 (i32.const 16) (i32.load8_u (i32.const 64)))
        (if (i32.load8_u (i32.const 64))
            (then (i32.store (i32.const 20) (i32.load (i32.const 72)))
                (i32.store (i32.const 24) (i32.load (i32.const 76))))
            (else (i32.store (i32.const 20) (i32.const 1047)) (i32.store (i32.const 24) (i32.const 4))))
        (i32.const 16)";
    let items = r#"(data (i32.const 1024) "GEThttps://example.org/sent")"#;
    // The request is spread over nine values: method, url, headers, body, and where the answer goes.
    TextTool { imports, name: "fetcher", items, call, ..TextTool::default() }.wasm()
}

#[tokio::test]
async fn a_tool_needs_the_hosts_that_it_was_granted_and_reaches_no_other() {
    let bench = Bench::new();
    // What was not granted is refused when it is added.
    let refused = bench.add("", &fetcher()).await.unwrap_err();
    assert!(refused.contains("http"), "{refused}");
    bench
        .add("[capabilities]\nhttp = [\"*.example.org\", \"example.org\"]", &fetcher())
        .await
        .unwrap();
    let tool = bench.tool(&bench.toolbox, "fetcher");
    assert_eq!(tool.effect(), Effect::Changes);
    let prepared = tool.prepare("{}", &context()).await.unwrap();
    let host = |host: &str| Need::Network { host: host.to_owned() };
    assert_eq!(prepared.needs(), [host("*.example.org"), host("example.org")]);
    assert_eq!(bench.call(&bench.toolbox, "fetcher", "{}").await.unwrap(), "sent");
    assert_eq!(bench.host.asked(), ["fetch GET https://example.org/"]);
    // Another host's grant does not help.
    bench.add("[capabilities]\nhttp = [\"example.com\"]", &fetcher()).await.unwrap();
    let refused = bench.call(&bench.toolbox, "fetcher", "{}").await.unwrap_err();
    assert!(refused.contains("example.org"), "{refused}");
    assert_eq!(bench.host.asked().len(), 1);
}

/// Keeps its arguments under `k`, and answers with what was kept there before.
fn keeper() -> Vec<u8> {
    let imports = r#"
        (import "bottega:guest/key-value@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "bottega:guest/key-value@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#;
    let call = r"
        (call $get (i32.const 1024) (i32.const 1) (i32.const 64))
        (call $set (i32.const 1024) (i32.const 1) (local.get $ptr) (local.get $len) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable))
        (i32.store8 (i32.const 16) (i32.const 0))
        (if (i32.load8_u (i32.const 68))
            (then (i32.store (i32.const 20) (i32.load (i32.const 72)))
                (i32.store (i32.const 24) (i32.load (i32.const 76))))
            (else (i32.store (i32.const 20) (i32.const 1025)) (i32.store (i32.const 24) (i32.const 7))))
        (i32.const 16)";
    let items = r#"(data (i32.const 1024) "knothing")"#;
    TextTool { imports, name: "keeper", items, call, ..TextTool::default() }.wasm()
}

#[tokio::test]
async fn what_a_tool_keeps_outlives_its_versions_and_goes_with_it() {
    let bench = Bench::new();
    let grants = "[capabilities]\nkey-value = true";
    bench.add(grants, &keeper()).await.unwrap();
    assert_eq!(bench.call(&bench.toolbox, "keeper", "{\"n\":1}").await.unwrap(), "nothing");
    assert_eq!(bench.call(&bench.anew(), "keeper", "{\"n\":2}").await.unwrap(), "{\"n\":1}");
    bench.add(&format!("description = \"another\"\n{grants}"), &keeper()).await.unwrap();
    assert_eq!(bench.call(&bench.toolbox, "keeper", "{}").await.unwrap(), "{\"n\":2}");
    bench.toolbox.remove("keeper").unwrap();
    assert!(matches!(bench.toolbox.remove("keeper"), Err(ToolboxError::Missing { .. })));
    assert_eq!(fs::read_dir(bench.file("")).unwrap().count(), 0);
    bench.add(grants, &keeper()).await.unwrap();
    assert_eq!(bench.call(&bench.toolbox, "keeper", "{}").await.unwrap(), "nothing");
}

#[tokio::test]
async fn a_tool_that_breaks_off_tells_why_and_hurts_nobody() {
    let bench = Bench::new();
    let spins = TextTool { call: "(loop $on (br $on)) (i32.const 16)", ..TextTool::default() };
    bench.add("[limits]\nfuel = 100000", &spins.wasm()).await.unwrap();
    let broken = bench.call(&bench.toolbox, "echo", "{}").await.unwrap_err();
    assert!(broken.starts_with("echo broke off: ") && broken.contains("limits.fuel"), "{broken}");
    bench.add("", &echo_tool()).await.unwrap();
    assert_eq!(bench.call(&bench.toolbox, "echo", "{}").await.unwrap(), "{}");
}

#[tokio::test]
async fn a_damaged_file_is_told_and_hides_no_other_tool() {
    let bench = Bench::new();
    let other = TextTool { name: "other", ..TextTool::default() }.wasm();
    for wasm in [echo_tool(), other] {
        bench.add("", &wasm).await.unwrap();
    }
    let whole = fs::read(bench.file("echo.tool")).unwrap();
    for cut in [0, 1, 40, whole.len() / 2] {
        fs::write(bench.file("echo.tool"), &whole[..cut]).unwrap();
        let toolbox = bench.anew();
        assert_eq!(bench.call_other(&toolbox).await, "{}");
    }
    // A module that is not what was added is not run.
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(bench.file("echo.tool"), &flipped).unwrap();
    let refused = bench.call(&bench.anew(), "echo", "{}").await.unwrap_err();
    assert!(refused.contains("digest"), "{refused}");
    // Under another name it is none either.
    fs::write(bench.file("echo.tool"), &whole).unwrap();
    fs::copy(bench.file("echo.tool"), bench.file("third.tool")).unwrap();
    let Found { tools, wrong } = bench.anew().list().unwrap();
    assert_eq!(tools.len(), 2);
    assert!(wrong[0].to_string().contains("it is that of `echo`"), "{wrong:?}");
}

impl Bench {
    /// Calls the tool `other`, whatever the files of others look like.
    async fn call_other(&self, toolbox: &Arc<Toolbox>) -> String {
        let beyond: Arc<dyn Host> = Arc::new(self.host.clone());
        let found = toolbox.tools(&beyond).unwrap();
        let tool = found.tools.into_iter().find(|tool| tool.name() == "other").unwrap();
        let context = context();
        let prepared = tool.prepare("{}", &context).await.unwrap();
        prepared.run(&context).await.unwrap().text
    }
}

/// Its place is its own: nobody finds what another one keeps there, nor is called in its name.
#[tokio::test]
async fn a_name_stays_with_its_package() {
    let bench = Bench::new();
    bench.add("", &echo_tool()).await.unwrap();
    let thief = "name = \"thief\"\nversion = \"1.0.0\"\nworld = \"tool\"\n";
    let refused = bench.toolbox.add(thief, &echo_tool(), &[]).await.unwrap_err();
    assert!(matches!(&refused, ToolboxError::Another { package, .. } if package == "sample-tool"));
    bench.toolbox.remove("echo").unwrap();
    bench.toolbox.add(thief, &echo_tool(), &[]).await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_added() {
    let bench = Bench::new();
    bench.add("", &echo_tool()).await.unwrap();
    let comment = format!("# {}\n", "\"".repeat(200_000));
    let refused = bench.add(&comment, &echo_tool()).await.unwrap_err();
    assert!(refused.contains("bytes together"), "{refused}");
    assert_eq!(bench.call(&bench.anew(), "echo", "{}").await.unwrap(), "{}");
}

/// A tool that was taken away is gone at once, also for whoever called it before.
#[tokio::test]
async fn what_was_taken_away_is_not_called_any_more() {
    let bench = Bench::new();
    bench.add("", &echo_tool()).await.unwrap();
    let tool = bench.tool(&bench.toolbox, "echo");
    let call = async || {
        let context = context();
        let prepared = tool.prepare("{}", &context).await.unwrap();
        prepared.run(&context).await.map_err(|error| error.to_string())
    };
    call().await.unwrap();
    bench.anew().remove("echo").unwrap();
    assert!(call().await.unwrap_err().contains("no tool `echo`"));
    assert_eq!(fs::read_dir(bench.file("")).unwrap().count(), 0, "nothing is made for it");
    // A pipe in its place is not waited for.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        bench.file("echo.tool"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(call().await.unwrap_err().contains("no file"));
    bench.anew().remove("echo").unwrap();
}

#[tokio::test]
async fn a_tool_that_was_replaced_meanwhile_is_not_called_under_what_was_told() {
    let bench = Bench::new();
    bench.add("", &echo_tool()).await.unwrap();
    let toolbox = bench.anew();
    let before = bench.tool(&toolbox, "echo");
    bench.add("description = \"another\"", &echo_tool()).await.unwrap();
    let context = context();
    let prepared = before.prepare("{}", &context).await.unwrap();
    let refused = prepared.run(&context).await.unwrap_err().to_string();
    assert!(refused.contains("another version"), "{refused}");
    assert_eq!(bench.call(&toolbox, "echo", "{}").await.unwrap(), "{}");
}
