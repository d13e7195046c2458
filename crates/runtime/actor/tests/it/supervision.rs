//! Supervisors and their children.

use std::time::Duration;

use bottega_actor::{
    Backoff, Ending, GaveUp, Intensity, NameTaken, OnStuck, Restart, StartError, State, Stopped,
    Supervisor, SupervisorRef,
};
use tokio::sync::oneshot;

use crate::rig::{Do, Flaw, Rig, pass, quiet_panic, tell};

const SECOND: Duration = Duration::from_secs(1);

/// `a`, `b` and `c` below a supervisor of that kind.
async fn three(rig: &Rig, supervisor: Supervisor) -> SupervisorRef {
    let children = ["a", "b", "c"].map(|name| rig.spec(name, Flaw::None));
    let supervisor = children.into_iter().fold(supervisor, Supervisor::child);
    let supervisor = rig.system.supervise(supervisor).unwrap();
    supervisor.ready().await.unwrap();
    rig.log.take();
    supervisor
}

/// What is said when `b` of three crashes.
async fn check_strategy(supervisor: Supervisor, expected: &str) {
    let rig = Rig::new();
    let _supervisor = three(&rig, supervisor).await;
    tell(&rig.find("b"), Do::Fail);
    let said = rig.settled().await;
    let said = said.strip_prefix("b crashed in Handle: fault, message Lost; ").unwrap();
    assert_eq!(said, expected);
}

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_end_in_reverse() {
    let rig = Rig::new();
    let children = ["a", "b"].map(|name| rig.spec(name, Flaw::None));
    let supervisor = children.into_iter().fold(Supervisor::one_for_one("s"), Supervisor::child);
    let supervisor = rig.system.supervise(supervisor).unwrap();
    supervisor.ready().await.unwrap();
    assert_eq!(rig.log.take(), "a init; a started 1; b init; b started 1; s started 1");
    tell(&rig.find("a"), Do::Note(1));
    assert_eq!(supervisor.shutdown(SECOND).await, Stopped::InTime(Ending::Normal));
    assert_eq!(
        rig.settled().await,
        "a 1; b stop; b is over: as it should; a stop; a is over: as it should; s is over: as it should"
    );
    assert!(rig.system.tree().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_that_child() {
    check_strategy(Supervisor::one_for_one("s"), "b restarts in 0ns; b init; b started 2").await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    check_strategy(
        Supervisor::one_for_all("s"),
        "b restarts in 0ns; c stop; a stop; a init; a started 2; b init; b started 2; c init; c started 2",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_those_behind() {
    check_strategy(
        Supervisor::rest_for_one("s"),
        "b restarts in 0ns; c stop; b init; b started 2; c init; c started 2",
    )
    .await;
}

/// What a child with that policy does after it left and after it crashed.
async fn check_restart(restart: Restart, left: State, crashed: State) {
    for (end, expected) in [(Do::Leave, left), (Do::Panic, crashed)] {
        let rig = Rig::new();
        let spec = rig.spec("a", Flaw::None).restart(restart);
        let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
        supervisor.ready().await.unwrap();
        let child = rig.find("a");
        tell(&child, end);
        rig.settled().await;
        match expected {
            State::Running => assert_eq!(child.ask(SECOND, Do::Answer).await, Ok(7)),
            _ => assert!(child.is_gone() && rig.system.find::<Do>("a").is_none()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_is_restarted_as_its_policy_says() {
    check_restart(Restart::Permanent, State::Running, State::Running).await;
    check_restart(Restart::Transient, State::Stopped, State::Running).await;
    check_restart(Restart::Temporary, State::Stopped, State::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_the_mailbox_survives_a_crash() {
    let rig = Rig::new();
    let _supervisor = three(&rig, Supervisor::one_for_one("s")).await;
    let child = rig.find("a");
    [Do::Note(1), Do::Panic, Do::Note(2), Do::Note(3)].into_iter().for_each(|m| tell(&child, m));
    assert_eq!(
        rig.settled().await,
        "a 1; a crashed in Handle: panic, message Lost; a restarts in 0ns; a init; a started 2; a 2; a 3"
    );
}

#[tokio::test(start_paused = true)]
async fn mailboxes_survive_a_restart_on_account_of_a_sibling() {
    let rig = Rig::new();
    let _supervisor = three(&rig, Supervisor::one_for_all("s")).await;
    let (a, b) = (rig.find("a"), rig.find("b"));
    let (open, gate) = oneshot::channel();
    [Do::Wait(gate), Do::Note(1), Do::Note(2)].into_iter().for_each(|m| tell(&a, m));
    rig.settled().await;
    tell(&b, Do::Panic);
    rig.settled().await;
    open.send(()).unwrap();
    assert!(rig.settled().await.ends_with(
        "a stop; a init; a started 2; a 1; a 2; b init; b started 2; c init; c started 2"
    ));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_kept_is_delivered_again_and_given_up_in_the_end() {
    let rig = Rig::new();
    let _supervisor = three(&rig, Supervisor::one_for_one("s")).await;
    let child = rig.find("a");
    [Do::Retry(5), Do::Note(1)].into_iter().for_each(|m| tell(&child, m));
    assert_eq!(
        rig.settled().await,
        "a tries 5; a crashed in Handle: 5 is too much, message Kept; a restarts in 0ns; a init; a started 2; \
         a tries 5; a crashed in Handle: 5 is too much, message Kept; a restarts in 0ns; a init; a started 3; \
         a tries 5; a crashed in Handle: 5 is too much, message GivenUp; a restarts in 0ns; a init; a started 4; \
         a 1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_restarts_too_often_gives_up_and_its_own_takes_over() {
    let rig = Rig::new();
    let intensity = Intensity { restarts: 1, within: SECOND };
    let inner = Supervisor::one_for_one("inner")
        .intensity(intensity)
        .child(rig.spec("a", Flaw::None))
        .child(rig.spec("b", Flaw::None));
    let outer = Supervisor::one_for_one("outer").intensity(intensity).supervisor(inner);
    let outer = rig.system.supervise(outer).unwrap();
    outer.ready().await.unwrap();
    let (a, b) = (rig.find("a"), rig.find("b"));
    rig.log.take();
    tell(&a, Do::Fail);
    rig.settled().await;
    [Do::Fail, Do::Note(9)].into_iter().for_each(|m| tell(&a, m));
    assert_eq!(
        rig.settled().await,
        "a crashed in Handle: fault, message Lost; inner gave up; b stop; inner restarts in 0ns; \
         a init; a started 3; a 9; b init; b started 2; inner started 2"
    );
    // The window of the inner one is empty again, that of the outer one is not.
    tell(&a, Do::Fail);
    rig.settled().await;
    tell(&b, Do::Fail);
    assert_eq!(
        rig.settled().await,
        "b crashed in Handle: fault, message Lost; inner gave up; a stop; outer gave up; \
         b is over: crashed: fault; a is over: as it should; \
         inner is over: crashed: gave up: `b` ended once too often, at last crashed: fault; \
         outer is over: crashed: gave up: `inner` ended once too often, at last crashed: \
         gave up: `b` ended once too often, at last crashed: fault"
    );
    assert!(a.is_gone() && b.is_gone() && rig.system.tree().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_child_rests_before_it_is_begun_anew_and_the_mailbox_waits() {
    let rig = Rig::new();
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    let spec = rig.spec("a", Flaw::None).backoff(backoff);
    let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
    supervisor.ready().await.unwrap();
    let child = rig.find("a");
    rig.log.take();
    for pause in ["100ms", "200ms", "400ms"] {
        [Do::Fail, Do::Note(1)].into_iter().for_each(|m| tell(&child, m));
        let said = rig.settled().await;
        assert!(said.ends_with(&format!("message Lost; a restarts in {pause}")), "{said}");
        assert_eq!(rig.system.tree()[1].state, State::Resting);
        pass(SECOND / 2).await;
        assert!(rig.log.take().ends_with("a 1"));
    }
    // After a minute without a failure the pauses begin anew.
    pass(SECOND * 60).await;
    tell(&child, Do::Fail);
    assert!(rig.settled().await.ends_with("a restarts in 100ms"));
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_init_is_an_end_like_any_other() {
    let rig = Rig::new();
    let supervisor = Supervisor::one_for_one("s").child(rig.spec("a", Flaw::InitFailsOnce));
    let supervisor = rig.system.supervise(supervisor).unwrap();
    supervisor.ready().await.unwrap();
    assert_eq!(
        rig.log.take(),
        "a init; a crashed in Init: not yet, message Nothing; a restarts in 0ns; a init; a started 2; s started 1"
    );
    let hopeless = Supervisor::one_for_one("t").child(rig.spec("b", Flaw::InitPanics));
    let hopeless = rig.system.supervise(hopeless).unwrap();
    assert_eq!(hopeless.ready().await, Err(GaveUp));
    assert_eq!(rig.settled().await.matches("b init").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_init_that_takes_too_long_is_killed() {
    let rig = Rig::new();
    let spec = rig.spec("a", Flaw::InitHangs).start_within(SECOND);
    let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
    assert_eq!(supervisor.ready().await, Err(GaveUp));
    assert_eq!(rig.settled().await.matches("a init").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_in_time_is_killed() {
    let rig = Rig::new();
    let spec = rig.spec("a", Flaw::StopHangs).stop_within(SECOND);
    let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
    supervisor.ready().await.unwrap();
    assert_eq!(supervisor.shutdown(SECOND * 5).await, Stopped::InTime(Ending::Normal));
    assert!(rig.settled().await.ends_with("a stop; a is over: killed; s is over: as it should"));
}

#[tokio::test(start_paused = true)]
async fn killing_a_supervisor_kills_its_children() {
    let rig = Rig::new();
    let supervisor = three(&rig, Supervisor::one_for_one("s")).await;
    supervisor.kill();
    assert_eq!(supervisor.ended().await, Ending::Killed);
    let said = rig.settled().await;
    assert_eq!(said, "c is over: killed; b is over: killed; a is over: killed; s is over: killed");
}

#[tokio::test(start_paused = true)]
async fn children_come_and_go() {
    let rig = Rig::new();
    let pool = rig.system.supervise(Supervisor::dynamic("pool")).unwrap();
    let a = pool.start(rig.spec("a", Flaw::None)).await.unwrap();
    let taken = pool.start(rig.spec("a", Flaw::None)).await;
    assert_eq!(taken.unwrap_err(), StartError::NameTaken(NameTaken("a".into())));
    let failed = pool.start(rig.spec("b", Flaw::InitPanics)).await;
    let ending = Ending::Crashed("no init".to_owned());
    assert_eq!(failed.unwrap_err(), StartError::Ended(ending));
    tell(&a, Do::Panic);
    assert_eq!(a.ask(SECOND, Do::Answer).await, Ok(7));
    tell(&a, Do::Note(1));
    rig.log.take();
    pool.stop(a.id()).await;
    assert_eq!(rig.log.take(), "a 1; a stop; a is over: as it should");
    pool.stop(a.id()).await;
    let _b = pool.start(rig.spec("b", Flaw::None)).await.unwrap();
    let _c = pool.start(rig.spec("c", Flaw::None)).await.unwrap();
    rig.log.take();
    pool.shutdown(SECOND).await;
    assert!(rig.log.take().starts_with("b stop; c stop; "));
    assert_eq!(pool.start(rig.spec("d", Flaw::None)).await.unwrap_err(), StartError::Gone);
    assert!(rig.system.tree().is_empty());
}

/// What is said about a child that is over one message for too long.
async fn check_stuck(then: OnStuck, expected: &str) {
    let rig = Rig::new();
    let spec = rig.spec("a", Flaw::None).stuck_after(SECOND, then);
    let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
    supervisor.ready().await.unwrap();
    let child = rig.find("a");
    // Being idle is no trouble.
    pass(SECOND * 5).await;
    let (_open, gate) = oneshot::channel();
    rig.log.take();
    tell(&child, Do::Wait(gate));
    pass(SECOND * 5).await;
    assert_eq!(rig.log.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_child_had_in_hand_comes_again() {
    let rig = Rig::new();
    let spec = rig.spec("a", Flaw::None).stuck_after(SECOND, OnStuck::Kill);
    let supervisor = rig.system.supervise(Supervisor::one_for_one("s").child(spec)).unwrap();
    supervisor.ready().await.unwrap();
    let child = rig.find("a");
    rig.log.take();
    tell(&child, Do::Hang(7));
    tell(&child, Do::Note(8));
    pass(SECOND * 20).await;
    let told = rig.log.take();
    // As often as after a crash; then it is given up, and the next one is dealt with.
    assert_eq!(told.matches("a hangs over 7").count(), 3, "{told}");
    assert!(told.ends_with("a 8"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_stuck_is_reported_or_killed() {
    check_stuck(OnStuck::Report, "a stuck for 1s").await;
    check_stuck(OnStuck::Kill, "a stuck for 1s; a lets go; a restarts in 0ns; a init; a started 2")
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_a_child_ends_for_good_is_left_to_its_heir() {
    let rig = Rig::new();
    let heir = |name: &'static str| {
        let log = rig.log.clone();
        rig.spec(name, Flaw::None).restart(Restart::Transient).left_to(move |left| {
            let numbers: Vec<String> = left.iter().map(|message| format!("{message:?}")).collect();
            log.line(format!("{name} leaves {}", numbers.join(" ")));
            if left.len() > 2 {
                quiet_panic("too much");
            }
        })
    };
    let keeper = Supervisor::one_for_one("s").child(heir("a")).child(heir("b"));
    let keeper = keeper.intensity(Intensity { restarts: 1, within: SECOND });
    let keeper = rig.system.supervise(keeper).unwrap();
    keeper.ready().await.unwrap();
    rig.log.take();
    // A restart leaves nothing: what waits is there for the next incarnation.
    tell(&rig.find("a"), Do::Fail);
    tell(&rig.find("a"), Do::Note(1));
    let said = rig.settled().await;
    assert!(said.ends_with("a started 2; a 1"), "{said}");
    // It is given up, and the others end with it, each with what was waiting.
    let (_open, gate) = oneshot::channel();
    tell(&rig.find("b"), Do::Wait(gate));
    for message in [Do::Hang(2), Do::Note(3), Do::Note(4)] {
        tell(&rig.find("b"), message);
    }
    for message in [Do::Fail, Do::Note(5), Do::Retry(6)] {
        tell(&rig.find("a"), message);
    }
    pass(Duration::from_secs(60)).await;
    let said = rig.log.take();
    assert!(said.contains("a leaves Note(5) Retry(6); "), "{said}");
    // What the heir does about it ends nobody else.
    assert!(said.contains("b leaves Hang(2) Note(3) Note(4); "), "{said}");
    assert!(said.ends_with("`a` ended once too often, at last crashed: fault"), "{said}");
    assert!(rig.system.tree().is_empty());
}
