//! A server of agents: deployed once, there again after a kill, reached with the token alone.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::home::Home;
use crate::live::{Finished, Live};

/// An agent that counts by `step` and refuses each message with the count, or traps once the count is `9`.
fn counter(step: u32) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 1)
        (data (i32.const 512) "0")
        (global $top (mut i32) (i32.const 4096))
        (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
            (global.set $top (i32.add (local.get $at) (local.get $size)))
            (local.get $at))
        ;; A result at 16: whether it is an error, and the one byte at 512.
        (func $say (param $error i32) (result i32)
            (global.set $top (i32.const 4096))
            (i32.store8 (i32.const 16) (local.get $error))
            (i32.store (i32.const 20) (i32.const 512))
            (i32.store (i32.const 24) (i32.const 1))
            (i32.const 16))
        (func (export "bottega:guest/behaviour@0.1.0#init") (param i32 i32) (result i32)
            (i32.store8 (i32.const 16) (i32.const 0))
            (i32.const 16))
        (func (export "bottega:guest/behaviour@0.1.0#handle-message") (param i32 i32) (result i32)
            (if (i32.eq (i32.load8_u (i32.const 512)) (i32.const 57)) (then unreachable))
            (i32.store8 (i32.const 512) (i32.add (i32.load8_u (i32.const 512)) (i32.const {step})))
            (call $say (i32.const 1)))
        (func (export "bottega:guest/behaviour@0.1.0#save-state") (result i32)
            (call $say (i32.const 0)))
        (func (export "bottega:guest/behaviour@0.1.0#restore-state")
            (param i32 i32) (param $state i32) (param i32) (result i32)
            (i32.store8 (i32.const 512) (i32.load8_u (local.get $state)))
            (i32.store8 (i32.const 16) (i32.const 0))
            (global.set $top (i32.const 4096))
            (i32.const 16)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A folder of the workspace with an agent in it.
pub(crate) fn agent(home: &Home, folder: &str, version: &str, step: u32) {
    let manifest = format!("name = \"counter\"\nversion = \"{version}\"\nworld = \"agent\"\n");
    home.write(&format!("{folder}/bottega.toml"), manifest);
    home.write(&format!("{folder}/counter.wasm"), counter(step));
}

/// A server at a free port, and its address.
pub(crate) fn serve(home: &Home) -> (Live, String) {
    let mut server = home.bottega(&["serve", "--listen", "127.0.0.1:0", "--json"]).start();
    let line: Value = serde_json::from_str(&server.line().unwrap()).unwrap();
    (server, line["serving"]["url"].as_str().unwrap().to_owned())
}

fn ask(home: &Home) -> Finished {
    home.bottega(&["message", "ask", "counter", "how many?"]).finish()
}

#[track_caller]
fn check_count(home: &Home, expected: &str) {
    let asked = ask(home).with_code(1);
    assert_eq!(asked.stdout.trim(), expected, "{}", asked.stderr);
}

#[test]
fn an_agent_is_there_again_after_its_server_was_killed() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    agent(&home, "two", "2.0.0", 3);
    let (server, _) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    check_count(&home, "1");
    check_count(&home, "2");
    home.bottega(&["agent", "upgrade", "counter", "two"]).finish().done();
    check_count(&home, "5");
    let twice = home.bottega(&["agent", "deploy", "one"]).finish().with_code(1);
    assert!(twice.stderr.contains("BTG0020"), "{}", twice.stderr);
    home.bottega(&["agent", "stop", "counter"]).finish().done();
    let kept = home.bottega(&["message", "send", "counter", "later", "--durable"]).finish();
    assert!(kept.done().stdout.contains("msg_"));
    server.kill();

    let gone = ask(&home).with_code(1);
    assert!(gone.stderr.contains("BTG0023") && gone.stderr.contains("bottega serve"), "{gone:?}");
    let (server, _) = serve(&home);
    let stopped = home.view(&["agent", "show", "counter"]);
    assert_eq!(
        (&stopped["kind"], &stopped["state"]),
        (&"wasm counter 2.0.0".into(), &"stopped".into())
    );
    home.bottega(&["agent", "start", "counter"]).finish().done();
    check_count(&home, "6");
    home.bottega(&["agent", "rollback", "counter"]).finish().done();
    check_count(&home, "7");
    check_count(&home, "8");
    check_count(&home, "9");
    let crashed = ask_briefly(&home);
    assert!(!crashed.stdout.contains(char::is_numeric), "{crashed:?}");
    check_count(&home, "1");
    assert_eq!(home.view(&["agent", "show", "counter"])["restarts"], 1);
    home.bottega(&["agent", "rm", "counter"]).finish().done();
    server.signal(Signal::TERM);
    server.finish().done();

    let (_server, _) = serve(&home);
    let listed = home.view(&["agent", "list"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["ams@local", "blackboard@local", "df@local", "market@local", "topics@local"]
    );
    home.audit();
}

/// A program that asks over HTTP and reads until the server has told everything.
fn told(url: &str, token: &str, path: &str, meanwhile: impl FnOnce()) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::live::PATIENCE)).unwrap();
    let ask = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let (mut reader, mut came) = (BufReader::new(stream), String::new());
    while !came.contains("event: event") {
        assert_ne!(reader.read_line(&mut came).unwrap(), 0, "{came}");
    }
    meanwhile();
    reader.read_to_string(&mut came).unwrap();
    came
}

#[test]
fn what_happens_to_an_agent_is_streamed_until_it_is_gone() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (_server, url) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    let token = fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let path = "/v1/agents/counter/events/stream";
    let came = told(&url, token.trim(), path, || {
        home.bottega(&["agent", "stop", "counter"]).finish().done();
        home.bottega(&["agent", "rm", "counter"]).finish().done();
    });
    assert!(came.contains("200 OK") && came.contains("text/event-stream"), "{came}");
    let numbers: Vec<usize> =
        came.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    assert!(numbers.len() >= 2 && numbers.iter().copied().eq(1..=numbers.len()), "{came}");
}

/// Asks one that will not answer.
fn ask_briefly(home: &Home) -> Finished {
    home.bottega(&["message", "ask", "counter", "how many?", "--timeout", "2s"]).finish()
}

#[test]
fn one_server_serves_and_the_token_lets_in() {
    let home = Home::new();
    let (_server, url) = serve(&home);
    let second = home.bottega(&["serve", "--listen", "127.0.0.1:0"]).finish().with_code(1);
    assert!(second.stderr.contains(&url), "{}", second.stderr);

    let token = home.own_files().join("data/server-token");
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let list = ["agent", "list", "--server", &url];
    home.bottega(&list).finish().done();
    let wrong = home.bottega(&list).env("BOTTEGA_SERVER_TOKEN", &"w".repeat(40)).finish();
    assert!(wrong.with_code(1).stderr.contains("BTG0028"));
    // Another's server gets no token that was not meant for it.
    let other = home.bottega(&["agent", "list", "--server", "http://127.0.0.1:9"]).finish();
    assert!(other.with_code(1).stderr.contains("BOTTEGA_SERVER_TOKEN"));

    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = home.bottega(&list).finish().with_code(2);
    assert!(exposed.stderr.contains("can be read by others"), "{}", exposed.stderr);
    assert!(!exposed.stderr.contains(fs::read_to_string(&token).unwrap().trim()));
}

/// Looks until it is so.
#[track_caller]
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let patience = std::time::Instant::now() + crate::live::PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < patience, "it never came to be");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn an_agent_outside_takes_part_in_a_tender_like_any_other() {
    let home = Home::new();
    let manifest = "name = \"clerk\"\nversion = \"1.0.0\"\nworld = \"outside\"\ndelivery = \"durable\"\n\
                    [[services]]\ntype = \"filing\"\n";
    home.write("clerk/bottega.toml", manifest);
    let (server, _) = serve(&home);
    home.bottega(&["agent", "deploy", "clerk"]).finish().done();
    let open = ["tender", "open", "file it", "--skill", "filing", "--detach", "--bidding", "60s"];
    let tender = home.bottega(&open).finish().done().stdout.trim().to_owned();
    let next = || -> Value {
        let tail = home.bottega(&["message", "tail", "clerk", "-n", "1", "--json"]).finish().done();
        serde_json::from_str::<Value>(&tail.stdout).unwrap()["message"].clone()
    };
    let say = |call: &Value, act: &str, content: &str| {
        let conversation = call["conversation-id"].as_str().unwrap();
        let words = ["message", "send", "market", content, "--performative", act];
        let more = ["--from", "clerk", "--conversation", conversation];
        home.bottega(&[&words[..], &more[..]].concat()).finish().done();
    };
    let call = next();
    assert_eq!(call["performative"], "cfp", "{call}");
    say(&call, "propose", r#"{"price":5,"takes_ms":60000,"confidence":900}"#);
    let working = || home.view(&["tender", "show", &tender])["state"] == "working";
    wait_until(working);
    // The server goes down and comes back; the award is still to be fetched.
    server.kill();
    let (_server, _) = serve(&home);
    let award = next();
    assert_eq!(award["performative"], "accept-proposal", "{award}");
    say(&award, "inform", "filed under F");
    wait_until(|| home.view(&["tender", "show", &tender])["result"] == "filed under F");
    home.audit();
}

#[test]
fn a_batch_is_sent_line_by_line_and_once_however_often() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (_server, _) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    // Whoever is stopped handles nothing, so that what was stored can be counted.
    home.bottega(&["agent", "stop", "counter"]).finish().done();
    let line = |receiver: &str, content: u32| {
        format!(r#"{{"performative":"inform","receiver":["{receiver}"],"content":"{content}"}}"#)
    };
    let mut lines: Vec<String> = (1..=1_200).map(|number| line("counter", number)).collect();
    lines[699] = line("nobody", 700);
    home.write("orders.jsonl", lines.join("\n"));
    let batch = ["message", "batch", "orders.jsonl", "--durable", "--key", "monday"];
    let sent = home.bottega(&batch).finish();
    assert_eq!(sent.stdout, "1,199 messages sent, 1 refused\n", "{}", sent.stderr);
    assert!(sent.code != Some(0) && sent.stderr.contains("line 700: "), "{}", sent.stderr);

    home.write("orders.jsonl", lines[..600].join("\n"));
    let again = home.bottega(&batch).finish().done();
    assert_eq!(again.stdout, "0 messages sent, 600 had been sent before\n");
    let told = home.bottega(&[&batch[..], &["--json"]].concat()).finish().done();
    let told: Vec<Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 600);
    assert!(told.iter().zip(1..).all(|(step, line)| step["line"] == line));
    assert!(told.iter().all(|step| step["receipt"]["repeated"] == true));
    assert_eq!(home.view(&["message", "mail", "counter"]).as_array().unwrap().len(), 1_199);

    home.write("orders.jsonl", "{\"performative\":\"inform\"}\nhm\n");
    let refused = home.bottega(&batch).finish().with_code(2);
    assert!(refused.stderr.contains("line 2: "), "{}", refused.stderr);
}

#[test]
fn nobody_speaks_in_the_name_of_the_server_itself() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (_server, _) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    for name in ["market", "df@local", "ams"] {
        let forged = home.bottega(&["message", "send", "counter", "x", "--from", name]).finish();
        assert!(forged.code != Some(0), "{name}");
        assert!(forged.stderr.contains("speaks for itself"), "{name}: {}", forged.stderr);
    }
    check_count(&home, "1");
}

#[test]
fn a_message_to_several_of_whom_one_is_nobody_goes_to_none() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (_server, _) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    home.bottega(&["agent", "deploy", "one", "--name", "other"]).finish().done();
    let send = |receivers: &str| {
        let line = format!(r#"{{"performative":"inform","receiver":{receivers},"content":"x"}}"#);
        home.write("all.jsonl", line);
        home.bottega(&["message", "batch", "all.jsonl"]).finish()
    };
    let refused = send(r#"["counter","nobody"]"#);
    assert!(refused.stderr.contains("went to none"), "{}", refused.stderr);
    send(r#"["counter","other"]"#).done();
    // Only the second one was counted.
    check_count(&home, "2");
    // Who never lived here has no log, and one who was removed has.
    home.bottega(&["agent", "rm", "other"]).finish().done();
    home.bottega(&["agent", "logs", "other"]).finish().done();
    let nobody = home.bottega(&["agent", "logs", "nobody"]).finish().with_code(2);
    assert!(nobody.stderr.contains("BTG0019"), "{}", nobody.stderr);
}
