//! Agents on a server: serving them, their life, what they are told.

use bottega_cli::Needs;

use crate::words::read;
use crate::world::{Came, Step, World};

fn run(line: &[&str]) -> Came {
    World { terminals: (false, true, false), ..World::default() }.run(line)
}

fn json(line: &[&str]) -> Came {
    run(&[&["--json"], line].concat())
}

#[test]
fn help_reads_well() {
    let help = |line: &[&str]| World::default().run(&[line, &["--help"]].concat()).out;
    insta::assert_snapshot!(help(&["serve"]));
    insta::assert_snapshot!(help(&["agent"]));
    insta::assert_snapshot!(help(&["agent", "deploy"]));
    insta::assert_snapshot!(help(&["agent", "build"]));
    insta::assert_snapshot!(help(&["agent", "test"]));
    insta::assert_snapshot!(help(&["message"]));
    insta::assert_snapshot!(help(&["message", "ask"]));
    insta::assert_snapshot!(help(&["tender"]));
    insta::assert_snapshot!(help(&["tender", "open"]));
    insta::assert_snapshot!(help(&["top"]));
    insta::assert_snapshot!(help(&["topic"]));
    insta::assert_snapshot!(help(&["board"]));
    insta::assert_snapshot!(help(&["board", "write"]));
}

#[test]
fn a_server_tells_where_it_is_and_stops_when_asked() {
    for asked in [Step::CtrlC, Step::Terminate] {
        let world = World { steps: vec![asked], ..World::default() };
        let came = world.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(came.left.calls, ["serve 127.0.0.1:0", "served"]);
        assert_eq!((came.exit, came.out.as_str()), (0, ""));
        insta::allow_duplicates! { insta::assert_snapshot!(came.err) }
    }
}

#[test]
fn a_script_is_told_where_the_server_is() {
    let world = World { steps: vec![Step::CtrlC], ..World::default() };
    let came = world.run(&["--json", "serve"]);
    assert_eq!(came.left.calls, ["serve 127.0.0.1:7437", "served"]);
    insta::assert_snapshot!(came.page());
}

#[test]
fn whoever_asks_twice_leaves_at_once() {
    let steps = vec![Step::CtrlC, Step::CtrlC, Step::Silence];
    let came = World { steps, ..World::default() }.run(&["serve"]);
    assert_eq!((came.exit, came.left.calls.len()), (130, 1), "{}", came.err);
}

#[test]
fn a_server_that_can_not_listen_says_why() {
    let came = run(&["serve", "--listen", "0.0.0.0:7437"]);
    insta::assert_snapshot!(came.page());
}

#[test]
fn agents_are_shown() {
    insta::assert_snapshot!(run(&["agent", "list"]).page());
    insta::assert_snapshot!(run(&["agent", "show", "clerk"]).page());
    insta::assert_snapshot!(json(&["agent", "show", "clerk"]).page());
    let logs = run(&["agent", "logs", "greeter", "-n", "7"]);
    assert_eq!(logs.left.calls, ["agents None", "events greeter 7"]);
    insta::assert_snapshot!(logs.page());
    insta::assert_snapshot!(run(&["agent", "show", "nobody"]).page());
    let none = World { nobody: true, ..World::default() }.run(&["agent", "list"]);
    assert_eq!(none.out, "nobody lives there yet; `bottega agent deploy FOLDER` lets one in\n");
}

#[test]
fn agents_are_steered() {
    for (word, call, told) in [
        ("start", "start", "was begun"),
        ("stop", "stop", "was stopped"),
        ("restart", "restart", "was begun again"),
        ("rollback", "roll_back", "is back"),
    ] {
        let came = run(&["agent", word, "greeter", "--server", "https://there.example"]);
        let expected = ["agents Some(\"https://there.example\")", &format!("{call} greeter")];
        assert_eq!(came.left.calls, expected);
        assert_eq!(came.out, format!("greeter@local {told}: wasm greeter 0.1.0, running\n"));
    }
    let removed = run(&["agent", "rm", "greeter", "clerk", "greeter@local"]);
    assert_eq!(removed.left.calls[1..], ["remove greeter@local", "remove clerk@local"]);
    assert_eq!(removed.out, "greeter@local removed\nclerk@local removed\n");
    let slip = run(&["agent", "rm", "greeter", "nobody"]);
    assert_eq!((slip.exit, slip.left.calls.len()), (2, 1), "a slip removes none");
}

#[test]
fn whoever_waits_can_leave() {
    let came = World { nobody: true, ..World::default() }.run(&["agent", "stop", "greeter"]);
    assert_eq!((came.exit, came.out.as_str()), (130, ""));
}

#[test]
fn a_folder_is_deployed_once_it_is_right() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().display().to_string();
    let deploy = |more: &[&str]| {
        let came = run(&[&["agent", "deploy", folder.as_str()], more].concat());
        Came { err: came.err.replace(&folder, "FOLDER"), ..came }
    };
    let none = deploy(&[]);
    assert!(none.exit == 2 && none.err.contains("BTG0015") && none.left.calls.is_empty());
    let manifest = "name = \"greeter\"\nversion = \"0.1.0\"\nworld = \"agent\"\n";
    let write = |text: &str| std::fs::write(home.path().join("bottega.toml"), text).unwrap();
    write(&format!("{manifest}limts = {{}}\n"));
    let slip = deploy(&[]);
    assert!(slip.left.calls.is_empty(), "nothing is sent");
    insta::assert_snapshot!(slip.page());
    for outside in ["../other.wasm", "/etc/passwd"] {
        write(&format!("{manifest}module = \"{outside}\"\n"));
        let refused = deploy(&[]);
        assert!(refused.err.contains("lies outside of the folder"), "{}", refused.err);
    }
    write(manifest);
    insta::assert_snapshot!(deploy(&[]).page());
    std::fs::write(home.path().join("greeter.wasm"), b"\0asm").unwrap();
    let deployed = deploy(&["--name", "doorman", "--config", "{\"a\": 1}"]);
    let call = format!("deploy {manifest:?} AGFzbQ== Some(\"doorman\") {{\"a\":1}}");
    assert_eq!(deployed.left.calls, ["agents None".to_owned(), call]);
    insta::assert_snapshot!(deployed.page());
    let upgraded = run(&["-C", &folder, "agent", "upgrade", "greeter", "."]);
    assert_eq!(upgraded.left.calls[1..], ["upgrade greeter AGFzbQ== null"]);
    let no_json = deploy(&["--config", "{"]);
    assert!(no_json.exit == 2 && no_json.err.contains("no JSON"), "{}", no_json.err);
}

#[test]
fn a_new_agent_is_a_folder_to_begin_with() {
    assert_eq!(read(&["agent", "new", "x", "--lang", "c"]).unwrap().needs(), Needs::Nothing);
    assert_eq!(read(&["agent", "list"]).unwrap().needs(), Needs::Settings);
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().display().to_string();
    let new = |name: &str, language: &str| {
        let came = run(&["-C", &folder, "agent", "new", name, "--lang", language]);
        Came {
            out: came.out.replace(&folder, "HOME"),
            err: came.err.replace(&folder, "HOME"),
            ..came
        }
    };
    insta::assert_snapshot!(new("greeter", "c").page());
    insta::assert_snapshot!(new("greeter", "rust").page());
    assert!(home.path().join("greeter/agent.c").is_file());
    for (name, language, file) in [
        ("snake", "python", "wit/deps/bottega/guest.wit"),
        ("jay", "js", "wit/deps/bottega/guest.wit"),
        ("crab", "rust", "bottega-guest/wit/guest.wit"),
    ] {
        assert_eq!(new(name, language).exit, 0);
        let path = home.path().join(name).join(file);
        assert!(std::fs::symlink_metadata(path).unwrap().is_file());
    }
    insta::assert_snapshot!(new("../Greeter", "c").page());
}

#[test]
fn messages_are_sent() {
    let came = run(&["message", "send", "greeter", "Ada"]);
    let message =
        "{\"performative\":\"inform\",\"receiver\":[\"greeter@local\"],\"content\":\"Ada\"}";
    assert_eq!(came.left.calls, ["agents None".to_owned(), format!("send {message} None None")]);
    assert_eq!(came.out, "sent\n");
    // A whole name is nobody's business but the server's.
    let far = run(&["message", "send", "ada@there", "x", "--performative", "Query-If"]);
    assert!(
        far.left.calls[1]
            .starts_with("send {\"performative\":\"query-if\",\"receiver\":[\"ada@there\"]")
    );
    let durable = run(&["message", "send", "greeter", "Ada", "--durable", "--key", "order-17"]);
    assert!(durable.left.calls[1].ends_with("Some(Durable) Some(\"order-17\")"));
    assert_eq!(durable.out, "stored as msg_01k9\n");
    let again = run(&["message", "send", "greeter", "Ada", "--durable", "--key", "known"]);
    assert_eq!(again.out, "was stored before, as msg_01k9\n");
    let piped = World { stdin: Some(b"from a pipe".to_vec()), ..World::default() };
    let piped = piped.run(&["message", "send", "greeter", "-"]);
    assert!(piped.left.calls[1].contains("\"content\":\"from a pipe\""));
    let slip = run(&["message", "send", "greeter", "Ada", "--performative", "shout"]);
    insta::assert_snapshot!(slip.page());
}

#[test]
fn questions_are_answered() {
    let came = run(&["message", "ask", "greeter", "Ada", "--timeout", "2m"]);
    assert!(came.left.calls[1].ends_with("Some(120000)"), "{:?}", came.left.calls);
    assert_eq!((came.exit, came.out.as_str(), came.err.as_str()), (0, "Hello, Ada!\n", ""));
    assert_eq!(run(&["message", "ask", "greeter", "number"]).out, "{\"number\":7}\n");
    insta::assert_snapshot!(run(&["message", "ask", "greeter", "nonsense"]).page());
    insta::assert_snapshot!(json(&["message", "ask", "greeter", "silence"]).page());
}

#[test]
fn what_was_not_handled_is_shown_and_resent() {
    insta::assert_snapshot!(run(&["message", "mail", "greeter"]).page());
    let came = run(&["message", "resend", "greeter", "msg_01k8"]);
    assert_eq!(came.left.calls[1], "resend greeter msg_01k8");
    assert_eq!(came.out, "msg_01k8 is under way again\n");
    let none = World { nobody: true, ..World::default() }.run(&["message", "mail", "greeter"]);
    assert_eq!(none.out, "everything was handled\n");
}

#[test]
fn nobody_there_is_told() {
    let no_server = World { no_server: true, ..World::default() };
    insta::assert_snapshot!(no_server.run(&["agent", "list"]).page());
}

#[test]
fn a_tender_is_opened_and_followed() {
    let came = run(&["tender", "open", "greet Ada", "--skill", "greeting", "--budget", "0.50"]);
    insta::assert_snapshot!(format!("{}\n{}", came.left.calls.join("\n"), came.page()));
    let open = ["tender", "open", "greet Ada", "--skill", "greeting", "--among", "a,b"];
    let detached = run(&[&open[..], &["--detach"]].concat());
    assert_eq!((detached.exit, detached.out.as_str()), (0, "tnd_01k9\n"));
    assert!(detached.left.calls[1].contains(r#""among":["a","b"]"#), "{:?}", detached.left.calls);
    let lost = run(&["tender", "open", "impossible", "--skill", "greeting"]);
    insta::assert_snapshot!(lost.page());
    let slip = run(&["tender", "open", "x", "--skill", "y", "--rule", "best"]);
    assert_eq!(slip.exit, 2);
}

#[test]
fn tenders_are_shown_and_decided() {
    insta::assert_snapshot!(run(&["tender", "list"]).page());
    insta::assert_snapshot!(run(&["tender", "show", "tnd_01k9"]).page());
    insta::assert_snapshot!(json(&["tender", "show", "tnd_01k9"]).page());
    insta::assert_snapshot!(run(&["tender", "show", "tnd_none"]).page());
    insta::assert_snapshot!(run(&["tender", "log", "tnd_01k9"]).page());
    insta::assert_snapshot!(run(&["tender", "reputation"]).page());
    insta::assert_snapshot!(run(&["message", "conversation", "tnd_01k9"]).page());
    insta::assert_snapshot!("a_trace", run(&["message", "trace", "tnd_01k9"]).page());
    let wide = World { terminals: (false, false, false), ..World::default() };
    insta::assert_snapshot!(
        "a_trace_on_a_wide_screen",
        wide.run(&["message", "trace", "x"]).page()
    );
    let followed = run(&["message", "ask", "greeter", "Ada", "--follow"]).page();
    insta::assert_snapshot!("an_answer_that_is_followed", followed);
    let script = run(&["message", "ask", "greeter", "Ada", "--follow", "--json"]).page();
    insta::assert_snapshot!("an_answer_that_a_script_follows", script);
    for word in ["close", "cancel"] {
        let came = run(&["tender", word, "tnd_01k9"]);
        assert_eq!(came.left.calls[1], format!("{word} tnd_01k9"));
    }
    let nobody = |line: &[&str]| World { nobody: true, ..World::default() }.run(line).out;
    let none = "nothing was put out to tender yet; `bottega tender open TASK --skill SKILL` does\n";
    assert_eq!(nobody(&["tender", "list"]), none);
    assert_eq!(nobody(&["tender", "reputation"]), "nobody was awarded anything yet\n");
    let silent = nobody(&["message", "conversation", "cnv_1"]);
    assert!(silent.contains("nothing of this conversation"), "{silent}");
}

#[test]
fn a_definition_is_deployed_once_it_is_right() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("critic.md");
    let path = file.display().to_string();
    let deploy = || {
        let came = run(&["agent", "deploy", &path]);
        Came { err: came.err.replace(&path, "critic.md"), ..came }
    };
    assert_eq!(deploy().exit, 2);
    std::fs::write(&file, "---\nname: critic\ntols: Read\n---\nYou say what is weak.\n").unwrap();
    let slip = deploy();
    assert!(slip.err.contains("critic.md: line 3: there is no `tols`; did you mean `tools`?"));
    assert!(slip.left.calls.is_empty(), "nothing is sent");
    std::fs::write(&file, "---\nname: critic\n---\nYou say what is weak.\n").unwrap();
    let sent = deploy();
    let expected = r#"deploy "---\nname: critic\n---\nYou say what is weak.\n"  None null"#;
    assert_eq!((sent.exit, sent.left.calls[1].as_str()), (0, expected));
}

#[test]
fn messages_are_printed_and_then_acknowledged() {
    let came = run(&["message", "tail", "greeter", "-n", "2"]);
    insta::assert_snapshot!(format!("{}\n{}", came.left.calls.join("\n"), came.page()));
    let lines = json(&["message", "tail", "greeter", "-n", "1"]);
    assert!(lines.out.starts_with(r#"{"number":1,"message":{"#), "{}", lines.out);
    assert_eq!(lines.out.lines().count(), 1);
    assert_eq!(run(&["message", "tail", "nobody"]).exit, 2);
}

/// Told once that the server is gone, a listener waits; what it has shown it does not show again.
#[test]
fn a_server_that_goes_away_is_waited_for() {
    let came = run(&["message", "tail", "clerk", "-n", "2"]);
    insta::assert_snapshot!(format!("{}\n{}", came.left.calls.join("\n"), came.page()));
}

#[test]
fn an_agent_outside_speaks_in_its_own_name_and_conversation() {
    let send = ["message", "send", "greeter", "5", "--from", "clerk", "--conversation", "cnv_1"];
    let came = run(&send);
    let sent = &came.left.calls[1];
    assert!(sent.contains(r#""sender":"clerk""#), "{sent}");
    assert!(sent.contains(r#""conversation-id":"cnv_1""#), "{sent}");
    let home = tempfile::tempdir().unwrap();
    let manifest = "name = \"clerk\"\nversion = \"1.0.0\"\nworld = \"outside\"\n";
    std::fs::write(home.path().join("bottega.toml"), manifest).unwrap();
    let came = run(&["agent", "deploy", &home.path().display().to_string()]);
    assert_eq!(came.left.calls[1], format!("deploy {manifest:?}  None null"));
}

/// What `top` shows is drawn elsewhere; here is what it prints.
#[test]
fn a_server_is_shown_once_where_there_is_no_screen() {
    let dumb = World { terminals: (true, true, true), dumb: true, ..World::default() };
    let piped = World { terminals: (true, false, true), ..World::default() };
    let once = World { terminals: (true, true, true), ..World::default() };
    assert_eq!(dumb.run(&["top"]).exit, 0);
    let came = piped.run(&["top"]);
    assert_eq!((came.exit, came.left.calls), (0, vec!["agents None".to_owned(), "look".into()]));
    let came = once.run(&["top", "--once", "--server", "http://127.0.0.1:9"]);
    assert_eq!(came.left.calls[0], "agents Some(\"http://127.0.0.1:9\")");
    insta::assert_snapshot!(came.page());
    let wide = World { terminals: (false, false, false), ..World::default() }.run(&["top"]);
    insta::assert_snapshot!(wide.page());
}

#[test]
fn a_script_gets_one_object_a_look() {
    let came = json(&["top", "--once"]);
    assert_eq!((came.exit, came.err.as_str()), (0, ""));
    insta::assert_snapshot!(came.out);

    let wait = Step::Wait(std::time::Duration::ZERO);
    let steps = vec![wait.clone(), Step::Silence, Step::Silence, wait, Step::CtrlC];
    let came = World { steps, ..World::default() }.run(&["--json", "top"]);
    let lines: Vec<serde_json::Value> =
        came.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((came.exit, lines.len()), (130, 3), "{}", came.err);
    assert_eq!(lines[0]["actors"][1]["agent"], "wasm greeter 0.1.0");
    // Told once, and the way to the server is looked for anew.
    assert_eq!(came.err.lines().count(), 1);
    assert!(came.err.contains("BTG0023"), "{}", came.err);
    let ways = came.left.calls.iter().filter(|call| call.starts_with("agents")).count();
    assert_eq!(ways, 3);
}

#[test]
fn a_server_that_was_never_there_is_an_error() {
    let came = World { no_server: true, ..World::default() }.run(&["top"]);
    assert_eq!(came.exit, 1);
    assert!(came.err.contains("BTG0023"), "{}", came.err);
}

#[test]
fn what_is_published_is_told_to_all_who_subscribed() {
    let published =
        run(&["topic", "publish", "orders.new", "one hinge", "--durable", "--key", "k"]);
    let call =
        r#"publish orders.new {"content":"one hinge","delivery":"durable","idempotency_key":"k"}"#;
    assert_eq!(published.left.calls[1..], [call]);
    insta::assert_snapshot!(published.page());
    insta::assert_snapshot!(run(&["topic", "publish", "nobody.hears", "x"]).page());
    insta::assert_snapshot!(run(&["topic", "publish", "nobody.can", "x"]).page());
    insta::assert_snapshot!(json(&["topic", "publish", "orders.new", "x"]).page());
}

#[test]
fn agents_subscribe_and_are_listed() {
    let subscribed = run(&["topic", "subscribe", "echo", "orders.>", "--group", "packers"]);
    let call = r#"subscribe {"agent":"echo","pattern":"orders.>","group":"packers"}"#;
    assert_eq!(subscribed.left.calls[1..], [call]);
    assert_eq!(subscribed.out, "echo@local is told of orders.>, shared in packers\n");
    let ended = run(&["topic", "unsubscribe", "echo", "orders.>"]);
    assert_eq!(ended.out, "echo is told no more of orders.>\n");
    insta::assert_snapshot!(run(&["topic", "list"]).page());
    let none = World { nobody: true, ..World::default() }.run(&["topic", "list", "echo"]);
    assert_eq!(none.left.calls[1..], [r#"subscriptions Some("echo")"#]);
    assert!(none.out.starts_with("nobody subscribed"), "{}", none.out);
}

#[test]
fn the_blackboard_is_read_and_written() {
    let line = ["board", "write", "work.hinge", "forge a hinge", "--within", "1h", "--expect", "0"];
    let written = run(&line);
    let call =
        r#"write work.hinge {"value":"forge a hinge","within_ms":3600000,"expected_version":0}"#;
    assert_eq!(written.left.calls[1..], [call]);
    assert_eq!(written.out, "work.hinge has version 3\n");
    let json_value = run(&["board", "write", "a", "{\"b\": [1]}", "--as-json", "--from", "ann"]);
    assert_eq!(json_value.left.calls[1..], [r#"write a {"value":{"b":[1]},"by":"ann"}"#]);
    let slip = run(&["board", "write", "a", "{", "--as-json"]);
    assert!(slip.exit == 2 && slip.err.contains("no JSON"), "{}", slip.err);
    assert_eq!(run(&["board", "read", "work.hinge"]).out, "forge a hinge\n");
    assert_eq!(run(&["board", "take", "work.hinge", "--expect", "3"]).out, "forge a hinge\n");
    insta::assert_snapshot!(run(&["board", "take", "gone"]).page());
    insta::assert_snapshot!(run(&["board", "list", "work", "-n", "9"]).page());
    insta::assert_snapshot!(json(&["board", "read", "work.hinge"]).page());
    let none = World { nobody: true, ..World::default() }.run(&["board", "list"]);
    assert!(none.out.starts_with("nothing stands there"), "{}", none.out);
}
