//! How agents live: crashes, stops, upgrades, and what is written of it.

use std::sync::Arc;
use std::time::Duration;

use bottega_acl::{Aid, Message, Performative};
use bottega_agency::{AgentState, Delivery, HostSpec, Maker};
use bottega_behaviour::Resident;
use bottega_event::{AgentEvent, Position};
use bottega_store::Journal;

use crate::world::{Parrot, SPAN, World, name, say, word};

fn version(world: &World, version: u32) -> Maker {
    let heard = world.heard.clone();
    Arc::new(move || -> Box<dyn Resident> {
        Box::new(Parrot { heard: heard.clone(), version, count: 0 })
    })
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_written_down_and_touches_nobody_else() {
    let world = World::new();
    world.host("ada").await;
    world.host("bob").await;
    for words in ["boom", "fail", "after"] {
        world.send(words, &["ada"]).await;
    }
    world.send("hello", &["bob"]).await;
    world.settle().await;
    assert!(world.heard().contains(&"ada: after".to_owned()));
    assert!(world.heard().contains(&"bob: hello".to_owned()));
    let row = world.row("ada").await;
    assert_eq!((row.state, row.restarts), (AgentState::Running, 2));
    assert_eq!(row.trouble.as_deref(), Some("not today"));
    assert_eq!(world.row("bob").await.restarts, 0);
    let life = [
        "agent.hosted",
        "agent.started",
        "crashed: ouch",
        "agent.started",
        "crashed: not today",
        "agent.started",
    ];
    assert_eq!(world.life("ada").await, life);
}

#[tokio::test(start_paused = true)]
async fn one_that_crashes_too_often_is_given_up_and_can_be_begun_again() {
    let world = World::new();
    world.host("ada").await;
    for _ in 0..7 {
        world.send("boom", &["ada"]).await;
    }
    world.settle().await;
    assert_eq!(world.row("ada").await.state, AgentState::Failed);
    assert!(world.life("ada").await.contains(&"agent.gave_up".to_owned()));
    assert_eq!(world.send("x", &["ada"]).await, "not delivered to ada@here: the agent is stopped");
    world.agency.start(&name("ada")).await.unwrap();
    assert_eq!(world.send("back", &["ada"]).await, "told");
    world.settle().await;
    assert!(world.heard().contains(&"ada: back".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_transient_message_is_begun_again_only_where_the_agent_wants_it() {
    let world = World::new();
    world.host("ada").await;
    world.agency.host(HostSpec { keep: true, ..world.spec("bob") }).await.unwrap();
    world.send("fail", &["ada"]).await;
    world.send("fail", &["bob"]).await;
    world.settle().await;
    let count = |line: &str| world.heard().iter().filter(|heard| *heard == line).count();
    assert_eq!((count("ada: fail"), count("bob: fail")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_slowly_keeps_nobody_else_waiting() {
    let world = World::new();
    world.host("ada").await;
    world.send("wait", &["ada"]).await;
    world.settle().await;
    let ada = name("ada");
    let slow = std::pin::pin!(world.agency.stop(&ada, SPAN));
    let others = std::pin::pin!(async {
        world.host("bob").await;
        world.agency.restart(&name("bob"), SPAN).await.unwrap();
        let refused = word(world.agency.host(world.spec("ada")).await);
        assert!(refused.contains("lives here already"), "{refused}");
        world.agency.list().len()
    });
    // Time stands still until nobody has anything to do: whoever waited for the slow one would be behind it.
    match futures::future::select(slow, others).await {
        futures::future::Either::Left(_) => panic!("the others waited"),
        futures::future::Either::Right((count, slow)) => {
            assert_eq!(count, 2);
            slow.await.unwrap();
        }
    }
    assert_eq!(world.row("ada").await.state, AgentState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_for_a_beginning_leaves_the_name_free() {
    let world = World::new();
    assert!(futures::FutureExt::now_or_never(world.agency.host(world.spec("ada"))).is_none());
    assert!(world.agency.list().is_empty());
    world.settle().await;
    world.host("ada").await;
    assert_eq!(world.send("hello", &["ada"]).await, "told");
}

#[tokio::test(start_paused = true)]
async fn who_can_not_begin_does_not_live_here() {
    let world = World::new();
    let spec = HostSpec { make: version(&world, 13), ..world.spec("ada") };
    let refused = word(world.agency.host(spec).await);
    assert_eq!(refused, "the agent `ada@here` could not begin: version 13 never begins");
    assert!(world.agency.list().is_empty());
    world.host("ada").await;
    assert!(word(world.agency.host(world.spec("ada")).await).contains("lives here already"));
    let elsewhere = HostSpec { name: "ada@there".parse().unwrap(), ..world.spec("ada") };
    assert!(word(world.agency.host(elsewhere).await).contains("not of this platform"));
    assert!(word(world.agency.stop(&name("bob"), SPAN).await).contains("no agent `bob@here`"));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_keeps_what_the_agent_knows_and_what_waits_for_it() {
    let world = World::new();
    world.host_durable("ada").await;
    world.send("one", &["ada"]).await;
    world.send("two", &["ada"]).await;
    let ada = name("ada");
    let upgraded = world.agency.upgrade(&ada, "v2".to_owned(), version(&world, 2));
    let ((), upgraded) =
        futures::join!(async { drop(world.send("three", &["ada"]).await) }, upgraded);
    upgraded.unwrap();
    let ask = || Message::new(Performative::QueryRef).to(Aid::new(name("ada"))).about("?");
    let answer = async || {
        let answer = world.agency.ask(ask(), SPAN).await.unwrap().unwrap();
        answer.content.unwrap().as_text().unwrap().to_owned()
    };
    assert_eq!(answer().await, "v2 heard 4");
    let refused = world.agency.upgrade(&name("ada"), "v13".to_owned(), version(&world, 13)).await;
    assert!(word(refused).contains("version 13 never begins); the one before goes on"));
    assert_eq!(answer().await, "v2 heard 5");
    world.agency.roll_back(&name("ada")).await.unwrap();
    assert_eq!(answer().await, "v1 heard 6");
    assert_eq!(world.row("ada").await.restarts, 0);
    let life = world.life("ada").await;
    assert_eq!(
        life[2..],
        ["upgraded to v2 ", "upgraded to v13 version 13 never begins", "upgraded to native "]
    );
}

async fn counted(world: &World) -> String {
    let ask = Message::new(Performative::QueryRef).to(Aid::new(name("ada"))).about("?");
    let answer = world.agency.ask(ask, SPAN).await.unwrap().unwrap();
    answer.content.unwrap().as_text().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_over_telling_what_it_knows_begins_anew_and_loses_no_message() {
    let world = World::new();
    world.agency.host(HostSpec { make: version(&world, 14), ..world.spec("ada") }).await.unwrap();
    world.send("one", &["ada"]).await;
    world.settle().await;
    let refused = world.agency.upgrade(&name("ada"), "v2".to_owned(), version(&world, 2)).await;
    let refused = word(refused);
    assert!(refused.contains("version 14 ends over it; it began anew"), "{refused}");
    assert_eq!(counted(&world).await, "v14 heard 1");
    assert_eq!(world.row("ada").await.restarts, 0, "nobody had to begin it again");
    // Another version may take its place all the same, without what it knew.
    let (ada, made) = (name("ada"), version(&world, 2));
    world.agency.begin_as(&ada, "v2".to_owned(), made, SPAN).await.unwrap();
    assert_eq!(counted(&world).await, "v2 heard 1");
    let refused = world.agency.begin_as(&ada, "v13".into(), version(&world, 13), SPAN).await;
    assert!(word(refused).contains("version 13 never begins"));
    assert_eq!(counted(&world).await, "v2 heard 1", "the one before began again");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_or_given_up_can_be_another_version() {
    let world = World::new();
    world.host_durable("ada").await;
    let ada = name("ada");
    world.agency.stop(&ada, SPAN).await.unwrap();
    world.agency.upgrade(&ada, "v2".to_owned(), version(&world, 2)).await.unwrap();
    assert_eq!(world.row("ada").await.state, AgentState::Stopped);
    world.agency.start(&ada).await.unwrap();
    assert_eq!(counted(&world).await, "v2 heard 1");
    for _ in 0..7 {
        world.agency.send(say("boom", &["ada"]), None, Some(Delivery::Transient)).await.unwrap();
    }
    world.settle().await;
    let row = world.row("ada").await;
    assert_eq!((row.state, row.restarts, row.trouble.is_some()), (AgentState::Failed, 5, true));
    let refused = world.agency.upgrade(&ada, "v13".to_owned(), version(&world, 13)).await;
    assert!(word(refused).contains("version 13 never begins"));
    world.agency.upgrade(&ada, "v3".to_owned(), version(&world, 3)).await.unwrap();
    assert_eq!(counted(&world).await, "v3 heard 1");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_comes_before_the_mail_that_waits() {
    let world = World::new();
    world.agency.host(HostSpec { capacity: 2, ..world.spec("ada") }).await.unwrap();
    let upgraded = async {
        for words in ["one", "two"] {
            assert_eq!(world.send(words, &["ada"]).await, "told");
        }
        // There is no room for anything else.
        world.agency.upgrade(&name("ada"), "v2".to_owned(), version(&world, 2)).await
    };
    upgraded.await.unwrap();
    assert_eq!(counted(&world).await, "v2 heard 3");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_comes_between_two_messages_that_were_taken_together() {
    let world = World::new();
    world.host("ada").await;
    for _ in 0..3 {
        world.send("rest", &["ada"]).await;
    }
    world.settle().await;
    let began = tokio::time::Instant::now();
    world.agency.upgrade(&name("ada"), "v2".to_owned(), version(&world, 2)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "the first rests for a second");
    assert_eq!(counted(&world).await, "v2 heard 4");
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_end_in_time_is_not_told_as_drained() {
    let world = World::new();
    world.host("ada").await;
    world.send("wait", &["ada"]).await;
    world.settle().await;
    let began = tokio::time::Instant::now();
    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    assert!(began.elapsed() >= SPAN, "it has as long as whoever ends it waits");
    world.settle().await;
    let records = world.store.read_all(Position(0), 1_000).await.unwrap();
    let mut stopped = records.iter().filter_map(|record| AgentEvent::decode(&record.event).ok());
    assert!(stopped.any(|event| matches!(event, AgentEvent::Stopped(it) if !it.drained)));
}

#[tokio::test(start_paused = true)]
async fn one_that_could_not_begin_has_its_place_and_its_mail() {
    let world = World::new();
    let spec = HostSpec { make: version(&world, 13), ..world.spec("ada") }.durable();
    world.agency.shelter(spec, Some("version 13 never begins".to_owned())).await.unwrap();
    let row = world.row("ada").await;
    let trouble = row.trouble.unwrap_or_default();
    assert_eq!((row.state, &*trouble), (AgentState::Failed, "version 13 never begins"));
    assert_eq!(world.send("later", &["ada"]).await, "stored");
    let ada = name("ada");
    assert!(word(world.agency.start(&ada).await).contains("version 13 never begins"));
    assert_eq!(world.row("ada").await.state, AgentState::Failed);
    world.agency.upgrade(&ada, "v2".to_owned(), version(&world, 2)).await.unwrap();
    world.settle().await;
    assert_eq!(world.heard(), ["ada: later"]);
    world.agency.remove(&ada, SPAN).await.unwrap();
    assert!(world.agency.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_one_that_crashes_over_it_is_told_at_once() {
    let world = World::new();
    world.host("ada").await;
    let ask = Message::new(Performative::QueryRef).to(Aid::new(name("ada"))).about("fail");
    let began = tokio::time::Instant::now();
    let answer = world.agency.ask(ask, SPAN).await.unwrap().unwrap();
    assert_eq!(answer.performative, Performative::Failure);
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_no_more_is_not_begun() {
    let world = World::new();
    world.host("ada").await;
    let within = bottega_acl::ReplyBy::Within(std::time::Duration::from_secs(1));
    let late = say("late", &["ada"]).with_reply_by(within);
    world.agency.send(late, None, None).await.unwrap();
    // It lies in the mailbox until time has passed.
    world.clock.advance(std::time::Duration::from_secs(2));
    world.send("next", &["ada"]).await;
    world.settle().await;
    assert_eq!(world.heard(), ["ada: next"]);
}
