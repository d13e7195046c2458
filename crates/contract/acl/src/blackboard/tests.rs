//! A board told as text: who writes what, and who takes it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::AgentName;

fn agent(name: &str) -> AgentName {
    format!("{name}@p").parse().unwrap()
}

fn limits() -> BoardLimits {
    BoardLimits { entries: 3, bytes_of_an_entry: 12, bytes_of_all: 20 }
}

fn write(name: &str, value: Value, author: &str, expected_version: Option<u64>) -> Write {
    let (name, author) = (name.parse().unwrap(), agent(author));
    Write { name, value, author, expires: None, expected_version }
}

/// Plays commands, one a line:
/// `ann writes work.a "text"`, ` if 3` that version stands there, ` until 10`; `ann takes work.a`;
/// `read`, `list PREFIX LIMIT`, `at` a time, `expire`. Tells changes and refusals.
#[track_caller]
fn check(commands: &str, expected: &str) {
    let (mut board, mut now, mut told) = (Board::new(limits()), 0, String::new());
    for line in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let at = Timestamp::from_millis(now);
        let words: Vec<&str> = line.split(' ').collect();
        let option = |key: &str| {
            let place = words.iter().position(|word| *word == key)?;
            words[place + 1].parse::<u64>().ok()
        };
        let decided = match words[..] {
            ["at", time] => {
                now = time.parse().unwrap();
                continue;
            }
            ["read", name] => {
                let entry = board.read(&name.parse().unwrap(), at);
                let _ = writeln!(told, "{}", serde_json::to_string(&entry).unwrap());
                continue;
            }
            ["list", prefix, limit] => {
                let prefix = prefix.trim_matches('"');
                let listed = board.list(prefix, limit.parse().unwrap(), at);
                let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
                let _ = writeln!(told, "{}", names.join(" "));
                continue;
            }
            ["expire"] => Ok(board.expire(at)),
            [author, "writes", name, value, ..] => {
                let value = serde_json::from_str(value).unwrap();
                let mut wish = write(name, value, author, option("if"));
                wish.expires = option("until").map(Timestamp::from_millis);
                board.write(wish, at).map(|change| vec![change])
            }
            [by, "takes", name, ..] => {
                let (name, by) = (name.parse().unwrap(), agent(by));
                board.take(Take { name, by, expected_version: option("if") }, at).map(
                    |(entry, change)| {
                        let _ = write!(told, "{} ", entry.value);
                        vec![change]
                    },
                )
            }
            _ => panic!("{line}"),
        };
        let _ = match decided {
            Ok(changes) => changes.iter().try_for_each(|change| {
                board.evolve(change);
                writeln!(told, "{}", serde_json::to_string(change).unwrap())
            }),
            Err(refusal) => writeln!(told, "{refusal}"),
        };
    }
    let lines = |text: &str| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&told), lines(expected));
}

#[test]
fn of_two_writers_with_the_same_version_one_wins() {
    check(
        r#"ann writes plan "a" if 0
           bob writes plan "b" if 0
           bob writes plan "b" if 1
           ann writes plan "c" if 1
           ann writes plan {"n":1}
           ann writes plan "c" if 2
           read plan
           bob writes else 7 if 3
           read else"#,
        r#"{"written":{"name":"plan","entry":{"value":"a","author":"ann@p","version":1,"at":0}}}
           `plan` has version 1, not 0 (0 is none)
           {"written":{"name":"plan","entry":{"value":"b","author":"bob@p","version":2,"at":0}}}
           `plan` has version 2, not 1 (0 is none)
           {"written":{"name":"plan","entry":{"value":{"n":1},"author":"ann@p","version":3,"at":0}}}
           `plan` has version 3, not 2 (0 is none)
           {"value":{"n":1},"author":"ann@p","version":3,"at":0}
           `else` has version 0, not 3 (0 is none)
           null"#,
    );
}

#[test]
fn work_is_picked_once() {
    check(
        r#"ann writes work.a 1
           ann writes work.b 2
           bob takes work.a
           cat takes work.a
           cat takes work.b if 1
           cat takes work.b if 2
           ann writes work.a 3
           bob takes work.a if 1
           ann writes idle 4"#,
        r#"{"written":{"name":"work.a","entry":{"value":1,"author":"ann@p","version":1,"at":0}}}
           {"written":{"name":"work.b","entry":{"value":2,"author":"ann@p","version":2,"at":0}}}
           1 {"taken":{"name":"work.a","version":1,"by":"bob@p"}}
           there is no `work.a`
           `work.b` has version 2, not 1 (0 is none)
           2 {"taken":{"name":"work.b","version":2,"by":"cat@p"}}
           {"written":{"name":"work.a","entry":{"value":3,"author":"ann@p","version":3,"at":0}}}
           `work.a` has version 3, not 1 (0 is none)
           {"written":{"name":"idle","entry":{"value":4,"author":"ann@p","version":4,"at":0}}}"#,
    );
}

#[test]
fn what_is_over_is_neither_read_nor_taken() {
    check(
        r#"ann writes b 1 until 10
           ann writes a 2 until 20
           ann writes c 3 until 0
           at 10
           read b
           list "" 9
           bob takes b
           bob writes b 4 if 1
           bob writes b 4 if 0 until 30
           at 20
           expire
           expire
           at 99
           expire
           list "" 9"#,
        r#"{"written":{"name":"b","entry":{"value":1,"author":"ann@p","version":1,"at":0,"expires":10}}}
           {"written":{"name":"a","entry":{"value":2,"author":"ann@p","version":2,"at":0,"expires":20}}}
           `c` expires at 1970-01-01T00:00:00.000Z, and it is 1970-01-01T00:00:00.000Z
           null
           a
           there is no `b`
           `b` has version 0, not 1 (0 is none)
           {"written":{"name":"b","entry":{"value":4,"author":"bob@p","version":3,"at":10,"expires":30}}}
           {"expired":{"name":"a","version":2}}
           {"expired":{"name":"b","version":3}}"#,
    );
}

#[test]
fn a_list_goes_by_words() {
    check(
        r#"ann writes eu 1
           ann writes eu-x 2
           ann writes eu.a.b 3
           list eu 9
           list eu 1
           list eu.a 9
           list e 9
           list eu. 9
           list "" 2"#,
        r#"{"written":{"name":"eu","entry":{"value":1,"author":"ann@p","version":1,"at":0}}}
           {"written":{"name":"eu-x","entry":{"value":2,"author":"ann@p","version":2,"at":0}}}
           {"written":{"name":"eu.a.b","entry":{"value":3,"author":"ann@p","version":3,"at":0}}}
           eu eu.a.b
           eu
           eu.a.b


           eu eu-x"#,
    );
}

#[test]
fn what_a_board_holds_is_bounded() {
    check(
        r#"ann writes a "0123456789"
           ann writes b "0123456789x"
           ann writes b "012345"
           ann writes c 1
           ann writes a "1"
           ann writes c 1
           ann writes d 1
           ann writes c "0123456789"
           bob takes b
           ann writes c "0123456789""#,
        r#"{"written":{"name":"a","entry":{"value":"0123456789","author":"ann@p","version":1,"at":0}}}
           13 bytes are too many for `b`; a value has 12 at most, as JSON
           {"written":{"name":"b","entry":{"value":"012345","author":"ann@p","version":2,"at":0}}}
           the board is full: 1 bytes more, and its values exceed 20, as JSON
           {"written":{"name":"a","entry":{"value":"1","author":"ann@p","version":3,"at":0}}}
           {"written":{"name":"c","entry":{"value":1,"author":"ann@p","version":4,"at":0}}}
           the board is full: it holds 3 entries
           the board is full: 11 bytes more, and its values exceed 20, as JSON
           "012345" {"taken":{"name":"b","version":2,"by":"bob@p"}}
           {"written":{"name":"c","entry":{"value":"0123456789","author":"ann@p","version":5,"at":0}}}"#,
    );
}

#[test]
fn unknown_fields_of_stored_changes_are_refused() {
    for (text, expected) in [
        (r#"{"taken":{"name":"a","version":1,"by":"a@p","why":"x"}}"#, "unknown field `why`"),
        (r#"{"dropped":{"name":"a"}}"#, "unknown variant `dropped`"),
        (r#"{"expired":{"name":"a.*","version":1}}"#, "`a.*` is no topic"),
    ] {
        let refusal = serde_json::from_str::<BoardChange>(text).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

/// A command among few names: a verb, a name, a value, a version that may fit, and a time to live.
type Command = (u8, String, u16, Option<u64>, Option<u64>);

fn command() -> impl Strategy<Value = Command> {
    let version = prop::option::weighted(0.4, 0..6_u64);
    (0..4_u8, "[ab]([.][ab])?", any::<u16>(), version, prop::option::of(1..4_u64))
}

proptest! {
    #[test]
    fn any_commands_are_decided_as_by_a_plain_map_and_replayed_to_the_same_board(
        commands in prop::collection::vec(command(), 0..40),
    ) {
        let mut board = Board::new(limits());
        let mut naive: BTreeMap<String, (u64, Value, Option<u64>)> = BTreeMap::new();
        let (mut versions, mut changes) = (0, Vec::new());
        for (time, (verb, name, number, expected_version, lives)) in commands.into_iter().enumerate() {
            let time = time as u64 / 2;
            let now = Timestamp::from_millis(time);
            let value = Value::from(number);
            let held = naive.get(&name).filter(|(.., expires)| expires.is_none_or(|at| time < at));
            let present = held.map_or(0, |held| held.0);
            let fits = expected_version.is_none_or(|version| version == present);
            let decided = match verb {
                0 => {
                    let (name, by) = (name.parse().unwrap(), agent("bob"));
                    let taken = board.take(Take { name, by, expected_version }, now);
                    prop_assert_eq!(taken.is_ok(), held.is_some() && fits);
                    taken.map(|(entry, change)| {
                        assert_eq!(Some(&entry.value), held.map(|held| &held.1));
                        vec![change]
                    })
                }
                1 => Ok(board.expire(now)),
                _ => {
                    let wish = Write {
                        expires: lives.map(|lives| Timestamp::from_millis(time + lives)),
                        ..write(&name, value.clone(), "ann", expected_version)
                    };
                    let others = naive.iter().filter(|(other, _)| **other != name);
                    let bytes: usize = others.map(|(_, held)| bytes_of(&held.1)).sum();
                    let room = naive.len() + usize::from(!naive.contains_key(&name)) <= 3
                        && bytes + bytes_of(&value) <= 20;
                    let written = board.write(wish, now);
                    prop_assert_eq!(written.is_ok(), fits && room);
                    written.map(|change| vec![change])
                }
            };
            let conflict = matches!(decided, Err(BoardRefusal::Conflict { present: told, .. }) if told == present);
            prop_assert!(fits || conflict || decided.is_ok() || held.is_none());
            for change in decided.unwrap_or_default() {
                board.evolve(&change);
                match &change {
                    BoardChange::Written { name, entry } => {
                        // No version ever comes again.
                        prop_assert!(entry.version > versions);
                        versions = entry.version;
                        let expires = entry.expires.map(Timestamp::as_millis);
                        naive.insert(name.to_string(), (versions, entry.value.clone(), expires));
                    }
                    BoardChange::Taken { name, version, .. } | BoardChange::Expired { name, version } => {
                        prop_assert_eq!(naive.remove(name.as_str()).map(|held| held.0), Some(*version));
                    }
                }
                changes.push(change);
            }
            let standing: Vec<&str> = naive
                .iter()
                .filter(|(_, (.., expires))| expires.is_none_or(|at| time < at))
                .map(|(name, _)| name.as_str())
                .collect();
            let listed = board.list("", usize::MAX, now);
            prop_assert_eq!(listed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), standing);
        }
        let stored = serde_json::to_string(&changes).unwrap();
        let mut replayed = Board::new(limits());
        for change in serde_json::from_str::<Vec<BoardChange>>(&stored).unwrap() {
            replayed.evolve(&change);
        }
        let state = |board: &Board| {
            (board.entries.clone(), board.expiries.clone(), board.version, board.bytes)
        };
        prop_assert_eq!(state(&replayed), state(&board));
        let bytes: usize = board.entries.values().map(|entry| bytes_of(&entry.value)).sum();
        prop_assert_eq!(board.bytes, bytes);
    }
}
