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
