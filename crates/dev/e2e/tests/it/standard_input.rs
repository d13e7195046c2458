//! Standard input is read only where it is asked for.

use bottega_testkit::{Saying, ScriptedServer};

use crate::home::Home;
use crate::provider::Provider;

fn server() -> ScriptedServer {
    ScriptedServer::of_turns([Saying::text("Done.")]).unwrap()
}

#[test]
fn an_open_and_silent_one_does_not_block() {
    let (home, server) = (Home::new(), server());
    let run = home.run(&Provider::usual(&server), &["task"]).silent_input().finish().done();
    assert_eq!(run.stdout, "Done.\n");
}

#[test]
fn a_task_may_be_piped_in() {
    for words in [&[][..], &["-"]] {
        let (home, server) = (Home::new(), server());
        home.run(&Provider::usual(&server), words)
            .typed("Say it in Latin: ubi est?\n")
            .finish()
            .done();
        assert!(server.asked()[0].said().contains("ubi est?"), "{}", server.asked()[0].said());
    }
}

#[test]
fn it_may_be_attached() {
    let (home, server) = (Home::new(), server());
    let words = ["--file", "-", "review this"];
    home.run(&Provider::usual(&server), &words).typed("+ a line\n").finish().done();
    let asked = String::from_utf8(server.asked()[0].raw.to_vec()).unwrap();
    assert!(asked.contains("+ a line") && asked.contains("review this"), "{asked}");
}
