//! Who hears what is published.

use std::sync::{Arc, Mutex};

use bottega_store::MemoryStore;

use crate::world::{SPAN, World, name, subscription};

#[tokio::test(start_paused = true)]
async fn all_who_subscribed_hear_it_and_of_a_queue_group_one() {
    let world = World::new(&["ann", "bob:durable", "cat", "dan"]).await;
    let all = ["ann orders.>", "bob orders.* packers", "cat orders.new packers", "dan other"];
    world.subscribe(&all).await;
    assert_eq!(world.publish("orders.new", "one", None).await, "ann bob");
    assert_eq!(world.publish("orders.new", "two", None).await, "ann cat");
    assert_eq!(world.publish("nobody.hears", "three", None).await, "");
    let mut heard = world.heard().await;
    heard.sort();
    let expected = [
        "ann orders.new: one",
        "ann orders.new: two",
        "bob orders.new: one",
        "cat orders.new: two",
    ];
    assert_eq!(heard, expected);
}

#[tokio::test(start_paused = true)]
async fn where_a_member_can_not_the_next_one_gets_it() {
    let world = World::new(&["ann", "bob", "cat"]).await;
    world.subscribe(&["ann jobs crew", "bob jobs crew", "cat jobs crew"]).await;
    world.agency.stop(&name("ann"), SPAN).await.unwrap();
    assert_eq!(world.publish("jobs", "1", None).await, "bob|ann: the agent is stopped");
    world.agency.stop(&name("cat"), SPAN).await.unwrap();
    let missed = "bob|cat: the agent is stopped, ann: the agent is stopped";
    assert_eq!(world.publish("jobs", "2", None).await, missed);
    assert_eq!(world.heard().await, ["bob jobs: 1", "bob jobs: 2"]);
}

#[tokio::test(start_paused = true)]
async fn who_has_gone_is_forgotten() {
    let world = World::new(&["ann", "bob"]).await;
    world.subscribe(&["ann jobs", "bob jobs"]).await;
    world.agency.remove(&name("ann"), SPAN).await.unwrap();
    // Whether it comes again is not the exchange's to know; whoever takes it away says so.
    let missed = "bob|ann: no agent of this name is known here";
    assert_eq!(world.publish("jobs", "1", None).await, missed);
    world.exchange.forget(&name("ann")).await.unwrap();
    assert_eq!(world.publish("jobs", "2", None).await, "bob");
    assert_eq!(world.exchange.subscriptions(None), [subscription("bob jobs")]);
    let refused = world.exchange.subscribe(subscription("ann jobs")).await.unwrap_err();
    assert_eq!(refused.to_string(), "no agent is called `ann@here`");
}

#[tokio::test(start_paused = true)]
async fn subscriptions_outlive_their_process() {
    let (store, heard) = (Arc::<MemoryStore>::default(), Arc::<Mutex<Vec<String>>>::default());
    let first = World::begun(&store, &heard, 1, &["ann", "bob"]).await;
    first.subscribe(&["ann jobs.>", "bob jobs.* crew", "bob other"]).await;
    assert!(first.exchange.unsubscribe(subscription("bob other")).await.unwrap());
    assert!(!first.exchange.unsubscribe(subscription("bob other")).await.unwrap());
    drop(first);
    let second = World::begun(&store, &heard, 2, &["ann", "bob"]).await;
    assert_eq!(second.publish("jobs.new", "hello", None).await, "ann bob");
    assert_eq!(second.publish("other", "hello", None).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_comes_twice_is_stored_once() {
    let world = World::new(&["ann:durable", "bob:durable", "cat:durable"]).await;
    world.subscribe(&["ann jobs", "bob jobs crew", "cat jobs crew"]).await;
    for _ in 0..2 {
        world.publish("jobs", "hello", Some(7)).await;
    }
    assert_eq!(world.heard().await, ["ann jobs: hello", "bob jobs: hello"]);
}

#[tokio::test(start_paused = true)]
async fn agents_subscribe_and_publish_by_asking() {
    let world = World::new(&["ann"]).await;
    world.say("ann", "topics", r#"{"action":"subscribe","pattern":"news.*"}"#, 1).await;
    world.settle().await;
    let done = world
        .ask("topics", r#"{"action":"publish","topic":"news.today","content":{"sun":true}}"#)
        .await;
    assert_eq!(done, r#"inform {"reached":["ann@here"],"missed":[]}"#);
    let heard = world.heard().await;
    assert!(heard.contains(&r#"ann news.today: {"sun":true}"#.to_owned()), "{heard:?}");
    for (content, expected) in [
        ("hello", "not-understood"),
        (r#"{"action":"publish","topic":"a..b","content":""}"#, "not-understood"),
        (r#"{"action":"unsubscribe","pattern":"x"}"#, r#"inform {"ended":false}"#),
        (r#"{"action":"list"}"#, r#"inform {"subscriptions":[]}"#),
    ] {
        let answer = world.ask("topics", content).await;
        assert!(answer.starts_with(expected), "{content}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_called_as_an_agent_takes_nothing_from_it() {
    let world = World::new(&["ann:durable", "eve:durable"]).await;
    world.subscribe(&["ann jobs", "eve jobs ann@here"]).await;
    assert_eq!(world.publish("jobs", "hello", Some(7)).await, "ann eve");
    assert_eq!(world.heard().await, ["ann jobs: hello", "eve jobs: hello"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_says_what_became_of_the_blackboard() {
    let world = World::new(&["ann"]).await;
    world.subscribe(&["ann blackboard.>"]).await;
    let refused = "topics below `blackboard` are the blackboard's own";
    assert_eq!(world.publish("blackboard.job", "{}", None).await, refused);
    let forged = r#"{"action":"publish","topic":"blackboard.job","content":{"taken":1}}"#;
    assert_eq!(world.ask("topics", forged).await, format!("refuse {refused}"));
    assert!(world.heard().await.is_empty());
}
