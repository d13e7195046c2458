//! A trace as people read it: a tree of steps, and where the time went.

use bottega_api::{TraceStepKind, TraceStepView, TraceView};

use crate::figures;
use crate::table::Table;
use crate::terminal::Terminal;

/// How wide the bar of the whole time is.
const BAR: usize = 16;

/// Columns from which on the times are drawn.
const ROOM_FOR_BARS: usize = 110;

/// What is told of a step beside its name.
struct Column {
    head: &'static str,
    /// It is shown from this width of the terminal on.
    from: usize,
    /// Nothing where there is nothing to tell.
    cell: fn(&TraceStepView) -> String,
}

/// In their order from left to right.
const COLUMNS: &[Column] = &[
    Column {
        head: ">TOOK",
        from: 0,
        cell: |step| step.took_ms.map(figures::span).unwrap_or_default(),
    },
    Column {
        head: ">TOKENS",
        from: 96,
        cell: |step| step.tokens.map(figures::grouped).unwrap_or_default(),
    },
    Column {
        head: ">COST",
        from: 72,
        cell: |step| {
            step.cost_usd.filter(|cost| *cost > 0.0).map(figures::dollars).unwrap_or_default()
        },
    },
    Column {
        head: "OUTCOME",
        from: 0,
        cell: |step| if step.outcome == "ok" { String::new() } else { step.outcome.clone() },
    },
];

/// The steps of a trace, each under the one that it lies within.
pub(super) fn trace(view: &TraceView, terminal: &Terminal) -> String {
    let Some(first) = view.steps.iter().map(|step| step.at_ms).min() else {
        return "nothing of this was stored; transient messages leave no trace\n".to_owned();
    };
    let columns = terminal.out_columns();
    // What says nothing here has no column, and where the time went is shown where names keep their room.
    let shown: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| columns >= column.from)
        .filter(|column| view.steps.iter().any(|step| !(column.cell)(step).is_empty()))
        .collect();
    let draws = columns >= ROOM_FOR_BARS;
    let bars = if draws { &["TIME"][..] } else { &[] };
    let heads = [">AT", "STEP"].iter().chain(bars).copied();
    let heads: Vec<_> = heads.chain(shown.iter().map(|column| column.head)).collect();
    let mut table = Table::new(&heads);
    for (index, step) in view.steps.iter().enumerate() {
        let at = step.at_ms.saturating_sub(first);
        let later = view.steps.get(index + 1..).unwrap_or_default();
        let name = format!("{}{}", guides(step.depth, later), label(step));
        let mut cells = vec![format!("+{}", figures::span(at)), name];
        cells.extend(draws.then(|| bar(at, step, view.took_ms)));
        cells.extend(shown.iter().map(|column| (column.cell)(step)));
        table.row(&cells);
    }
    let paint = terminal.out_paint();
    let mut text = table.render(columns, paint);
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
