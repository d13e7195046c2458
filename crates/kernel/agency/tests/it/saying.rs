//! What is said, and to whom it gets.

use std::time::Duration;

use bottega_acl::{Aid, Message, Performative, ReplyBy};
use bottega_agency::Delivery;

use crate::world::{SPAN, World, name, say};

#[tokio::test(start_paused = true)]
async fn what_is_said_is_heard_in_the_order_of_the_sender() {
    let world = World::new();
    world.host("ada").await;
    world.host_durable("bob").await;
    for number in 0..50 {
        let expected = ["told", "stored"][number % 2];
        assert_eq!(world.send(&number.to_string(), &[["ada", "bob"][number % 2]]).await, expected);
    }
    world.settle().await;
    let heard = world.heard();
    for (own, parity) in [("ada", 0), ("bob", 1)] {
        let of_own: Vec<&String> = heard.iter().filter(|line| line.starts_with(own)).collect();
        let expected: Vec<String> =
            (0..50).filter(|n| n % 2 == parity).map(|n| format!("{own}: {n}")).collect();
        assert_eq!(of_own, expected.iter().collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_reached_is_told_to_the_sender() {
    let world = World::new();
    let mut spec = world.spec("ada");
    spec.capacity = 2;
    world.agency.host(spec).await.unwrap();
    assert_eq!(
        world.send("hello", &["nobody"]).await,
        "not delivered to nobody@here: no agent of this name is known here"
    );
    assert_eq!(world.send("wait", &["ada"]).await, "told");
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(world.send("hello", &["ada"]).await, "told");
    }
    let full = "not delivered to ada@here: the agent's mailbox is full; send again later";
    assert_eq!(world.send("hello", &["ada"]).await, full);
    assert_eq!(world.send("hello", &["ada", "nobody"]).await.matches("not delivered").count(), 1);
    assert!(world.send(&"x".repeat(65), &["ada"]).await.contains("65 bytes"));
    assert!(world.send("x", &["a", "b", "c", "d"]).await.contains("4 receivers"));
}

#[tokio::test(start_paused = true)]
async fn one_message_reaches_each_receiver_once_in_its_own_class() {
    let world = World::new();
    world.host("ada").await;
    world.host_durable("bob").await;
    assert_eq!(world.send("all", &["ada", "bob"]).await, "stored");
    world.settle().await;
    let mut heard = world.heard();
    heard.sort();
    assert_eq!(heard, ["ada: all", "bob: all"]);
    // The message may say so itself.
    let receipt =
        world.agency.send(say("keep", &["ada"]), None, Some(Delivery::Durable)).await.unwrap();
    assert!(receipt.id.is_some());
    let receipt =
        world.agency.send(say("fast", &["bob"]), None, Some(Delivery::Transient)).await.unwrap();
    assert!(receipt.id.is_none());
    world.settle().await;
    assert_eq!(world.heard().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_question_gets_its_answer_or_none() {
    let world = World::new();
    world.host("ada").await;
    let ask = || Message::new(Performative::QueryRef).to(Aid::new(name("ada"))).about("how many?");
    let answer = world.agency.ask(ask(), SPAN).await.unwrap().unwrap();
    assert_eq!(answer.content.unwrap().as_text(), Some("v1 heard 1"));
    assert_eq!(answer.sender.unwrap().name(), &name("ada"));
    // She has better things to do.
    assert_eq!(world.send("wait", &["ada"]).await, "told");
    assert_eq!(world.agency.ask(ask(), Duration::from_secs(1)).await, Ok(None));
    assert_eq!(world.agency.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_is_over_when_its_answer_is_wanted_no_more() {
    let world = World::new();
    world.host("ada").await;
    let soon = ReplyBy::Within(Duration::from_millis(500));
    let mut message = say("wait", &["ada"]).with_reply_by(soon);
    message.performative = Performative::Request;
    let began = tokio::time::Instant::now();
    // Whoever asks would wait for a minute.
    assert_eq!(world.agency.ask(message, SPAN).await, Ok(None));
    assert_eq!(began.elapsed(), Duration::from_millis(500));
}
