//! Rows in their order, and paces that are known.

use bottega_api::ActorView;
use bottega_tui::{Look, Order, rows};

use crate::world::{agent, at_work, look, supervisor};

/// Supervisors in two generations, and what their agents handled within two seconds.
fn seen(greeter: u64, clerk: u64, scribe: u64) -> Vec<ActorView> {
    let within = |parent: u32, actor: ActorView| ActorView {
        parent: Some(format!("act_{parent}")),
        ..actor
    };
    vec![
        supervisor(1, "house"),
        within(1, supervisor(2, "hall")),
        agent(3, 2, "greeter", 1_000 + greeter),
        within(1, supervisor(4, "office")),
        ActorView { waiting: 3, ..agent(5, 4, "clerk", 1_000 + clerk) },
        ActorView { restarts: 2, ..agent(6, 4, "scribe", 1_000 + scribe) },
        supervisor(7, "attic"),
    ]
}

#[track_caller]
fn check(order: Order, expected: &[&str]) {
    let before = look(1_000, seen(0, 0, 0));
    let now = look(3_000, seen(4, 100, 900));
    let shown: Vec<String> = rows(&now.tree, Some(&before.tree), order)
        .iter()
        .map(|row| format!("{}{} {}", row.stem, row.name, row.pace.unwrap()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn by_birth_the_tree_is_as_it_grew() {
    check(
        Order::Birth,
        &[
            "house 0",
            "├ hall 0",
            "│ └ greeter 2",
            "└ office 0",
            "  ├ clerk 50",
            "  └ scribe 450",
            "attic 0",
        ],
    );
}

#[test]
fn whoever_has_the_busiest_below_stands_first() {
    let busiest = [
        "house 0",
        "├ office 0",
        "│ ├ scribe 450",
        "│ └ clerk 50",
        "└ hall 0",
        "  └ greeter 2",
        "attic 0",
    ];
    check(Order::Pace, &busiest);
    check(Order::Restarts, &busiest);
    check(
        Order::Mail,
        &[
            "house 0",
            "├ office 0",
            "│ ├ clerk 50",
            "│ └ scribe 450",
            "└ hall 0",
            "  └ greeter 2",
            "attic 0",
        ],
    );
    check(
        Order::Name,
        &[
            "attic 0",
            "house 0",
            "├ hall 0",
            "│ └ greeter 2",
            "└ office 0",
            "  ├ clerk 50",
            "  └ scribe 450",
        ],
    );
}

#[test]
fn every_order_comes_round() {
    let mut order = Order::default();
    for _ in 0..5 {
        order = order.next();
    }
    assert_eq!(order, Order::Birth);
}

#[test]
fn a_pace_needs_two_looks_at_the_same_server() {
    let pace = |now: &Look, before: Option<&Look>| {
        rows(&now.tree, before.map(|look| &look.tree), Order::Birth)[1].pace
    };
    let (first, second) = (at_work(1_000, 10), at_work(3_000, 30));
    assert_eq!(pace(&second, Some(&first)), Some(10.0));
    assert_eq!(pace(&second, None), None);
    assert_eq!(pace(&first, Some(&second)), None, "time does not run backwards");
    assert_eq!(pace(&first, Some(&first)), None, "no time has passed");
    let mut anew = second.clone();
    anew.tree.begun_ms += 1;
    assert_eq!(pace(&anew, Some(&first)), None, "it began to count anew");
    let mut younger = first;
    younger.tree.actors.remove(1);
    assert_eq!(pace(&second, Some(&younger)), Some(15.0), "it did all since it was born");
}

#[test]
fn a_circle_of_parents_is_no_tree() {
    let turned = |id, parent| ActorView {
        parent: Some(format!("act_{parent}")),
        ..supervisor(id, &format!("{id}"))
    };
    let circle = look(1_000, vec![turned(1, 2), turned(2, 1), turned(3, 3), turned(4, 99)]);
    let shown: Vec<String> = rows(&circle.tree, None, Order::Pace)
        .iter()
        .map(|row| format!("{}{}", row.stem, row.name))
        .collect();
    assert_eq!(shown, ["1", "└ 2", "3", "4"]);
}
