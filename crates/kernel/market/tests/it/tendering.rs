//! What becomes of a task that is put out to tender.

use std::time::Duration;

use bottega_acl::{Aid, ConversationRef, Message, Performative};
use bottega_event::TenderChoice;
use bottega_market::{MarketError, Order, TenderRow, TenderState};
use bottega_types::{CommandId, ConversationId, MessageId, TenderId, Timestamp};

use crate::world::Manner::{Babbles, Crashes, Declines, Fails, Sleeps, Works};
use crate::world::{Manner, World, name, order};

/// Who did it, for how much, after how many awards.
fn outcome(row: &TenderRow) -> String {
    if row.state != TenderState::Done {
        return format!("{:?}, {} awards", row.state, row.awards);
    }
    let winner = row.winner.as_ref().unwrap().local().to_owned();
    format!("{winner} for {}, {} awards", row.pay.unwrap().as_nanos(), row.awards)
}

#[track_caller]
fn check(rule: &str, bidders: [(u64, u64, Manner); 3], expected: &str) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let came = runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
        let world = World::new(bidders).await;
        let id = world.open(order(rule)).await;
        let row = world.ended(id).await;
        (outcome(&row), world.told(id).await)
    });
    assert_eq!(came.0, expected, "{}", came.1);
}

#[test]
fn the_rule_says_who_does_it_and_for_how_much() {
    let three = [(30, 10, Works), (20, 30, Works), (40, 5, Works)];
    check("cheapest", three, "bob for 20, 1 awards");
    check("fastest", three, "cat for 40, 1 awards");
    check("vickrey", three, "bob for 30, 1 awards");
}

#[test]
fn whoever_fails_is_replaced_by_the_next_best() {
    check("cheapest", [(30, 10, Works), (20, 10, Fails), (40, 10, Works)], "ann for 30, 2 awards");
    check("cheapest", [(30, 10, Works), (20, 10, Sleeps), (40, 10, Works)], "ann for 30, 2 awards");
    check("cheapest", [(30, 1, Fails), (20, 1, Crashes), (40, 1, Works)], "cat for 40, 3 awards");
    check("cheapest", [(30, 1, Fails), (20, 1, Fails), (40, 1, Fails)], "Exhausted, 3 awards");
}

#[test]
fn whoever_does_not_bid_is_not_waited_for_beyond_the_deadline() {
    check("cheapest", [(30, 1, Works), (20, 1, Declines), (4, 1, Babbles)], "ann for 30, 1 awards");
    check("cheapest", [(30, 1, Declines), (20, 1, Declines), (4, 1, Babbles)], "NoBids, 0 awards");
}

#[tokio::test(start_paused = true)]
async fn what_happened_to_a_tender_is_told_in_order() {
    let world = World::new([(30, 10, Works), (20, 10, Fails), (40, 10, Declines)]).await;
    let id = world.open(order("cheapest")).await;
    world.ended(id).await;
    let told = world.told(id).await;
    let steps: Vec<&str> = told.lines().collect();
    let expected = [
        "opened by me@here",
        "heard propose of ann@here",
        "  ann@here bids $0.00000003",
        "heard propose of bob@here",
        "  bob@here bids $0.00000002",
        "heard refuse of cat@here",
        "  cat@here is out: refused",
        "  awarded to bob@here for $0.00000002",
        "heard failure of bob@here",
        "  bob@here kept: Failed",
        "  awarded to ann@here for $0.00000003",
        "heard inform of ann@here",
    ];
    assert_eq!(steps[..expected.len()], expected, "{told}");
    assert!(steps[expected.len() + 1].contains("done by ann"), "{told}");
    assert_eq!(steps.last(), Some(&"all were told"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_record_counts_in_later_tenders() {
    // Bob promises more than he keeps; by price alone he would win each time.
    let world = World::new([(30, 10, Works), (25, 10, Fails), (90, 10, Works)]).await;
    let mut first = Vec::new();
    for _ in 0..3 {
        let row = world.ended(world.open(order("best-value")).await).await;
        first.push(row.bids.iter().any(|bid| bid.fate.as_deref() == Some("failed")));
        assert_eq!(row.winner, Some(name("ann")));
    }
    assert_eq!(first, [true, false, false]);
    let known = world.market.reputation().await.unwrap();
    let ann = known.iter().find(|row| row.agent == name("ann")).unwrap();
    assert_eq!((ann.record.standing().done, &*ann.skill), (3, "greeting"));
}

#[tokio::test(start_paused = true)]
async fn a_tender_goes_on_where_its_process_was_killed() {
    // How far the first process comes: so many turns of the scheduler.
    for turns in 0..60 {
        let world = World::new([(30, 10, Works), (20, 10, Fails), (40, 10, Works)]).await;
        let id = world.open(order("cheapest")).await;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let world = world.crashed().await;
        let row = world.ended(id).await;
        assert_eq!(outcome(&row), "ann for 30, 2 awards", "{turns}: {}", world.told(id).await);
        // Told at least once, and never by a message of another name.
        for one in ["ann", "bob"] {
            assert!((1..=2).contains(&world.worked(one)), "{turns}: {one}");
        }
        assert_eq!(world.worked("cat"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_across_processes() {
    let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Works)]).await;
    let id = world.open(order("cheapest")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.market.tender(id).await.unwrap().winner, Some(name("bob")));
    let world = world.crashed().await;
    assert_eq!(outcome(&world.ended(id).await), "cat for 40, 3 awards");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_can_not_be_met_is_refused() {
    let world = World::new([(1, 1, Works), (1, 1, Works), (1, 1, Works)]).await;
    let refused = async |order: Order| world.market.open(name("me"), order).await.unwrap_err();
    let nobody = Order { among: None, ..order("cheapest") };
    assert_eq!(refused(nobody).await.to_string(), "nobody offers `greeting`");
    let unknown = Order { among: Some(vec![name("zoe")]), ..order("cheapest") };
    assert_eq!(refused(unknown).await.to_string(), "no agent is called `zoe@here`");
    assert!(matches!(refused(order("best")).await, MarketError::Order(_)));
    assert!(world.market.tenders(10, None).await.unwrap().is_empty());
    let none = TenderId::from_bits(7);
    assert!(matches!(world.market.tender(none).await, Err(MarketError::NoTender(_))));
    let decided = world.market.decide(none, TenderChoice::Close).await;
    assert!(matches!(decided, Err(MarketError::NoTender(_))));
}

#[tokio::test(start_paused = true)]
async fn a_key_opens_one_tender() {
    let world = World::new([(1, 1, Works), (2, 1, Works), (3, 1, Works)]).await;
    let open = async |world: &World, key, order| {
        world.market.open_once(CommandId::from_bits(key), name("me"), order).await
    };
    let by = |at| Order { done_by: Some(Timestamp::from_millis(at)), ..order("cheapest") };
    let first = open(&world, 7, by(u64::MAX >> 12)).await.unwrap();
    // A span that counts from now on ends later now.
    assert_eq!(open(&world, 7, by((u64::MAX >> 12) + 9)).await.unwrap(), first);
    assert_ne!(open(&world, 8, order("cheapest")).await.unwrap(), first);
    for other in [order("cheapest"), Order { task: "greet Bob".into(), ..by(u64::MAX >> 12) }] {
        assert!(matches!(open(&world, 7, other).await, Err(MarketError::OtherOrder)));
    }
    assert_eq!(outcome(&world.ended(first).await), "ann for 1, 1 awards");
    let world = world.crashed().await;
    assert_eq!(open(&world, 7, by(u64::MAX >> 12)).await.unwrap(), first);
    assert_eq!(world.market.tenders(9, None).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_latest_tenders_come_first_page_by_page() {
    let world = World::new([(1, 1, Works), (2, 1, Works), (3, 1, Works)]).await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(world.open(order("cheapest")).await);
    }
    opened.sort_unstable_by(|one, other| other.cmp(one));
    let mut seen = Vec::new();
    loop {
        let page = world.market.tenders(2, seen.last().copied()).await.unwrap();
        assert_eq!(page.len(), 2.min(opened.len() - seen.len()));
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(seen, opened);
    assert!(world.market.tenders(0, None).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_opened_it_can_end_it() {
    let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Sleeps)]).await;
    let id = world.open(order("cheapest")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let closed = world.market.decide(id, TenderChoice::Close).await.unwrap_err();
    assert_eq!(closed.to_string(), "the task is awarded already");
    world.market.decide(id, TenderChoice::Cancel).await.unwrap();
    let row = world.ended(id).await;
    assert_eq!(outcome(&row), "Cancelled, 1 awards");
    let fates: Vec<_> = row.bids.iter().filter_map(|bid| bid.fate.as_deref()).collect();
    assert!(fates.contains(&"cancelled") && !fates.contains(&"awarded"), "{fates:?}");
    let again = world.market.decide(id, TenderChoice::Cancel).await.unwrap_err();
    assert_eq!(again.to_string(), "the tender has ended");
}

#[tokio::test(start_paused = true)]
async fn an_agent_asks_for_a_tender_and_is_told_the_result() {
    let world = World::new([(30, 10, Works), (20, 10, Works), (40, 10, Works)]).await;
    let ask = async |content: &str| {
        let market = Aid::new(world.market.name().clone());
        let request = Message::new(Performative::Request).to(market).about(content);
        let answer = world.agency.ask(request, Duration::from_secs(60)).await.unwrap().unwrap();
        format!("{}: {}", answer.performative, answer.content.unwrap())
    };
    let asked = ask(r#"{"task":"greet Ada","skill":"greeting","among":["ann@here"]}"#).await;
    assert!(asked.starts_with("agree: tnd_"), "{asked}");
    let row = &world.market.tenders(1, None).await.unwrap()[0];
    assert!(row.by.local().starts_with("asker-"), "{row:?}");
    let nobody = ask(r#"{"task":"greet Ada","skill":"greeting"}"#).await;
    assert_eq!(nobody, "refuse: nobody offers `greeting`");
    assert!(ask("hello").await.starts_with("refuse: the content is no order"));
}

#[tokio::test(start_paused = true)]
async fn a_word_that_comes_twice_counts_once() {
    let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Sleeps)]).await;
    let id = world.open(order("cheapest")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let failure = Message::new(Performative::Failure)
        .from(Aid::new(name("bob")))
        .to(Aid::new(world.market.name().clone()))
        .within(ConversationId::from_bits(id.bits()))
        .about("no luck");
    for _ in 0..2 {
        let named = Some(MessageId::from_bits(5));
        world.agency.send(failure.clone(), named, None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = world.told(id).await;
    assert_eq!(told.matches("heard failure of bob").count(), 1, "{told}");
    // Of a conversation that is no tender's, nobody knows.
    let stray = failure.within(ConversationId::from_bits(9));
    assert!(world.agency.send(stray, None, None).await.is_ok());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!world.market.tender(id).await.unwrap().state.is_ended());
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_is_told_the_result_though_the_process_was_killed() {
    for turns in 0..60 {
        let world = World::new([(30, 10, Works), (20, 10, Fails), (40, 10, Works)]).await;
        let order = r#"{"task":"greet Ada","skill":"greeting","rule":"cheapest",
                        "among":["ann@here","bob@here","cat@here"]}"#;
        let request = Message::new(Performative::Request)
            .from(Aid::new(name("me")))
            .to(Aid::new(world.market.name().clone()))
            .about(order);
        let named = Some(MessageId::from_bits(77));
        let sent = world.agency.send(request.clone(), named, None).await.unwrap();
        assert!(sent.id.is_some(), "the market is durable");
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let world = world.crashed().await;
        let again = world.agency.send(request, named, None).await.unwrap();
        assert!(again.repeated.is_some());
        for _ in 0..120 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let tenders = world.market.tenders(10, None).await.unwrap();
        assert_eq!(tenders.len(), 1, "{turns}");
        assert!(tenders[0].told, "{turns}: {}", world.told(tenders[0].id).await);
        let heard = world.asker.0.lock().unwrap().clone();
        let agreed = format!("agree {}", tenders[0].id);
        assert!(heard.contains(&agreed), "{turns}: {heard:?}");
        assert_eq!(heard.last().map(String::as_str), Some("inform done by ann"), "{turns}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_changes_nothing_in_a_tender() {
    let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Sleeps)]).await;
    let id = world.open(order("cheapest")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = world.told(id).await;
    for number in 0..5_u128 {
        let noise = Message::new(Performative::Inform)
            .from(Aid::new(name("me")))
            .to(Aid::new(world.market.name().clone()))
            .within(ConversationId::from_bits(id.bits()))
            .about("done, pay me");
        let named = Some(MessageId::from_bits(900 + number));
        world.agency.send(noise, named, None).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.told(id).await, before);
    assert!(world.asker.0.lock().unwrap().iter().all(|it| it.starts_with("not-understood")));
}

#[tokio::test(start_paused = true)]
async fn more_tenders_than_may_go_on_are_refused_until_some_are_over() {
    let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Sleeps)]).await;
    let first = world.open(order("cheapest")).await;
    for _ in 0..2 {
        world.open(order("cheapest")).await;
    }
    let more = world.market.open(name("me"), order("cheapest")).await.unwrap_err();
    assert_eq!(more.to_string(), "3 tenders go on, and more may not");
    world.market.decide(first, TenderChoice::Cancel).await.unwrap();
    world.open(order("cheapest")).await;
}

/// Named by the conversation in which it was asked for, or by its own; nobody else's word counts.
#[tokio::test(start_paused = true)]
async fn whoever_asked_for_a_tender_takes_it_back() {
    let order = r#"{"task":"greet Ada","skill":"greeting","among":["ann@here","bob@here"]}"#;
    for by_own_name in [false, true] {
        let world = World::new([(30, 10, Sleeps), (20, 10, Sleeps), (40, 10, Sleeps)]).await;
        let say = async |act, by: &str, talk: ConversationRef, words: &str| {
            let market = Aid::new(world.market.name().clone());
            let message = Message::new(act).from(Aid::new(name(by))).to(market);
            world.agency.send(message.within(talk).about(words), None, None).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        say(Performative::Request, "me", ConversationRef::new("mine"), order).await;
        let id = world.market.tenders(1, None).await.unwrap()[0].id;
        let talk = || match by_own_name {
            true => ConversationRef::from(ConversationId::from_bits(id.bits())),
            false => ConversationRef::new("mine"),
        };
        for (by, talk) in [("cat", talk()), ("me", ConversationRef::new("other"))] {
            say(Performative::Cancel, by, talk, "").await;
        }
        assert!(!world.market.tender(id).await.unwrap().state.is_ended());
        say(Performative::Cancel, "me", talk(), "").await;
        assert_eq!(outcome(&world.ended(id).await), "Cancelled, 1 awards");
        let heard = world.asker.0.lock().unwrap().clone();
        assert!(heard.contains(&format!("inform {id}")), "{heard:?}");
    }
}
