//! Files that come with a task: stored once, and seen whole for as long as the session lives.

use bottega_testkit::{Saying, ScriptedServer, Serving};
use serde_json::Value;

use crate::home::{Home, files_below};
use crate::live::PATIENCE;
use crate::provider::{KEY, Provider};

/// The attachments of the journal's only task.
fn attached(home: &Home) -> Vec<Value> {
    let records = home.records();
    let tasked = records.iter().find(|record| record["kind"] == "session.tasked").unwrap();
    assert!(tasked["data"].as_str().unwrap().len() < 10_000, "large files stand in no event");
    let data: Value = serde_json::from_str(tasked["data"].as_str().unwrap()).unwrap();
    data["attachments"].as_array().unwrap().clone()
}

#[test]
fn a_large_one_survives_a_kill_and_stands_in_the_export() {
    let home = Home::new();
    let text = "A line of the large file.\n".repeat(8_000);
    home.write("large.txt", &text);
    home.write("picture.png", [&b"\x89PNG\r\n\x1a\n"[..], &[7; 60_000]].concat());
    let said = [Saying::text("I have read it.")];
    let server = ScriptedServer::of_turns_with(said, [(0, Serving::silence())]).unwrap();
    let provider = Provider::usual(&server);
    let words = ["--file", "large.txt", "--file", "greeting.txt", "--image", "picture.png", "look"];
    let live = home.run(&provider, &words).start();
    assert!(server.wait_for_questions(1, PATIENCE));
    live.kill();
    // Neither is needed any more.
    home.write("large.txt", "");
    home.write("picture.png", "");
    home.resume(&provider, &[]).finish().done();
    let asked = server.asked();
    assert_eq!(asked[0].conversation(), asked[1].conversation(), "to the byte the same question");
    let raw = String::from_utf8(asked[1].raw.to_vec()).unwrap();
    assert!(raw.contains(&text.replace('\n', "\\n")));

    let attached = attached(&home);
    let inline = |name: &str| {
        let found = attached.iter().find(|file| file["name"].as_str().unwrap().ends_with(name));
        found.unwrap().get("inline").is_some()
    };
    assert_eq!(
        (inline("large.txt"), inline("greeting.txt"), inline("picture.png")),
        (false, true, false)
    );
    let exported = home.bottega(&["sessions", "export", "last"]).finish().done();
    let blobs: Vec<Value> =
        exported.events().into_iter().filter(|line| line["blob"].is_string()).collect();
    assert_eq!(blobs.len(), 2);
    for file in attached.iter().filter(|file| file.get("inline").is_none()) {
        assert!(blobs.iter().any(|blob| blob["blob"] == file["blob"]), "{file}");
    }
    home.audit();
}

#[test]
fn a_document_is_sent_with_the_first_question() {
    let home = Home::new();
    home.write("page.pdf", [&b"%PDF-1.4\n"[..], &[b'x'; 3_000]].concat());
    let server = ScriptedServer::of_turns([Saying::text("One page.")]).unwrap();
    let words = ["--file", "page.pdf", "what is in it?"];
    home.run(&Provider::usual(&server), &words).finish().done();
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "nothing was shortened before");
    assert!(String::from_utf8_lossy(&asked[0].raw).contains("eHh4eHh4eHh4"));
}

#[test]
fn a_secret_in_an_attached_text_stays_out_of_every_file() {
    let home = Home::new();
    home.write("notes.txt", format!("before\n{KEY}\nafter\n"));
    let server = ScriptedServer::of_turns([Saying::text("Seen.")]).unwrap();
    home.run(&Provider::usual(&server), &["--file", "notes.txt", "look"]).finish().done();
    assert!(!String::from_utf8_lossy(&server.asked()[0].raw).contains(KEY));
    for (path, bytes) in files_below(&home.own_files()) {
        assert!(!String::from_utf8_lossy(&bytes).contains(KEY), "{}", path.display());
    }
}
