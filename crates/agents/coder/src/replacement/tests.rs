use proptest::prelude::*;

use super::*;

/// The cases, as people read them; see the head of the file for its signs.
const SCENARIOS: &str = include_str!("scenarios.txt");

struct Scenario<'t> {
    name: &'t str,
    sections: Vec<(&'t str, String)>,
}

impl<'t> Scenario<'t> {
    fn all() -> Vec<Self> {
        SCENARIOS.split("\n=== ").skip(1).map(Self::parse).collect()
    }

    fn parse(text: &'t str) -> Self {
        let (name, rest) = text.split_once('\n').unwrap();
        let sections = format!("\n{rest}");
        let sections = sections
            .split("\n--- ")
            .skip(1)
            .map(|section| {
                let (title, body) = section.split_once('\n').unwrap_or((section, ""));
                let title = ["file", "old", "new", "result", "refused", "all"]
                    .into_iter()
                    .find(|known| *known == title)
                    .unwrap_or_else(|| panic!("{name}: unknown section {title}"));
                (title, body.to_owned())
            })
            .collect();
        Self { name, sections }
    }

    fn text(&self, title: &str) -> Option<String> {
        let (_, body) = self.sections.iter().find(|(there, _)| *there == title)?;
        let last = self.sections.last().is_some_and(|(there, _)| *there == title);
        // The blank line between two cases is no part of the last section.
        let body = if last { body.trim_end_matches('\n') } else { body.as_str() };
        let text = if body.is_empty() && !last { String::new() } else { format!("{body}\n") };
        Some(text.replace('→', "\t").replace("␍\n", "\r\n").replace('␠', " ").replace("␄\n", ""))
    }

    fn check(&self) {
        let of = |title| self.text(title).unwrap_or_else(|| panic!("{}: no {title}", self.name));
        let which = if self.text("all").is_some() { Which::All } else { Which::Only };
        let given = replace(&of("file"), &of("old"), &of("new"), which);
        match (given, self.text("refused")) {
            (Ok(replaced), None) => assert_eq!(replaced.text, of("result"), "{}", self.name),
            (Err(refusal), Some(words)) => {
                let refusal = refusal.to_string();
                for word in words.lines() {
                    assert!(refusal.contains(word), "{}: {word:?} is not in\n{refusal}", self.name);
                }
            }
            (given, _) => panic!("{}: {given:?}", self.name),
        }
    }
}

#[test]
fn every_scenario_ends_as_written() {
    let scenarios = Scenario::all();
    assert!(scenarios.len() >= 40, "{}", scenarios.len());
    scenarios.iter().for_each(Scenario::check);
}

#[test]
fn a_large_file_is_searched_in_bounded_work() {
    let text: String = (0..200_000).map(|n| format!("line number {n}\n")).collect();
    let refusal = replace(&text, "line numbers 77x", "z", Which::Only).unwrap_err();
    assert!(matches!(refusal, NotReplaced::Near { .. }), "{refusal}");
}

/// How a model may have copied some lines.
fn copied(lines: &[String], slip: u8) -> String {
    let of = |change: &dyn Fn(&str) -> String| {
        lines.iter().map(|line| change(line)).collect::<Vec<_>>().join("\n")
    };
    match slip {
        0 => of(&str::to_owned),
        1 => of(&|line| line.trim_start().to_owned()),
        2 => of(&|line| line.replace("    ", "\t")),
        3 => of(&|line| format!("{line}  ")),
        4 => of(&|line| format!("  {line}")),
        _ => of(&|line| format!("{line}\r")),
    }
}

proptest! {
    /// Whatever slip a copy has: outside of the lines that were meant nothing changes, and the line that was
    /// to change says what it should.
    #[test]
    fn nothing_but_the_meant_lines_changes(
        depths in proptest::collection::vec(0_usize..4, 3..12),
        start in 0_usize..9,
        length in 1_usize..5,
        slip in 0_u8..6,
        wide in any::<bool>(),
    ) {
        let lines: Vec<String> =
            depths.iter().enumerate().map(|(n, depth)| format!("{}word{n} = {n};", "    ".repeat(*depth))).collect();
        let start = start.min(lines.len() - 1);
        let end = (start + length).min(lines.len());
        let line_end = if wide { "\r\n" } else { "\n" };
        let file = lines.join(line_end) + line_end;
        let old = copied(&lines[start..end], slip);
        let new = old.replacen(&format!("= {start};"), "= changed;", 1);
        match replace(&file, &old, &new, Which::Only) {
            Ok(replaced) => {
                let mut expected = lines.clone();
                expected[start] = expected[start].replacen(&format!("= {start};"), "= changed;", 1);
                let after: Vec<String> = replaced.text.lines().map(|line| line.trim_end().to_owned()).collect();
                prop_assert_eq!(after, expected);
                prop_assert_eq!(replaced.text.matches("\r\n").count(), if wide { lines.len() } else { 0 });
            }
            Err(refusal) => prop_assert!(matches!(refusal, NotReplaced::Depth { .. }), "{}", refusal),
        }
    }

    /// No text, however odd, makes it fail otherwise than by a refusal.
    #[test]
    fn any_texts_are_replaced_or_refused(
        file in "[a-c \\t\r\n|0-9é]{0,60}",
        old in "[a-c \\t\r\n|0-9é]{0,20}",
        new in "[a-c \\t\r\n|0-9é]{0,20}",
    ) {
        let _ = replace(&file, &old, &new, Which::Only);
        let _ = replace(&file, &old, &new, Which::All);
    }
}
