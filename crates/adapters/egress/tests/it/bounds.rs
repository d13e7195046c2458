//! Bounds of what one command may do.

use std::time::Duration;

use bottega_egress::Limits;

use crate::world::{Serves, World};

const ASK: &str = "CONNECT example.org:PORT HTTP/1.1\r\n\r\nhello end\n";

#[test]
fn bytes_are_bounded_over_all_connections() {
    let world = World { limits: Limits { bytes: 120, ..Limits::default() }, ..World::new() };
    let came = world.connect(&[ASK, ASK, ASK]);
    assert!(came.heard[0].ends_with("hello end\n"), "{came:?}");
    assert!(!came.heard[2].ends_with("hello end\n"), "{came:?}");
    assert_eq!(came.refused.last().unwrap(), "a connection was cut: more than 120 bytes");
}

#[test]
fn connections_are_bounded() {
    let world = World { limits: Limits { in_all: 2, ..Limits::default() }, ..World::new() };
    let came = world.connect(&[ASK, ASK, ASK]);
    assert!(came.heard[1].ends_with("hello end\n"), "{came:?}");
    assert!(["(closed)", ""].contains(&came.heard[2].as_str()), "{came:?}");
    assert_eq!(came.refused, ["refused: more than 2 connections"]);
}

#[test]
fn one_after_another_when_only_one_may_be_open() {
    let world = World { limits: Limits { at_once: 1, ..Limits::default() }, ..World::new() };
    let came = world.connect(&[ASK, ASK]);
    assert_eq!(came.public.len(), 2, "{came:?}");
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let limits = Limits { head: Duration::from_millis(1), ..Limits::default() };
    let came = World { limits, ..World::new() }.connect(&["CONNECT exam"]);
    assert!(came.heard[0].starts_with("HTTP/1.1 408 "), "{came:?}");
}

#[test]
fn a_head_without_an_end_is_cut() {
    let long = format!("CONNECT example.org:PORT HTTP/1.1\r\nA: {}", "a".repeat(64 << 10));
    let came = World::new().connect(&[&long]);
    // The client may be cut off before it has read why.
    assert!(came.heard[0].is_empty() || came.heard[0].starts_with("HTTP/1.1 431 "), "{came:?}");
    assert!(came.asked.is_empty());
}

#[test]
fn silence_and_length_end_a_connection() {
    for limits in [
        Limits { idle: Duration::from_millis(1), ..Limits::default() },
        Limits { lasting: Duration::from_millis(1), ..Limits::default() },
    ] {
        let world = World { limits, serves: Serves::Silence, ..World::new() };
        // It comes to its end by itself.
        assert!(!world.connect(&[ASK]).heard[0].contains("hello"));
    }
}
