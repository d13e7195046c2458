//! Screens of all sizes.

use bottega_api::{ApiError, codes};
use bottega_tui::{Act, Ink, View};
use ratatui::style::{Color, Modifier};

use crate::world::{agent, at_work, drawn, lines, look, supervisor, text, view};

#[test]
fn a_usual_screen() {
    insta::assert_snapshot!(text(&mut view(), 80, 14));
}

#[test]
fn a_wide_screen_has_every_column() {
    insta::assert_snapshot!(text(&mut view(), 132, 12));
}

#[test]
fn a_narrow_screen_keeps_what_matters() {
    insta::assert_snapshot!(text(&mut view(), 60, 12));
    insta::assert_snapshot!(text(&mut view(), 36, 12));
}

#[test]
fn a_low_screen_keeps_its_rows() {
    let low: Vec<String> = (1..=7).map(|height| text(&mut view(), 50, height)).collect();
    insta::assert_snapshot!(low.join("----\n"));
}

#[test]
fn every_size_can_be_drawn() {
    let mut view = view();
    view.apply(Act::Last);
    for width in 1..140 {
        for height in 1..12 {
            drawn(&mut view, width, height, Ink::Coloured);
        }
    }
}

#[test]
fn before_a_second_look_no_pace_is_told() {
    insta::assert_snapshot!(text(&mut View::new(at_work(302_000, 1_000)), 80, 12));
}

#[test]
fn a_server_that_is_gone_is_told_of_and_its_last_look_stays() {
    let gone = || Err(ApiError::new(codes::NO_SERVER, "nobody answers at http://127.0.0.1:7437"));
    let mut view = view();
    view.saw(gone());
    view.saw(gone());
    view.saw(gone());
    insta::assert_snapshot!(text(&mut view, 80, 12));
    view.saw(Ok(at_work(303_500, 1_802)));
    let back = text(&mut view, 80, 12);
    assert!(!back.contains("nobody answers") && back.contains("200 msg/s"), "{back}");
}

#[test]
fn nobody_there_is_said() {
    insta::assert_snapshot!(text(&mut View::new(look(5_000, Vec::new())), 80, 8));
}

#[test]
fn many_rows_scroll_with_whoever_is_selected() {
    let actors = (1..=20).map(|id| supervisor(id, &format!("keeper {id}"))).collect();
    let mut view = View::new(look(5_000, actors));
    text(&mut view, 40, 9);
    view.apply(Act::Move(6));
    let selected = |view: &mut View| {
        let buffer = drawn(view, 40, 9, Ink::Plain);
        let is = |y: &u16| buffer[(0, *y)].modifier.contains(Modifier::REVERSED);
        let row = (0..9).find(is).unwrap();
        lines(&buffer).lines().nth(row.into()).unwrap().split("  ").next().unwrap().to_owned()
    };
    assert_eq!(selected(&mut view), "keeper 7");
    insta::assert_snapshot!(text(&mut view, 40, 9));
    for (act, expected) in [
        (Act::Turn(1), "keeper 11"),
        (Act::Last, "keeper 20"),
        (Act::Move(1), "keeper 20"),
        (Act::Turn(-1), "keeper 16"),
        (Act::First, "keeper 1"),
        (Act::Move(-1), "keeper 1"),
    ] {
        view.apply(act);
        assert_eq!(selected(&mut view), expected, "{act:?}");
    }
}

#[test]
fn whoever_is_selected_stays_so_when_others_go() {
    let all = |from| (from..=9).map(|id| supervisor(id, &format!("keeper {id}"))).collect();
    let mut view = View::new(look(5_000, all(1)));
    view.apply(Act::Move(5));
    view.saw(Ok(look(6_000, all(4))));
    assert!(text(&mut view, 60, 14).contains("keeper 6 · supervisor"));
}

#[test]
fn without_colours_none_is_drawn() {
    for (ink, expected) in [(Ink::Plain, false), (Ink::Coloured, true)] {
        let mut view = view();
        view.saw(Err(ApiError::new(codes::NO_SERVER, "nobody answers")));
        let buffer = drawn(&mut view, 80, 14, ink);
        let coloured =
            buffer.content().iter().any(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset));
        assert_eq!(coloured, expected);
    }
}

#[test]
fn nothing_of_a_server_steers_the_terminal() {
    let mut hostile = look(5_000, vec![supervisor(1, "a\u{1b}[2J\u{202e}b\nc\u{7}")]);
    hostile.place = "http://\u{1b}]0;x\u{7}y".into();
    hostile.tree.version = "1\u{9b}2J".into();
    let mut view = View::new(hostile);
    view.saw(Err(ApiError::new(codes::NO_SERVER, "no\u{1b}[31m\u{202e}body")));
    let buffer = drawn(&mut view, 100, 9, Ink::Coloured);
    let steers = |text: &str| text.chars().any(|c| c.is_control() || c == '\u{202e}');
    assert!(!buffer.content().iter().any(|cell| steers(cell.symbol())));
    assert!(lines(&buffer).contains("a<U+202E>b"));
}

#[test]
fn wide_letters_keep_the_columns() {
    let mut view =
        View::new(look(5_000, vec![supervisor(1, "番頭"), agent(2, 1, "書記@local", 7)]));
    insta::assert_snapshot!(text(&mut view, 60, 8));
}
