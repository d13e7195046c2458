//! The agent management system, asked by agents.

use std::sync::Arc;

use bottega_acl::{Aid, Message, Performative};
use bottega_agency::{Agency, Options};

use crate::world::{SPAN, World, name, options};

async fn managed(world: &World) -> Arc<Agency> {
    let roomy = Options { largest: 4_096, ..options(&world.store, &world.clock, 7) };
    let agency = Arc::new(Agency::new(roomy));
    agency.open_management().await.unwrap();
    agency
}

/// Asks the agent management system of a platform where ada runs and bob is stopped.
async fn check(act: Performative, content: &str, expected: &str) {
    let world = World::new();
    let agency = managed(&world).await;
    agency.open_directory().await.unwrap();
    for local in ["ada", "bob"] {
        agency.host(world.spec(local)).await.unwrap();
    }
    agency.stop(&name("bob"), SPAN).await.unwrap();
    let question = Message::new(act).to(Aid::new(name("ams"))).about(content);
    let answer = agency.ask(question, SPAN).await.unwrap().unwrap();
    let said = answer.content.as_ref().and_then(|content| content.as_text()).unwrap_or_default();
    assert_eq!(format!("{} {said}", answer.performative), expected);
}

#[tokio::test(start_paused = true)]
async fn it_says_who_lives_here_and_how_they_are() {
    let search = |template: &str| format!(r#"{{"action":"search","template":{template}}}"#);
    let request = Performative::Request;
    let bob = r#"{"name":"bob@here","state":"suspended","kind":"native"}"#;
    let ada = r#"{"name":"ada@here","state":"active","kind":"native"}"#;
    check(request, &search(r#"{"state":"suspended"}"#), &format!("inform [{bob}]")).await;
    check(request, &search(r#"{"name":"ada@here"}"#), &format!("inform [{ada}]")).await;
    check(request, &search(r#"{"name":"eve@here"}"#), "inform []").await;
    let own = r#""native management"},"#;
    let df = r#"{"name":"df@here","state":"active","kind":"native directory"}"#;
    let all =
        format!(r#"inform [{ada},{{"name":"ams@here","state":"active","kind":{own}{bob},{df}]"#);
    check(request, r#"{"action":"search"}"#, &all).await;
    let platform = r#"inform {"name":"here","ap-services":["ams@here","df@here"]}"#;
    check(request, r#"{"action":"get-description"}"#, platform).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_does_not_do_is_refused_with_the_reason() {
    for action in ["register", "modify", "deregister"] {
        let refused =
            "refuse unauthorised: who lives here is for a person to say, with `bottega agent`";
        check(Performative::Request, &format!(r#"{{"action":"{action}"}}"#), refused).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_does_not_understand_it_says() {
    let world = World::new();
    let agency = managed(&world).await;
    for (act, content) in [
        (Performative::Inform, "hello"),
        (Performative::Request, "{}"),
        (Performative::Request, r#"{"action":"search","template":{"colour":"red"}}"#),
    ] {
        let question = Message::new(act).to(Aid::new(name("ams"))).about(content);
        let answer = agency.ask(question, SPAN).await.unwrap().unwrap();
        assert_eq!(answer.performative, Performative::NotUnderstood, "{content}");
    }
}
