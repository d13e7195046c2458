//! Answers that go on: they tell what happens, end when it is over, and leave nothing behind when nobody listens.

use std::sync::atomic::Ordering;

use bottega_api::{ApiError, codes};
use bottega_server::Limits;
use tonic::Code;

use crate::peer::wire::{
    AcknowledgeRequest, FollowAgentEventsRequest, FollowTenderEventsRequest, ReceiveRequest,
};
use crate::peer::{called, told};
use crate::world::Ask;

fn agent(after: u64) -> FollowAgentEventsRequest {
    FollowAgentEventsRequest { name: "echo".into(), after }
}

fn inbox(name: &str) -> ReceiveRequest {
    ReceiveRequest { name: name.into() }
}

#[test]
fn an_agent_is_followed_until_it_is_gone() {
    called(Limits::default(), async |site, mut peer| {
        let mut events = peer.agents.follow_agent_events(agent(0)).await.unwrap().into_inner();
        let mut next = async || {
            let next = events.message().await.unwrap()?;
            Some((next.number, next.event.unwrap().kind))
        };
        assert_eq!(next().await, Some((1, "agent.started".into())));
        site.agents.happens("agent.crashed");
        assert_eq!(next().await, Some((2, "agent.crashed".into())));
        site.agents.happens("agent.started");
        site.agents.happens("agent.stopped");
        // What happened last is told before the end.
        site.agents.over.store(true, Ordering::Relaxed);
        assert_eq!(next().await, Some((3, "agent.started".into())));
        assert_eq!(next().await, Some((4, "agent.stopped".into())));
        assert_eq!(next().await, None);
    });
}

#[test]
fn whoever_comes_back_goes_on_where_it_was() {
    called(Limits::default(), async |site, mut peer| {
        site.agents.happens("agent.crashed");
        let mut events = peer.agents.follow_agent_events(agent(1)).await.unwrap().into_inner();
        let next = events.message().await.unwrap().unwrap();
        assert_eq!((next.number, next.event.unwrap().kind), (2, "agent.crashed".to_owned()));
        site.agents.over.store(true, Ordering::Relaxed);
        // Beyond all that happened there is nothing.
        let refused = peer.agents.follow_agent_events(agent(u64::from(u32::MAX))).await;
        assert_eq!(told(&refused.unwrap_err()).0, Code::NotFound);
    });
}

#[test]
fn a_tender_is_followed_until_it_is_over() {
    called(Limits::default(), async |site, mut peer| {
        let request = FollowTenderEventsRequest { id: "tnd_1".into(), after: 0 };
        let mut events = peer.tenders.follow_tender_events(request).await.unwrap().into_inner();
        let mut next = async || {
            let next = events.message().await.unwrap()?;
            Some((next.number, next.event.unwrap().kind))
        };
        assert_eq!(next().await, Some((1, "tender.decided".into())));
        site.agents.happens("tender.done");
        site.agents.over.store(true, Ordering::Relaxed);
        assert_eq!(next().await, Some((2, "tender.done".into())));
        assert_eq!(next().await, None);
    });
}

#[test]
fn what_fails_on_the_way_is_told() {
    called(Limits::default(), async |site, mut peer| {
        let mut events = peer.agents.follow_agent_events(agent(1)).await.unwrap().into_inner();
        site.agents.refuse(ApiError::new(codes::STORE, "the disk is gone"));
        let status = events.message().await.unwrap_err();
        let (code, own, message) = told(&status);
        assert_eq!(
            (code, own.as_str(), message.as_str()),
            (Code::Internal, "BTG0010", "the disk is gone")
        );
    });
}

#[test]
fn the_next_message_comes_when_the_last_was_acknowledged() {
    called(Limits::default(), async |site, mut peer| {
        let mut one = peer.messages.receive(inbox("echo")).await.unwrap().into_inner();
        let first = one.message().await.unwrap().unwrap();
        assert_eq!((first.number, first.message.unwrap().performative), (7, "cfp".to_owned()));
        // Whoever begins again is given what was not acknowledged.
        let mut again = peer.messages.receive(inbox("echo")).await.unwrap().into_inner();
        assert_eq!(again.message().await.unwrap().unwrap().number, 7);
        drop(again);
        let done = AcknowledgeRequest { name: "echo".into(), number: 7 };
        peer.messages.acknowledge(done).await.unwrap();
        assert_eq!(one.message().await.unwrap().unwrap().number, 8);
        // By another surface it is the same.
        Ask::new("POST /v1/agents/echo/inbox/8/acknowledge").at(site).await;
        assert_eq!(one.message().await.unwrap().unwrap().number, 9);
    });
}

#[test]
fn an_acknowledgement_wakes_whoever_waits() {
    // Nobody looks by itself in this test: only the word makes the stream go on.
    let limits = Limits { look: std::time::Duration::from_secs(86_400), ..Limits::default() };
    crate::world::served(limits, async |site| {
        let mut peer = crate::peer::Peer::of(site);
        let mut stream = peer.messages.receive(inbox("echo")).await.unwrap().into_inner();
        assert_eq!(stream.message().await.unwrap().unwrap().number, 7);
        for (number, next) in [(7, 8), (8, 9)] {
            let done = AcknowledgeRequest { name: "echo".into(), number };
            peer.messages.acknowledge(done).await.unwrap();
            assert_eq!(stream.message().await.unwrap().unwrap().number, next);
        }
        Ask::new("POST /v1/agents/echo/inbox/9/acknowledge").at(site).await;
        assert_eq!(stream.message().await.unwrap().unwrap().number, 10);
    });
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    called(Limits { streams_at_once: 1, ..Limits::default() }, async |site, mut peer| {
        let waiting = peer.messages.receive(inbox("silent")).await.unwrap().into_inner();
        site.agents.left.notified().await; // the first look, which waits for nothing
        site.agents.begun.notified().await;
        // It has the one place; calls that are answered at once have theirs.
        let refused = peer.agents.follow_agent_events(agent(0)).await.unwrap_err();
        assert_eq!(told(&refused).0, Code::Unavailable);
        assert_eq!(Ask::new("GET /v1/agents").at(site).await.status, 200);
        drop(waiting);
        site.agents.left.notified().await;
        let mut next = peer.agents.follow_agent_events(agent(0)).await.unwrap().into_inner();
        assert_eq!(next.message().await.unwrap().unwrap().number, 1);
    });
}

#[test]
fn every_stream_ends_when_the_server_does() {
    called(Limits::default(), async |site, mut peer| {
        let mut events = peer.agents.follow_agent_events(agent(1)).await.unwrap().into_inner();
        let mut messages = peer.messages.receive(inbox("silent")).await.unwrap().into_inner();
        site.agents.begun.notified().await;
        drop(site.stop.lock().unwrap().take());
        for status in [events.message().await.unwrap_err(), messages.message().await.unwrap_err()] {
            let (code, own, message) = told(&status);
            assert_eq!((code, own.as_str()), (Code::Unavailable, "BTG0023"));
            assert!(message.contains("being stopped"), "{message}");
        }
    });
}

#[test]
fn a_panic_ends_its_stream_alone() {
    called(Limits::default(), async |site, mut peer| {
        let mut events = peer.agents.follow_agent_events(agent(1)).await.unwrap().into_inner();
        site.agents.panics.store(true, Ordering::Relaxed);
        let (code, own, message) = told(&events.message().await.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::Internal, "BTG0016"));
        assert!(!message.contains("told to"), "{message}");
        site.agents.panics.store(false, Ordering::Relaxed);
        peer.agents.follow_agent_events(agent(0)).await.unwrap();
    });
}
