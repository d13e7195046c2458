//! Tenders as people read them.

use std::fmt::Write as _;

use bottega_api::{AgentEventView, ReputationView, TenderStanding, TenderView};
use bottega_types::{Money, Timestamp};
use serde_json::Value;

use crate::figures;
use crate::paint::Paint;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

const fn standing(state: TenderStanding) -> &'static str {
    match state {
        TenderStanding::Bidding => "bidding",
        TenderStanding::Working => "working",
        TenderStanding::Done => "done",
        TenderStanding::NoBids => "no bids",
        TenderStanding::Exhausted => "exhausted",
        TenderStanding::Cancelled => "cancelled",
    }
}

pub(super) fn opened(tender: &TenderView) -> String {
    format!("{}\n", visible::first_line(&tender.id))
}

/// Who was called.
pub(super) fn called(tender: &TenderView, paint: Paint) -> String {
    let called = figures::counted(tender.called.len() as u64, "agent", "agents");
    let names: Vec<String> = tender.called.iter().map(|name| visible::first_line(name)).collect();
    let id = visible::first_line(&tender.id);
    format!("{} {called} called: {}\n", paint.dim(&id), names.join(", "))
}

/// Events of a tender as they happened, a line each, and how often it was awarded so far. What only the market needs to
/// know is not told, nor whose bid was not taken.
pub(super) fn news(events: &[AgentEventView], awards: &mut u32, paint: Paint) -> String {
    let mut text = String::new();
    for AgentEventView { kind, data, .. } in events {
        let said = |of: &Value, key| {
            visible::first_line(of.get(key).and_then(Value::as_str).unwrap_or_default())
        };
        let of = |key| data.get(key).unwrap_or(&Value::Null);
        let _ = match kind.as_str() {
            "tender.bidden" => writeln!(text, "{} bids {}", said(data, "by"), offer(of("bid"))),
            "tender.awarded" => {
                *awards += 1;
                let again = if *awards > 1 { " anew" } else { "" };
                let pay = figures::dollars(dollars(of("pay")));
                writeln!(text, "awarded{again} to {} for {pay}", paint.bold(&said(data, "to")))
            }
            "tender.out" if said(data, "how") != "rejected" => {
                writeln!(text, "{}: {}", said(data, "agent"), paint.yellow(&said(data, "how")))
            }
            "tender.learned" => {
                let outcome = of("outcome");
                let kept = said(outcome.get("result").unwrap_or(&Value::Null), "kept");
                let by = said(outcome, "agent");
                match kept.as_str() {
                    "done" => writeln!(text, "{by} is {}", paint.green("done")),
                    other => writeln!(text, "{by}: {}", paint.yellow(other)),
                }
            }
            _ => Ok(()),
        };
    }
    text
}

/// Money as events hold it, in billionths of a dollar.
fn dollars(value: &Value) -> f64 {
    Money::from_nanos(value.as_u64().unwrap_or_default()).as_dollars()
}

/// A bid as events hold it.
fn offer(bid: &Value) -> String {
    let number = |key| bid.get(key).and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{} in {}, {}% sure",
        figures::dollars(dollars(bid.get("price").unwrap_or(&Value::Null))),
        figures::span(number("takes_ms")),
        number("confidence") / 10,
    )
}

/// What was brought, and nothing else: scripts read it.
pub(super) fn result(tender: &TenderView) -> String {
    let Some(result) = &tender.result else { return String::new() };
    let shown = visible::shown(result);
    if shown.ends_with('\n') { shown } else { shown + "\n" }
}

pub(super) fn list(tenders: &[TenderView], terminal: &Terminal) -> String {
    if tenders.is_empty() {
        return "nothing was put out to tender yet; `bottega tender open TASK --skill SKILL` does\n"
            .to_owned();
    }
    let mut table =
        Table::new(&["TENDER", "STATE", "SKILL", ">BIDS", ">AWARDS", "WINNER", ">PAY", "TASK"]);
    for tender in tenders {
        table.row(&[
            tender.id.clone(),
            standing(tender.state).to_owned(),
            tender.skill.clone(),
            tender.bids.len().to_string(),
            tender.awards.to_string(),
            tender.winner.clone().unwrap_or_default(),
            tender.pay_usd.map(figures::dollars).unwrap_or_default(),
            tender.task.clone(),
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}

pub(super) fn tender(tender: &TenderView, terminal: &Terminal) -> String {
    let paint = terminal.out_paint();
    let id = paint.bold(&visible::first_line(&tender.id));
    let state = standing(tender.state);
    let mut text = format!("{id} · {state} · {}\n", visible::first_line(&tender.skill));
    let _ = writeln!(text, "task: {}", visible::first_line(&tender.task));
    let budget = tender.budget_usd.map(|usd| format!(", at most {}", figures::dollars(usd)));
    let _ = writeln!(
        text,
        "by {}, rule: {}{}",
        visible::first_line(&tender.by),
        visible::first_line(&tender.rule),
        budget.unwrap_or_default()
    );
    let span = tender.ended_ms.map(|ended| ended.saturating_sub(tender.opened_ms));
    let opened = Timestamp::from_millis(tender.opened_ms);
    let took = span.map(|span| format!(", over after {}", figures::span(span)));
    let _ = writeln!(text, "opened {opened}{}", took.unwrap_or_default());
    if tender.bids.is_empty() {
        let called = figures::counted(tender.called.len() as u64, "agent was", "agents were");
        let _ = writeln!(text, "no bids; {called} called");
    } else {
        let mut table = Table::new(&["BIDDER", ">PRICE", ">TIME", ">SURE", "WHAT BECAME OF IT"]);
        for bid in &tender.bids {
            table.row(&[
                bid.by.clone(),
                figures::dollars(bid.price_usd),
                figures::span(bid.takes_ms),
                format!("{:.0}%", bid.confidence * 100.0),
                bid.fate.clone().unwrap_or_else(|| {
                    if tender.state.is_ended() { "not taken" } else { "waiting" }.to_owned()
                }),
            ]);
        }
        text.push_str(&table.render(terminal.out_columns(), paint));
    }
    if let (Some(winner), Some(pay)) = (&tender.winner, tender.pay_usd) {
        let awards = figures::counted(tender.awards.into(), "award", "awards");
        let pay = figures::dollars(pay);
        let _ = writeln!(text, "{}: {pay}, after {awards}", visible::first_line(winner));
    }
    if let Some(result) = &tender.result {
        let _ = writeln!(text, "{}", paint.dim("result:"));
        text.push_str(visible::shown(result).trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn reputation(known: &[ReputationView], terminal: &Terminal) -> String {
    if known.is_empty() {
        return "nobody was awarded anything yet\n".to_owned();
    }
    let mut table = Table::new(&[
        "AGENT",
        "SKILL",
        ">DONE",
        ">FAILED",
        ">SUCCESS",
        ">REAL PRICE",
        ">REAL TIME",
    ]);
    for row in known {
        table.row(&[
            row.agent.clone(),
            row.skill.clone(),
            row.done.to_string(),
            row.failed.to_string(),
            format!("{:.0}%", row.success * 100.0),
            format!("{:.2}×", row.price_ratio),
            format!("{:.2}×", row.time_ratio),
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}
