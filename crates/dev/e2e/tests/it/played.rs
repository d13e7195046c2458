//! Agents that a language model plays, hosted by a server: they answer, bid, and keep their word through a kill.

use bottega_testkit::{Asked, Saying, ScriptedServer, Serving};
use serde_json::{Value, json};

use crate::home::Home;
use crate::live::{Live, PATIENCE};
use crate::provider::Provider;

/// What a model of known price costs in all scenarios here.
const PRICES: &str =
    "[models.prices.\"openrouter/scripted-large\"]\ninput = \"1\"\noutput = \"2\"\n";

/// A file that defines an agent, beside the workspace's others.
fn definition(home: &Home, name: &str, more: &str, words: &str) {
    let model = "model: openrouter/scripted-large";
    home.write(&format!("{name}.md"), format!("---\nname: {name}\n{model}\n{more}---\n{words}\n"));
}

fn serve(home: &Home, provider: &Provider<'_>) -> Live {
    let words = ["serve", "--listen", "127.0.0.1:0", "--json"];
    let mut server = home.bottega(&words).with(provider).start();
    server.wait_for(|event| event["serving"]["url"].is_string());
    server
}

fn deploy(home: &Home, name: &str) {
    home.bottega(&["agent", "deploy", &format!("{name}.md")]).finish().done();
}

#[test]
fn what_a_file_defines_answers_with_the_tools_that_it_was_granted() {
    let home = Home::new();
    let turns = [
        Saying::call("shell", json!({"command": "touch no.md"}).to_string()),
        Saying::call("write_file", json!({"path": "notes.md", "content": "weak\n"}).to_string()),
        Saying::text("The ending is weak."),
    ];
    let server = ScriptedServer::of_turns(turns).unwrap();
    let provider = Provider::usual(&server);
    definition(&home, "critic", "tools: Write\n", "You say what is weak.");
    let live = serve(&home, &provider);
    deploy(&home, "critic");
    let asked = home.bottega(&["message", "ask", "critic", "Read this."]).finish().done();
    assert_eq!(asked.stdout, "The ending is weak.\n");
    // A model of nobody is told when it is deployed, and not with the first question.
    home.write("lost.md", "---\nname: lost\nmodel: nowhere/none\n---\nYou are lost.\n");
    let lost = home.bottega(&["agent", "deploy", "lost.md"]).finish().with_code(2);
    assert!(lost.stderr.contains("`model: nowhere/none` is of a provider"), "{lost:?}");
    let first = whole(&server.asked()[0]);
    assert!(first.contains("You say what is weak.") && first.contains("Read this."), "{first}");
    assert!(first.contains("write_file") && !first.contains("shell"), "{first}");
    // It works in a folder of its own, and what it was not granted did not happen.
    let own = crate::home::files_below(&home.own_files());
    let made: Vec<_> =
        own.keys().filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    assert!(made.len() == 1 && made[0].ends_with("agents/critic/notes.md"), "{made:?}");
    let sessions = home.view(&["sessions", "list", "--all"]);
    assert_eq!(sessions[0]["agent"], "critic@local", "{sessions}");
    // Another kind of word is answered with why not.
    let other = ["message", "ask", "critic", "news?", "--performative", "subscribe"];
    let other = home.bottega(&other).finish().with_code(1);
    assert!(other.stdout.contains("requests, queries and calls for bids"), "{other:?}");
    drop(live);
    home.audit();
}

#[test]
fn a_message_whose_server_was_killed_goes_on_in_its_session() {
    let home = Home::new();
    let turns = [
        Saying::call("write_file", json!({"path": "a.md", "content": "one\n"}).to_string()),
        Saying::text("Done."),
    ];
    // The second question hangs until the server is killed.
    let server = ScriptedServer::of_turns_with(turns, [(1, Serving::silence())]).unwrap();
    let provider = Provider::usual(&server);
    definition(&home, "clerk", "tools: [write_file]\n", "You write.");
    let live = serve(&home, &provider);
    deploy(&home, "clerk");
    let send = ["message", "send", "clerk", "Write a line.", "--performative", "request"];
    home.bottega(&send).finish().done();
    assert!(server.wait_for_questions(2, PATIENCE));
    live.kill();

    let live = serve(&home, &provider);
    assert!(server.wait_for_questions(3, PATIENCE));
    let handled = || home.view(&["agent", "show", "clerk"])["under_way"] == 0;
    crate::served::wait_until(handled);
    let sessions = home.view(&["sessions", "list", "--all"]);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(sessions[0]["ending"], "done", "{sessions}");
    // Nothing that was answered is asked again: the third question is the second once more.
    let asked = server.asked();
    let turns: Vec<usize> = asked.iter().map(|question| question.turn).collect();
    assert_eq!(turns, [0, 1, 1]);
    drop(live);
    home.audit();
}

/// A question as the model got it.
fn whole(asked: &Asked) -> String {
    String::from_utf8_lossy(&asked.raw).into_owned()
}

/// Ann is cheaper and always fails; Bob brings it.
fn bargain(asked: &Asked) -> Serving {
    match whole(asked).contains("You are Ann") {
        true => Serving::Status { status: 400, headers: Vec::new() },
        false => Serving::Answer(Saying::text("Reviewed by Bob.").costing(1_000, 100)),
    }
}

#[test]
fn a_task_goes_to_the_next_best_when_the_winner_fails() {
    let home = Home::new();
    home.settings(PRICES);
    let server = ScriptedServer::start(bargain).unwrap();
    let provider = Provider::usual(&server);
    definition(&home, "ann", "services: [review]\nbudget: 0.2\n", "You are Ann.");
    definition(&home, "bob", "services: [review]\nbudget: 0.4\n", "You are Bob.");
    let live = serve(&home, &provider);
    deploy(&home, "ann");
    deploy(&home, "bob");
    let open = ["tender", "open", "review it", "--skill", "review", "--rule", "cheapest"];
    let came = home.bottega(&[&open[..], &["--budget", "1"]].concat()).finish().done();
    assert_eq!(came.stdout, "Reviewed by Bob.\n");
    assert!(came.stderr.contains("ann@local: failed"), "{}", came.stderr);
    assert!(came.stderr.contains("awarded anew to bob@local for $0.20"), "{}", came.stderr);

    let tender = &home.view(&["tender", "list"])[0];
    assert_eq!((&tender["state"], &tender["awards"]), (&json!("done"), &json!(2)), "{tender}");
    let id = tender["id"].as_str().unwrap();
    let said = home.view(&["message", "conversation", id]);
    let acts: Vec<&str> = said
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"]["performative"].as_str().unwrap())
        .collect();
    let count = |act: &str| acts.iter().filter(|one| **one == act).count();
    let counted = ["cfp", "propose", "accept-proposal", "failure", "inform"].map(count);
    assert_eq!(counted, [2, 2, 2, 1, 1], "{acts:?}");
    // The next bid follows from what the work really cost.
    let again = home.bottega(&[&open[..], &["--among", "bob", "--detach"]].concat()).finish();
    let id = again.done().stdout.trim().to_owned();
    let done = || home.view(&["tender", "show", &id])["state"] == "done";
    crate::served::wait_until(done);
    let bid = home.view(&["tender", "show", &id])["bids"][0]["price_usd"].as_f64().unwrap();
    assert!(bid < 0.2, "{bid}");
    let known = home.view(&["tender", "reputation"]);
    let of = |agent: &str| -> Value {
        let mut rows = known.as_array().unwrap().iter();
        rows.find(|row| row["agent"] == agent).unwrap().clone()
    };
    assert_eq!((&of("ann@local")["failed"], &of("bob@local")["done"]), (&json!(1), &json!(2)));
    let nobody = home.bottega(&["tender", "open", "x", "--skill", "singing"]).finish();
    assert!(nobody.with_code(2).stderr.contains("nobody offers `singing`"));
    drop(live);
    home.audit();
}

/// A model that would speak for ever is left as soon as nobody wants its words, and the agent is there for others.
#[test]
fn work_that_is_taken_back_ends_at_once() {
    let home = Home::new();
    home.settings(PRICES);
    let server = ScriptedServer::start(|asked: &Asked| match whole(asked).contains("for ever") {
        true => Serving::Stall { answer: Saying::text("Once upon a time"), after: 40 },
        false => Serving::Answer(Saying::text("Here I am.")),
    })
    .unwrap();
    let provider = Provider::usual(&server);
    definition(&home, "poet", "services: [verse]\n", "You write verses.");
    let live = serve(&home, &provider);
    deploy(&home, "poet");
    let open = ["tender", "open", "write for ever", "--skill", "verse", "--detach"];
    let id = home.bottega(&open).finish().done().stdout.trim().to_owned();
    crate::served::wait_until(|| !server.asked().is_empty());
    home.bottega(&["tender", "cancel", &id]).finish().done();
    let asked = home.bottega(&["message", "ask", "poet", "Are you there?"]).finish().done();
    assert_eq!(asked.stdout, "Here I am.\n");
    let said = home.view(&["message", "conversation", &id]);
    let told: Vec<String> = said
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let message = &one["message"];
            format!("{} {}", message["performative"], message["content"])
        })
        .collect();
    assert!(told.iter().any(|one| one == r#""inform" "it was stopped""#), "{told:?}");
    assert_eq!(home.view(&["tender", "show", &id])["state"], "cancelled");
    drop(live);
    home.audit();
}
