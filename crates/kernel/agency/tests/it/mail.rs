//! Durable messages: stored once, handed over at least once, in order, or kept with a reason.

use std::collections::BTreeSet;
use std::time::Duration;

use bottega_acl::{Aid, ConversationRef, Message, Performative, ReplyBy};
use bottega_agency::{Delivery, HostSpec, Repeat};
use bottega_event::Death;
use proptest::prelude::*;

use crate::world::{SPAN, World, id, name, say, word};

#[tokio::test(start_paused = true)]
async fn what_was_handled_is_not_handed_over_again() {
    let world = World::new();
    world.host_durable("ada").await;
    world.send("one", &["ada"]).await;
    world.send("two", &["ada"]).await;
    world.settle().await;
    assert!(world.mail("ada").await.is_empty());
    let world = world.crashed();
    world.host_durable("ada").await;
    world.settle().await;
    assert_eq!(world.heard(), ["ada: one", "ada: two"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_handled_is_handed_over_by_the_next_process() {
    let world = World::new();
    world.host_durable("ada").await;
    for words in ["wait", "two", "three"] {
        assert_eq!(world.send(words, &["ada"]).await, "stored");
    }
    world.settle().await;
    assert_eq!(world.heard(), ["ada: wait"]);
    let world = world.crashed();
    world.heard.lock().unwrap().clear();
    world.host_durable("ada").await;
    world.settle().await;
    assert_eq!(world.heard(), ["ada: wait"], "it hangs again; the others wait behind it");
    assert_eq!(world.row("ada").await.under_way, 3);
}

#[tokio::test(start_paused = true)]
async fn mail_stands_in_the_order_of_its_places_not_of_its_names() {
    let world = World::new();
    world.host_durable("ada").await;
    // She hangs over the first; names come in any order where senders give them.
    for (words, name) in [("wait", 9), ("two", 3), ("three", 7)] {
        world.agency.send(say(words, &["ada"]), id(name), None).await.unwrap();
    }
    world.settle().await;
    let mail = world.mail("ada").await;
    let names: Vec<_> = mail.iter().map(|row| Some(row.id)).collect();
    assert_eq!(names, [id(9), id(3), id(7)]);
    assert!(mail.is_sorted_by(|one, next| one.revision < next.revision), "{mail:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_stored_once_however_often_it_is_sent() {
    let world = World::new();
    world.host_durable("ada").await;
    let send = async || world.agency.send(say("pay", &["ada"]), id(7), None).await.unwrap();
    assert_eq!((send().await.repeated, send().await.repeated), (None, Some(Repeat::Same)));
    world.settle().await;
    let world = world.crashed();
    world.host_durable("ada").await;
    let again = world.agency.send(say("pay", &["ada"]), id(7), None).await.unwrap();
    world.settle().await;
    assert_eq!(again.repeated, Some(Repeat::Same));
    assert_eq!(world.heard(), ["ada: pay"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_stands_for_something_else_is_told() {
    let world = World::new();
    world.host_durable("ada").await;
    world.host_durable("bob").await;
    let send = async |message| world.agency.send(message, id(7), None).await.unwrap().repeated;
    let soon = || say("pay", &["ada"]).with_reply_by(ReplyBy::Within(Duration::from_secs(60)));
    assert_eq!(send(soon()).await, None);
    tokio::time::advance(Duration::from_secs(1)).await;
    // Its deadline counts from another moment now, and it is the same all the same.
    assert_eq!(send(soon()).await, Some(Repeat::Same));
    assert_eq!(send(say("pay", &["ada"])).await, Some(Repeat::Other));
    assert_eq!(send(say("pay more", &["ada"])).await, Some(Repeat::Other));
    assert_eq!(send(say("pay", &["bob"])).await, Some(Repeat::Other));
    world.settle().await;
    assert_eq!(world.heard(), ["ada: pay"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_crashes_over_is_a_dead_letter_that_can_be_sent_again() {
    let world = World::new();
    world.host_durable("ada").await;
    world.agency.send(say("boom", &["ada"]), id(7), None).await.unwrap();
    world.send("next", &["ada"]).await;
    world.settle().await;
    assert_eq!(world.heard(), ["ada: boom", "ada: boom #2", "ada: boom #3", "ada: next"]);
    let mail = world.mail("ada").await;
    let dead = mail[0].dead.as_ref().unwrap();
    assert_eq!((dead.cause, dead.words.as_str()), (Death::Poison, "panicked: ouch"));
    assert_eq!(mail[0].letter.open().unwrap().content.unwrap().as_text(), Some("boom"));

    let nobodys = word(world.agency.resend(&name("ada"), id(8).unwrap()).await);
    assert!(nobodys.contains("has no dead letter"), "{nobodys}");
    world.agency.resend(&name("ada"), id(7).unwrap()).await.unwrap();
    world.settle().await;
    assert_eq!(world.heard().len(), 7, "{:?}", world.heard());
    assert!(world.mail("ada").await[0].dead.is_some());
}

#[tokio::test(start_paused = true)]
async fn messages_to_one_that_is_stopped_wait_for_it() {
    let world = World::new();
    world.host_durable("ada").await;
    world.send("one", &["ada"]).await;
    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    for words in ["two", "three"] {
        assert_eq!(world.send(words, &["ada"]).await, "stored");
    }
    world.settle().await;
    assert_eq!(world.heard(), ["ada: one"]);
    world.agency.start(&name("ada")).await.unwrap();
    world.settle().await;
    assert_eq!(world.heard(), ["ada: one", "ada: two", "ada: three"]);
    let life = ["agent.hosted", "agent.started", "agent.stopped", "agent.started"];
    assert_eq!(world.life("ada").await, life);
}

#[tokio::test(start_paused = true)]
async fn what_a_mailbox_held_when_it_was_cut_off_is_handed_over_again() {
    let world = World::new();
    world.host_durable("ada").await;
    for words in ["wait", "two"] {
        world.send(words, &["ada"]).await;
    }
    world.agency.restart(&name("ada"), Duration::from_secs(1)).await.unwrap();
    world.settle().await;
    assert_eq!(world.heard(), ["ada: wait", "ada: wait"]);
    assert_eq!(world.row("ada").await.under_way, 2);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_bounded_and_says_so() {
    let world = World::new();
    let spec = HostSpec { backlog: 2, ..world.spec("ada").durable() };
    world.agency.host(spec).await.unwrap();
    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    for expected in [
        "stored",
        "stored",
        "not delivered to ada@here: the agent's mailbox is full; send again later",
    ] {
        assert_eq!(world.send("x", &["ada"]).await, expected);
    }
    world.agency.start(&name("ada")).await.unwrap();
    world.settle().await;
    assert_eq!(world.send("x", &["ada"]).await, "stored");
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_and_what_nobody_is_left_for_are_dead_letters() {
    let world = World::new();
    world.host_durable("ada").await;
    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    let soon = say("soon", &["ada"]).with_reply_by(ReplyBy::Within(Duration::from_secs(5)));
    world.agency.send(soon, None, None).await.unwrap();
    world.send("whenever", &["ada"]).await;
    world.clock.advance(Duration::from_secs(6));
    world.agency.start(&name("ada")).await.unwrap();
    world.settle().await;
    assert_eq!(world.heard(), ["ada: whenever"]);
    assert_eq!(world.mail("ada").await[0].dead.as_ref().unwrap().cause, Death::Expired);

    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    world.send("too late", &["ada"]).await;
    world.agency.remove(&name("ada"), SPAN).await.unwrap();
    let causes: Vec<Death> =
        world.mail("ada").await.into_iter().map(|row| row.dead.unwrap().cause).collect();
    assert_eq!(causes, [Death::Expired, Death::Removed]);
    assert!(world.send("x", &["ada"]).await.contains("no agent of this name"));
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Deed {
    Send(bool),
    Settle,
    Restart,
    NewProcess,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => any::<bool>().prop_map(Deed::Send),
        2 => Just(Deed::Settle),
        1 => Just(Deed::Restart),
        1 => Just(Deed::NewProcess),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]
    /// Whatever is stopped and ends in between: what was acknowledged is heard, first of all in its order, or dead.
    #[test]
    fn nothing_acknowledged_is_lost(deeds in proptest::collection::vec(deed(), 1..30)) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            let spec = |world: &World| {
                let mut spec = HostSpec { capacity: 2, ..world.spec("ada").durable() };
                spec.intensity.restarts = 1_000;
                spec
            };
            world.agency.host(spec(&world)).await.unwrap();
            let (mut sent, mut dead) = (Vec::new(), 0);
            for (number, deed) in deeds.iter().enumerate() {
                match deed {
                    Deed::Send(poison) => {
                        let words = if *poison { "fail".to_owned() } else { number.to_string() };
                        let receipt = world.agency.send(say(&words, &["ada"]), None, None).await;
                        if receipt.is_ok() {
                            dead += usize::from(*poison);
                            if !poison { sent.push(format!("ada: {number}")); }
                        }
                    }
                    Deed::Settle => world.settle().await,
                    Deed::Restart => world.agency.restart(&name("ada"), SPAN).await.unwrap(),
                    Deed::NewProcess => {
                        world = world.crashed();
                        world.agency.host(spec(&world)).await.unwrap();
                    }
                }
            }
            for _ in 0..20 { world.settle().await; }
            let mut seen = BTreeSet::new();
            let first: Vec<String> = world
                .heard()
                .into_iter()
                .map(|line| line.split(" #").next().unwrap().to_owned())
                .filter(|line| !line.ends_with("fail") && seen.insert(line.clone()))
                .collect();
            prop_assert_eq!(&first, &sent);
            let mail = world.mail("ada").await;
            prop_assert_eq!(mail.len(), dead, "{:?}", mail);
            prop_assert!(mail.iter().all(|row| row.dead.is_some()), "{mail:?} {:?}", world.heard());
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_handed_over_whether_its_sender_stays_or_not() {
    let world = World::new();
    world.host_durable("ada").await;
    let sent = world.agency.send(say("hello", &["ada"]), None, None);
    assert!(futures::FutureExt::now_or_never(sent).is_none());
    world.settle().await;
    assert_eq!(world.heard(), ["ada: hello"]);
    assert_eq!(world.row("ada").await.under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_while_its_receiver_is_begun_anew_is_handed_over_once() {
    for steps in 0..40 {
        let world = World::new();
        world.host_durable("ada").await;
        let agency = &world.agency;
        let restarted = async {
            agency.restart(&name("ada"), SPAN).await.unwrap();
        };
        let sent = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            agency.send(say("hello", &["ada"]), None, None).await.unwrap();
        };
        futures::join!(restarted, sent);
        world.settle().await;
        assert_eq!(world.heard(), ["ada: hello"], "after {steps} turns of the scheduler");
        assert_eq!(world.row("ada").await.under_way, 0, "after {steps} turns of the scheduler");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_named_twice_hears_it_once() {
    let world = World::new();
    world.host("ada").await;
    world.host_durable("bob").await;
    world.send("hello", &["ada", "bob", "ada"]).await;
    world.send("again", &["bob", "bob"]).await;
    world.settle().await;
    let mut heard = world.heard();
    heard.sort();
    assert_eq!(heard, ["ada: hello", "bob: again", "bob: hello"]);
}

/// Stored messages that found no room in the mailbox are not passed by what their sender says later.
#[tokio::test(start_paused = true)]
async fn a_transient_message_passes_no_stored_one() {
    let world = World::new();
    world.agency.host(HostSpec { capacity: 2, ..world.spec("ada") }).await.unwrap();
    let send =
        async |words: &str, class| world.agency.send(say(words, &["ada"]), None, Some(class)).await;
    for words in ["rest", "two", "three", "four", "five"] {
        send(words, Delivery::Durable).await.unwrap();
    }
    world.settle().await;
    let refused = send("late", Delivery::Transient).await.unwrap_err().to_string();
    assert!(refused.contains("full"), "{refused}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    send("late", Delivery::Transient).await.unwrap();
    world.settle().await;
    let expected = ["rest", "two", "three", "four", "five", "late"];
    assert_eq!(world.heard(), expected.map(|words| format!("ada: {words}")));
}

/// Nobody has to say more for a stored message to come into a mailbox that transient ones had filled.
#[tokio::test(start_paused = true)]
async fn a_stored_message_comes_in_when_transient_ones_have_left() {
    let world = World::new();
    world.agency.host(HostSpec { capacity: 2, ..world.spec("ada") }).await.unwrap();
    let send =
        async |words: &str, class| world.agency.send(say(words, &["ada"]), None, Some(class)).await;
    send("rest", Delivery::Transient).await.unwrap();
    world.settle().await;
    for words in ["one", "two"] {
        send(words, Delivery::Transient).await.unwrap();
    }
    send("kept", Delivery::Durable).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.settle().await;
    assert_eq!(world.heard(), ["ada: rest", "ada: one", "ada: two", "ada: kept"]);
}

/// It is known before its turn, also when it comes before the work that it takes back has begun.
#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_known_at_once() {
    for class in [Delivery::Transient, Delivery::Durable] {
        let world = World::new();
        world.host("ada").await;
        let talk = |words: &str, act, talk: &str| {
            let mut message = say(words, &["ada"]).within(ConversationRef::new(talk));
            message.performative = act;
            message
        };
        let send = async |message| world.agency.send(message, None, Some(class)).await.unwrap();
        send(talk("until", Performative::Request, "one")).await;
        send(talk("until", Performative::Request, "two")).await;
        world.settle().await;
        // Another conversation, and another's word, take nothing back.
        send(talk("no", Performative::Cancel, "three")).await;
        send(talk("no", Performative::Cancel, "one").from(Aid::new(name("bob")))).await;
        world.settle().await;
        assert_eq!(world.heard(), ["ada: until"]);
        send(talk("stop", Performative::Cancel, "two")).await;
        send(talk("stop", Performative::Cancel, "one")).await;
        world.settle().await;
        let taken_back = ["ada: until", "ada: taken back", "ada: until", "ada: taken back"];
        assert_eq!(world.heard()[..4], taken_back);
        // Its turn is over with it: the conversation may go on.
        send(talk("until", Performative::Request, "one")).await;
        world.settle().await;
        assert_eq!(world.heard().last().unwrap(), "ada: until");
    }
}

/// Whoever waits for an answer is told that there will be none, as soon as that is known.
#[tokio::test(start_paused = true)]
async fn whoever_asked_is_told_of_a_dead_letter() {
    let world = World::new();
    world.host("me").await;
    world.host_durable("ada").await;
    let ask = |words: &str| -> Message {
        let mut message = say(words, &["ada"]);
        message.performative = Performative::Request;
        message
    };
    let send = async |message, class| world.agency.send(message, None, Some(class)).await.unwrap();
    send(ask("fail"), Delivery::Durable).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.settle().await;
    let words =
        || world.heard().into_iter().filter(|it| it.starts_with("me: ")).collect::<Vec<_>>();
    assert_eq!(words(), ["me: the agent crashed over it as often as it may"]);
    // One who asks for nothing is told nothing.
    send(say("fail", &["ada"]), Delivery::Durable).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(words().len(), 1);
    for class in [Delivery::Transient, Delivery::Durable] {
        world.heard.lock().unwrap().clear();
        send(ask("rest"), class).await;
        world.settle().await;
        let soon = ReplyBy::Within(Duration::from_millis(500));
        send(ask("late").with_reply_by(soon), class).await;
        world.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.settle().await;
        assert_eq!(words(), ["me: its reply-by passed before it could be handed over"]);
    }
    world.agency.stop(&name("ada"), SPAN).await.unwrap();
    world.heard.lock().unwrap().clear();
    send(ask("left"), Delivery::Durable).await;
    world.agency.remove(&name("ada"), SPAN).await.unwrap();
    world.settle().await;
    assert_eq!(words(), ["me: the agent was removed"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_one_that_ends_before_it_answers_is_told() {
    let world = World::new();
    world.host("me").await;
    world.host("ada").await;
    let ask = |words: &str| -> Message {
        let mut message = say(words, &["ada"]);
        message.performative = Performative::Request;
        message
    };
    let told = || {
        let mut told = world.heard();
        told.retain(|it| it.starts_with("me: "));
        told
    };
    // One in hand, one that waits, and one that wants no answer.
    for message in [ask("wait"), ask("two"), say("three", &["ada"])] {
        world.agency.send(message, None, None).await.unwrap();
    }
    world.settle().await;
    world.agency.stop(&name("ada"), Duration::from_secs(1)).await.unwrap();
    world.settle().await;
    let mut said = told();
    said.sort_unstable();
    assert_eq!(
        said,
        ["me: the agent ended before this was its turn", "me: the agent ended over it"]
    );
    world.agency.start(&name("ada")).await.unwrap();
    world.heard.lock().unwrap().clear();
    world.agency.send(ask("boom"), None, None).await.unwrap();
    world.settle().await;
    assert_eq!(told(), ["me: the agent ended over it"]);
    // One that is begun again over its message has not ended over it yet.
    let keeping = HostSpec { keep: true, ..world.spec("eve") };
    world.agency.host(keeping).await.unwrap();
    world.heard.lock().unwrap().clear();
    let mut message = ask("fail");
    message.receivers = say("", &["eve"]).receivers;
    world.agency.send(message, None, None).await.unwrap();
    world.settle().await;
    assert!(world.heard().len() >= 2 && told().is_empty(), "{:?}", world.heard());
}
