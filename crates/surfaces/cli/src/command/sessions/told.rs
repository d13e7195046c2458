//! Sessions as people read them.

use bottega_api::{
    ChangeView, Ending, SessionDetail, SessionState, SessionSummary, TranscriptEntry, UndoView,
};
use bottega_types::Timestamp;

use crate::figures;
use crate::paint::Paint;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

/// Lines of one entry, unless all are wanted.
const LINES: usize = 12;

pub(super) fn list(sessions: &[SessionSummary], all: bool, terminal: &Terminal) -> String {
    if sessions.is_empty() {
        return match all {
            true => "no sessions yet\n".to_owned(),
            false => "no sessions of this folder yet; `--all` shows those of others\n".to_owned(),
        };
    }
    let mut head = vec!["SESSION", "STATE", "WHEN", "MODEL", ">COST", "TASK"];
    if all {
        head.insert(3, "FOLDER");
    }
    let mut table = Table::new(&head);
    for session in sessions {
        let mut row = vec![
            figures::short(&session.id).to_owned(),
            state(session).to_owned(),
            figures::ago(terminal.now(), Timestamp::from_millis(session.updated_ms)),
            session.model.clone(),
            figures::cost(session.totals.cost_usd, session.totals.known_cost_usd),
            session.title.clone(),
        ];
        if all {
            row.insert(3, session.workspace.clone());
        }
        table.row(&row);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}

const fn state(session: &SessionSummary) -> &'static str {
    match (session.state, session.ending) {
        (SessionState::Idle, _) => "idle",
        (SessionState::Open, _) => "open",
        (SessionState::Done, _) => "done",
        (SessionState::Failed, Some(Ending::Limit)) => "limit",
        (SessionState::Failed, Some(Ending::Refused)) => "refused",
        (SessionState::Failed, Some(Ending::Provider)) => "provider",
        (SessionState::Failed, Some(Ending::Interrupted)) => "interrupted",
        (SessionState::Failed, Some(Ending::Done | Ending::Failed) | None) => "failed",
    }
}

pub(super) fn detail(detail: &SessionDetail, full: bool, terminal: &Terminal) -> String {
    let paint = terminal.out_paint();
    let summary = &detail.summary;
    let when = figures::ago(terminal.now(), Timestamp::from_millis(summary.updated_ms));
    let mut text = format!("{} · {} · {when}\n", paint.bold(&summary.id), state(summary));
    text.push_str(&format!(
        "{} with {} in {}\n",
        visible::first_line(&summary.agent),
        visible::first_line(&summary.model),
        visible::first_line(&summary.workspace)
    ));
    text.push_str(&format!("{}\n", figures::totals(&summary.totals)));
    // An interruption has no other reason than itself.
    if let Some(why) = detail.why.as_ref().filter(|why| *why != state(summary)) {
        text.push_str(&format!("{} {}\n", paint.yellow("why it ended:"), visible::shown(why)));
    }
    text.push('\n');
    for happened in &detail.transcript {
        text.push_str(&entry(happened, full, terminal.out_columns(), paint));
    }
    if !detail.changes.is_empty() {
        let files = figures::counted(detail.changes.len() as u64, "file", "files");
        text.push_str(&format!("\n{}\n", paint.bold(&format!("Changed: {files}"))));
    }
    for changed in &detail.changes {
        text.push_str(&change(changed, paint));
    }
    if !detail.answer.is_empty() {
        let answer = visible::shown(&detail.answer);
        text.push_str(&format!("\n{}\n{}\n", paint.bold("Answer"), answer.trim_end()));
    }
    text
}

fn entry(happened: &TranscriptEntry, full: bool, columns: usize, paint: Paint) -> String {
    let at = figures::clock_time(Timestamp::from_millis(happened.at_ms));
    // What the title says at its end, and the body again, is told once, and whole.
    let body = happened.body.trim_end();
    let title = match happened.title.strip_suffix(body) {
        Some(rest) if !body.is_empty() && !rest.is_empty() => rest.trim_end_matches([':', ' ']),
        Some(_) | None => &happened.title,
    };
    let title = visible::first_line(title);
    let head = format!("{:>4}  {at}  ", happened.revision);
    let room = columns.saturating_sub(visible::width(&head));
    let title = if full { title } else { visible::fit(&title, room) };
    let mut text = format!("{}{title}\n", paint.dim(&head));
    let body = visible::shown(body);
    let lines: Vec<&str> = body.lines().collect();
    let shown = if full { lines.len() } else { LINES.min(lines.len()) };
    for line in &lines[..shown] {
        let line = line.replace('\t', "    ");
        let line = if full { line } else { visible::fit(&line, columns.saturating_sub(6)) };
        text.push_str(format!("      {}", paint.dim(&line)).trim_end());
        text.push('\n');
    }
    if lines.len() > shown {
        let over = figures::counted((lines.len() - shown) as u64, "more line", "more lines");
        text.push_str(&format!("      {}\n", paint.dim(&format!("… {over}; `--full` shows all"))));
    }
    text
}

fn change(changed: &ChangeView, paint: Paint) -> String {
    match &changed.diff {
        Some(diff) => {
            let diff = visible::shown(diff.trim_end());
            diff.lines().map(|line| format!("{}\n", paint.diff_line(line))).collect()
        }
        None => format!(
            "{}: no text, or its earlier version was forgotten\n",
            visible::first_line(&changed.path)
        ),
    }
}

pub(in crate::command) fn undone(undone: &UndoView, paint: Paint) -> String {
    let mut text = String::new();
    for path in &undone.restored {
        text.push_str(&format!("{} restored {}\n", paint.green("✓"), visible::first_line(path)));
    }
    for path in &undone.removed {
        let path = visible::first_line(path);
        text.push_str(&format!("{} deleted {path}: there was none before\n", paint.green("✓")));
    }
    for path in &undone.left_alone {
        let path = visible::first_line(path);
        text.push_str(&format!("{} left alone {path}: it was changed since\n", paint.yellow("!")));
    }
    for path in &undone.forgotten {
        let path = visible::first_line(path);
        let why = "its earlier version is not kept any more";
        text.push_str(&format!("{} left alone {path}: {why}\n", paint.yellow("!")));
    }
    for what in &undone.unkept {
        let what = visible::first_line(what);
        text.push_str(&format!("{} not kept, so not taken back: {what}\n", paint.yellow("!")));
    }
    if text.is_empty() {
        text.push_str("nothing to take back\n");
    }
    text
}
