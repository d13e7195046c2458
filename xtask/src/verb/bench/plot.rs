//! The plot: how much better than its peer each figure is, on a logarithmic scale, with the goals marked.

use std::fmt::Write as _;

use super::{Results, Row};

const LABELS: f64 = 560.0;
const SCALE: f64 = 420.0;
const LINE: f64 = 18.0;
const TOP: f64 = 56.0;
/// Powers of ten on either side of one.
const DECADES: f64 = 3.0;

/// What one line of the plot shows.
#[derive(Debug, PartialEq)]
struct Bar {
    label: String,
    /// Above one is better than the peer.
    times: f64,
    /// What `times` would be if the goal were just met.
    goal: Option<f64>,
    met: Option<bool>,
}

/// Of times and sizes the smaller is the better.
fn smaller_is_better(unit: &str) -> bool {
    ["s", "ms", "µs", "ns", "bytes", "KB", "MiB"].contains(&unit)
}

fn bar(row: &Row) -> Option<Bar> {
    let (peer, theirs, ratio) = (row.peer.as_ref()?, row.peer_value?, row.ratio?);
    let better = |ratio: f64| if smaller_is_better(&row.unit) { 1.0 / ratio } else { ratio };
    // `ratio >= 0.7`, `>= 3000000`, `value <= 10`; what says something else has no place on the scale.
    let goal = row.goal.as_ref().and_then(|goal| {
        let (what, number) = goal.split_once(">= ").or_else(|| goal.split_once("<= "))?;
        let number: f64 = number.parse().ok()?;
        match what.trim() {
            "ratio" => Some(better(number)),
            "" | "value" => Some(better(number / theirs)),
            _ => None,
        }
    });
    let label = format!("{} | {peer}", row.metric);
    Some(Bar { label, times: better(ratio), goal, met: row.met })
}

fn place(times: f64) -> f64 {
    let decades = times.log10().clamp(-DECADES, DECADES);
    LABELS + SCALE * (decades + DECADES) / (2.0 * DECADES)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The plot as SVG; readable on light and on dark.
pub(super) fn svg(all: &[Results]) -> String {
    let bars: Vec<(&str, Vec<Bar>)> = all
        .iter()
        .map(|results| (results.name.as_str(), results.rows.iter().filter_map(bar).collect()))
        .filter(|(_, bars): &(_, Vec<_>)| !bars.is_empty())
        .collect();
    let lines: usize = bars.iter().map(|(_, bars)| bars.len() + 1).sum();
    let (width, bottom) = (LABELS + SCALE + 80.0, TOP + LINE * lines as f64);
    let height = bottom + 12.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>\n\
         text {{ font: 12px sans-serif; fill: #1f2328 }} .paper {{ fill: #ffffff }} .grid {{ stroke: #d1d9e0 }}\n\
         .one {{ stroke: #59636e; stroke-width: 2 }} .goal {{ stroke: #9a6700; stroke-width: 3 }}\n\
         .met {{ fill: #2da44e }} .missed {{ fill: #cf222e }} .free {{ fill: #5b8def }} .head {{ font-weight: bold }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .paper {{ fill: #0d1117 }}\n\
         .grid {{ stroke: #30363d }} .one {{ stroke: #9198a1 }} .goal {{ stroke: #e3b341 }} }}\n\
         </style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"head\" x=\"8\" y=\"18\">Times better than the peer (right of 1), logarithmic</text>\n\
         <text x=\"8\" y=\"36\">green: goal met; red: goal missed; blue: no goal; upright stroke: the goal</text>\n"
    );
    // Writing to a string can't fail.
    for decade in -3..=3 {
        let (at, name) = (place(10_f64.powi(decade)), 10_f64.powi(decade));
        let class = if decade == 0 { "one" } else { "grid" };
        let _ = writeln!(
            text,
            "<line class=\"{class}\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            TOP - 5.0
        );
    }
    let mut y = TOP;
    for (name, bars) in &bars {
        let _ = writeln!(text, "<text class=\"head\" x=\"8\" y=\"{:.1}\">{name}</text>", y + 14.0);
        y += LINE;
        for Bar { label, times, goal, met } in bars {
            let class = met.map_or("free", |met| if met { "met" } else { "missed" });
            let (one, end) = (place(1.0), place(*times));
            let (left, long) = (one.min(end), (one - end).abs().max(1.0));
            let _ = writeln!(
                text,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{long:.1}\" height=\"11\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LABELS - 10.0,
                y + 13.0,
                escaped(label),
                y + 3.5,
                LABELS + SCALE + 12.0,
                y + 13.0,
                super::figure(*times)
            );
            if let Some(goal) = goal.map(place) {
                let (from, to) = (y + 1.5, y + LINE - 1.5);
                let _ = writeln!(
                    text,
                    "<line class=\"goal\" x1=\"{goal:.1}\" x2=\"{goal:.1}\" y1=\"{from:.1}\" y2=\"{to:.1}\"/>"
                );
            }
            y += LINE;
        }
    }
    text.push_str("</svg>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: &str, ours: f64, goal: &str, expected: (f64, Option<f64>)) {
        let row = Row {
            metric: "m".to_owned(),
            unit: unit.to_owned(),
            value: ours,
            peer: Some("p".to_owned()),
            peer_value: Some(10.0),
            ratio: Some(ours / 10.0),
            goal: Some(goal.to_owned()),
            met: Some(true),
        };
        let bar = bar(&row).unwrap();
        assert_eq!((bar.times, bar.goal), expected);
    }

    #[test]
    fn right_of_one_is_better_and_a_goal_stands_where_it_is_just_met() {
        check("1/s", 20.0, "ratio >= 0.5", (2.0, Some(0.5)));
        check("1/s", 20.0, ">= 40", (2.0, Some(4.0)));
        check("µs", 5.0, "ratio <= 0.25", (2.0, Some(4.0)));
        check("µs", 5.0, "value <= 20", (2.0, Some(0.5)));
        check("µs", 5.0, "value - peer_value <= 1", (2.0, None));
    }

    #[test]
    fn a_peer_that_is_absent_has_no_bar() {
        let row = serde_json::from_str::<Row>(
            r#"{"metric":"m","unit":"s","value":1.0,"peer":"P: peer absent","peer_value":null,"ratio":null,"goal":null,"met":null}"#,
        );
        assert_eq!(bar(&row.unwrap()), None);
    }
}
