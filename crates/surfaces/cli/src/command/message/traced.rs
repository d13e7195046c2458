//! A trace as people read it: a tree of steps, and where the time went.

use bottega_api::{TraceStepKind, TraceStepView, TraceView};

use crate::figures;
use crate::table::Table;
use crate::terminal::Terminal;

/// How wide the bar of the whole time is.
const BAR: usize = 16;

/// The steps of a trace, each under the one that it lies within.
pub(super) fn trace(view: &TraceView, terminal: &Terminal) -> String {
    let Some(first) = view.steps.iter().map(|step| step.at_ms).min() else {
        return "nothing of this was stored; transient messages leave no trace\n".to_owned();
    };
    let mut table = Table::new(&[">AT", "STEP", "TIME", ">TOOK", ">TOKENS", ">COST", "OUTCOME"]);
    for (index, step) in view.steps.iter().enumerate() {
        let at = step.at_ms.saturating_sub(first);
        let later = view.steps.get(index + 1..).unwrap_or_default();
        let outcome = if step.outcome == "ok" { String::new() } else { step.outcome.clone() };
        table.row(&[
            format!("+{}", figures::span(at)),
            format!("{}{}", guides(step.depth, later), label(step)),
            bar(at, step, view.took_ms),
            step.took_ms.map_or_else(String::new, figures::span),
            step.tokens.map_or_else(String::new, figures::grouped),
            step.cost_usd.filter(|cost| *cost > 0.0).map_or_else(String::new, figures::dollars),
            outcome,
        ]);
    }
    let paint = terminal.out_paint();
    let mut text = table.render(terminal.out_columns(), paint);
    let steps = figures::counted(view.steps.len() as u64, "step", "steps");
    let mut sum = vec![steps, figures::span(view.took_ms)];
    if view.tokens > 0 {
        sum.push(format!("{} tokens", figures::grouped(view.tokens)));
        sum.push(figures::dollars(view.cost_usd));
    }
    if view.cut {
        sum.push("there are more".to_owned());
    }
    let (one, many) = ("trace", "traces");
    let word = if view.traces.len() == 1 { one } else { many };
    let sum = format!("{} · {word} {}", sum.join(" · "), view.traces.join(", "));
    text.push_str(&format!("\n{}\n", paint.dim(&sum)));
    text
}

/// The lines that lead from a step to those within it. `later` is what comes after it.
fn guides(depth: usize, later: &[TraceStepView]) -> String {
    let mut guides = String::new();
    for level in 1..=depth {
        // Whether another step of this level comes before the tree goes back above it.
        let goes_on =
            later.iter().find(|step| step.depth <= level).is_some_and(|step| step.depth == level);
        guides.push_str(match (level == depth, goes_on) {
            (true, true) => "├ ",
            (true, false) => "└ ",
            (false, true) => "│ ",
            (false, false) => "  ",
        });
    }
    guides
}

fn label(step: &TraceStepView) -> String {
    let before = match step.kind {
        TraceStepKind::Message | TraceStepKind::Tender | TraceStepKind::Session => "",
        TraceStepKind::Model => "chat ",
        TraceStepKind::Tool => "tool ",
        TraceStepKind::Use => "uses ",
        TraceStepKind::Log => "says ",
    };
    format!("{before}{}", step.name)
}

/// When a step was, within the whole: blanks before it, `·` while a message waited, a bar while it went on.
fn bar(at: u64, step: &TraceStepView, whole: u64) -> String {
    let place = |ms: u64| {
        let share = (ms as u128 * BAR as u128).checked_div(whole.into()).unwrap_or(0);
        usize::try_from(share).unwrap_or(BAR).min(BAR)
    };
    let worked = at.saturating_add(step.waited_ms.unwrap_or(0));
    let over = worked.saturating_add(step.took_ms.unwrap_or(0));
    let (from, begun) = (place(at).min(BAR - 1), place(worked).min(BAR - 1));
    let to = place(over).max(begun + 1);
    // Not blanks: a cell is cut to what stands in it.
    let (blank, wait, bar) =
        ("\u{2007}".repeat(from), "·".repeat(begun - from), "▇".repeat(to - begun));
    format!("{blank}{wait}{bar}")
}
