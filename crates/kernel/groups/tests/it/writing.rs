//! What stands on the blackboard, and who hears of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_acl::blackboard::{Take, Write};
use bottega_groups::{Carried, Wish};
use bottega_store::MemoryStore;
use bottega_types::MessageId;

use crate::world::{World, name};

fn write(entry: &str, value: &str) -> Wish {
    let (name, author) = (entry.parse().unwrap(), name("me"));
    let (value, expires, expected_version) = (value.into(), None, None);
    Wish::Write(Write { name, value, author, expires, expected_version })
}

fn take(entry: &str) -> Wish {
    Wish::Take(Take { name: entry.parse().unwrap(), by: name("me"), expected_version: None })
}

async fn carried(world: &World, wish: Wish, id: Option<u128>) -> String {
    match world.board.carry_out(wish, id.map(MessageId::from_bits)).await {
        Ok(Carried::Written { name, entry }) => {
            format!("{name} is {} v{}", entry.value, entry.version)
        }
        Ok(Carried::Taken { name, entry }) => format!("took {name}: {}", entry.value),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn every_change_is_told_in_its_order() {
    let world = World::new(&["ann:durable"]).await;
    world.subscribe(&["ann blackboard.work.>"]).await;
    assert_eq!(carried(&world, write("work.a", "one"), None).await, r#"work.a is "one" v1"#);
    assert_eq!(carried(&world, write("idle", "two"), None).await, r#"idle is "two" v2"#);
    assert_eq!(carried(&world, take("work.a"), None).await, r#"took work.a: "one""#);
    assert_eq!(carried(&world, take("work.a"), None).await, "there is no `work.a`");
    let heard = world.heard().await;
    let kinds: Vec<&str> =
        heard.iter().map(|line| &line[..line.find(":{\"name").unwrap()]).collect();
    let expected = [r#"ann blackboard.work.a: {"written""#, r#"ann blackboard.work.a: {"taken""#];
    assert_eq!(kinds, expected);
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_comes_twice_is_carried_out_once_and_hears_the_same() {
    let world = World::new(&[]).await;
    carried(&world, write("job", "forge"), None).await;
    for _ in 0..2 {
        assert_eq!(carried(&world, take("job"), Some(1)).await, r#"took job: "forge""#);
        assert_eq!(carried(&world, take("job"), Some(2)).await, "there is no `job`");
    }
    // What was refused stays so, whatever stands there later.
    carried(&world, write("job", "weld"), Some(3)).await;
    assert_eq!(carried(&world, take("job"), Some(2)).await, "there is no `job`");
    assert_eq!(carried(&world, write("job", "weld"), Some(3)).await, r#"job is "weld" v2"#);
    assert_eq!(world.board.list("", 9).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_goes_by_itself_and_is_told() {
    let world = World::new(&["ann"]).await;
    world.subscribe(&["ann blackboard.>"]).await;
    let written = world
        .ask("blackboard", r#"{"action":"write","name":"lunch","value":"soup","within_ms":5000}"#)
        .await;
    assert!(written.starts_with(r#"inform {"name":"lunch","entry":{"value":"soup""#), "{written}");
    world.heard().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(
        world.heard().await,
        [r#"ann blackboard.lunch: {"expired":{"name":"lunch","version":1}}"#]
    );
    let read = world.ask("blackboard", r#"{"action":"read","name":"lunch"}"#).await;
    assert_eq!(read, r#"inform {"name":"lunch","entry":null}"#);
}

#[tokio::test(start_paused = true)]
async fn what_stands_outlives_its_process_and_versions_go_on() {
    let (store, heard) = (Arc::<MemoryStore>::default(), Arc::<Mutex<Vec<String>>>::default());
    let first = World::begun(&store, &heard, 1, &[]).await;
    for (name, value) in [("plan", "a"), ("plan", "b"), ("gone", "c")] {
        carried(&first, write(name, value), None).await;
    }
    carried(&first, take("gone"), None).await;
    drop(first);
    let second = World::begun(&store, &heard, 2, &[]).await;
    let standing = second.board.list("", 9);
    assert_eq!(standing.len(), 1);
    assert_eq!(standing[0].1.value, "b");
    assert_eq!(carried(&second, write("new", "d"), None).await, r#"new is "d" v4"#);
}

/// The process ends after each of so many turns of the scheduler; the next one goes on.
#[test]
fn a_worker_that_was_killed_has_its_work_and_all_are_told() {
    for turns in 0..60 {
        let (store, heard) = (Arc::<MemoryStore>::default(), Arc::<Mutex<Vec<String>>>::default());
        let process = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().start_paused(true).build().unwrap()
        };
        let agents = ["ann:durable", "bob:durable"];
        let first = process();
        first.block_on(async {
            let world = World::begun(&store, &heard, 1, &agents).await;
            world.subscribe(&["bob blackboard.>"]).await;
            carried(&world, write("job", "forge"), None).await;
            world.heard().await;
            world.say("ann", "blackboard", r#"{"action":"take","name":"job"}"#, 5).await;
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        });
        drop(first);
        let so_far = std::mem::take(&mut *heard.lock().unwrap());
        let second = process();
        let later = second.block_on(async {
            let world = World::begun(&store, &heard, 2, &agents).await;
            world.settle().await;
            assert!(world.board.list("", 9).is_empty(), "{turns}: it was taken");
            world.heard().await
        });
        let all: Vec<String> = so_far.into_iter().chain(later).collect();
        let had =
            all.iter().any(|line| line.starts_with("ann ") && line.contains(r#""value":"forge""#));
        assert!(had, "{turns}: {all:?}");
        let told =
            all.iter().filter(|line| line.contains(r#"bob blackboard.job: {"taken""#)).count();
        assert!(told >= 1, "{turns}: {all:?}");
    }
}

/// The agent is ended by force while it carries out a wish: what was stored is so for everybody.
#[tokio::test(start_paused = true)]
async fn what_was_taken_is_taken_though_its_agent_was_ended_by_force() {
    for turns in 0..40 {
        let world = World::new(&["ann:durable", "bob:durable"]).await;
        carried(&world, write("job", "forge"), None).await;
        world.say("ann", "blackboard", r#"{"action":"take","name":"job"}"#, 5).await;
        world.say("bob", "blackboard", r#"{"action":"take","name":"job"}"#, 6).await;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        world.agency.restart(&name("blackboard"), Duration::ZERO).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let heard = world.heard().await;
        let had = heard.iter().filter(|line| line.contains(r#""value":"forge""#));
        let whom: std::collections::BTreeSet<&str> = had.map(|line| &line[..3]).collect();
        assert_eq!(whom.len(), 1, "{turns}: {heard:?}");
        assert!(world.board.list("", 9).is_empty(), "{turns}");
    }
}
