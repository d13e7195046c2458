//! Drawing the view: head, rows, the selected row in words, keys.

use std::collections::VecDeque;

use bottega_api::ActorState;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};

use crate::columns::{self, Column, GAP, Side};
use crate::rows::{Row, state_word};
use crate::view::View;
use crate::{figures, visible};

/// The screen's lines that rows get before any else does.
const FEWEST: u16 = 3;
/// Steps of a curve of one line, from nearly nothing to the most.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Whether a screen has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// It has.
    Coloured,
    /// Only light and dark, plain and reversed.
    Plain,
}

impl Ink {
    /// A style as this ink can draw it.
    const fn of(self, mut style: Style) -> Style {
        if let Self::Plain = self {
            style.fg = None;
            style.bg = None;
        }
        style
    }
}

impl View {
    /// Draws it onto the whole screen.
    pub fn draw(&mut self, frame: &mut Frame<'_>, ink: Ink) {
        let area = frame.area();
        // A low screen keeps its rows, and what tells them apart; then the news, the keys, the rest.
        let spare = area.height.saturating_sub(FEWEST);
        let has = |from: u16| u16::from(spare >= from);
        let (heads, title, foot, detail) = (has(0), has(1) + has(3), has(2), has(4));
        let rows = area.height.saturating_sub(heads + title + foot + detail);
        self.fit(rows.into());
        let width = usize::from(area.width);
        let mut lines = Vec::new();
        match title {
            0 => {}
            1 => lines.push(self.news(width, ink)),
            _ => lines.extend([self.title(width), self.news(width, ink)]),
        }
        let (columns, name) = columns::fitting(width);
        if heads > 0 {
            lines.push(head(&columns, name));
        }
        let shown = self.rows.iter().enumerate().skip(self.top).take(rows.into());
        lines.extend(shown.map(|(index, row)| {
            let line = line(row, &columns, name, ink);
            match (index == self.selected, &self.gone) {
                (true, _) => reversed(&line, width),
                (false, Some(_)) => line.style(Modifier::DIM),
                (false, None) => line,
            }
        }));
        if self.rows.is_empty() && rows > 0 {
            let words = "nobody lives there yet; `bottega agent deploy FOLDER` lets one in";
            lines.push(Line::raw(visible::fit(words, width)));
        }
        for (y, line) in (area.y..).zip(lines) {
            frame.render_widget(line, Rect { y, height: 1, ..area });
        }
        let mut bottom = area.bottom();
        if foot > 0 {
            bottom -= 1;
            frame.render_widget(self.foot(width), Rect { y: bottom, height: 1, ..area });
        }
        if let Some(row) = self.rows.get(self.selected).filter(|_| detail > 0) {
            let place = Rect { y: bottom - 1, height: 1, ..area };
            frame.render_widget(in_words(row, width, ink), place);
        }
    }

    /// Which server, and for how long it has been up.
    fn title(&self, width: usize) -> Line<'static> {
        let tree = &self.look.tree;
        let up = columns::up(tree.at_ms.saturating_sub(tree.begun_ms));
        let version = visible::first_line(&tree.version);
        let place = visible::first_line(&self.look.place);
        let left = vec!["bottega top".bold(), Span::raw(format!("  {place}"))];
        both(left, vec![Span::raw(format!("{version} · up {up}"))], width)
    }

    /// How it is in figures; or that it can't be seen.
    fn news(&self, width: usize, ink: Ink) -> Line<'static> {
        if let Some((error, times)) = &self.gone {
            let why = visible::first_line(&error.message);
            let tried = match times {
                1 => String::new(),
                times => format!(" ({times} times)"),
            };
            let words = visible::fit(&format!("{why}; trying again{tried}"), width);
            let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
            return Line::styled(words, ink.of(style));
        }
        let count = |is: &dyn Fn(&&Row) -> bool| self.rows.iter().filter(is).count() as u64;
        let is_absent = |row: &Row| matches!(row.state, ActorState::Stopped | ActorState::Failed);
        let living = count(&|row| row.is_agent && !is_absent(row));
        let mut parts = vec![Span::raw(figures::counted(living, "agent", "agents"))];
        if let Some(pace) = self.pace() {
            parts.push(Span::raw(format!("{} msg/s", columns::pace(pace))));
        }
        if let Some(bytes) = self.look.tree.memory_bytes {
            parts.push(Span::raw(figures::bytes(bytes)));
        }
        for (state, colour) in
            [(ActorState::Failed, Color::Red), (ActorState::Stopped, Color::Reset)]
        {
            let number = count(&|row| row.is_agent && row.state == state);
            if number > 0 {
                let words = format!("{} {}", figures::grouped(number), state_word(state));
                parts.push(Span::styled(words, ink.of(Style::new().fg(colour))));
            }
        }
        let (mut left, mut used) = (Vec::new(), 0);
        for part in parts {
            let between = if left.is_empty() { "" } else { " · " };
            used += visible::width(between) + part.width();
            // Half a figure is another one.
            if used > width && !left.is_empty() {
                break;
            }
            left.extend([Span::raw(between), part]);
        }
        let room = width.saturating_sub(used + GAP);
        let curve = Span::styled(curve(&self.paces, room), ink.of(Style::new().fg(Color::Cyan)));
        both(left, vec![curve], width)
    }

    /// What the keys do, and which part of the rows is on the screen.
    fn foot(&self, width: usize) -> Line<'static> {
        let mut left = Vec::new();
        for (key, does) in [("q", "quit"), ("↑↓", "scroll"), ("s", "sort: ")] {
            left.push(key.bold());
            let order = if key == "s" { self.order.word() } else { "" };
            left.push(Span::raw(format!(" {does}{order}  ")));
        }
        let (all, page) = (self.rows.len(), self.page);
        let part = match all > page {
            true => format!("{}–{} of {all}", self.top + 1, (self.top + page).min(all)),
            false => String::new(),
        };
        both(left, vec![Span::raw(part)], width)
    }
}

/// The heads of the columns.
fn head(columns: &[&Column], name: usize) -> Line<'static> {
    let mut words = padded("NAME", name, Side::Left);
    for column in columns {
        words.push_str(&" ".repeat(GAP));
        words.push_str(&padded(column.head, column.width, column.side));
    }
    Line::styled(words, Modifier::BOLD | Modifier::UNDERLINED)
}

/// One row in its columns.
fn line(row: &Row, columns: &[&Column], name: usize, ink: Ink) -> Line<'static> {
    let style = if row.is_agent { Style::new() } else { Style::new().add_modifier(Modifier::DIM) };
    let stem = visible::fit(&row.stem, name);
    let room = name - visible::width(&stem);
    let mut spans = vec![stem.dim(), Span::styled(padded(&row.name, room, Side::Left), style)];
    for column in columns {
        spans.push(Span::raw(" ".repeat(GAP)));
        let cell = padded(&(column.cell)(row), column.width, column.side);
        spans.push(Span::styled(cell, style.patch(ink.of((column.style)(row)))));
    }
    Line::from(spans)
}

/// A line in one piece, light on dark where others are dark on light.
fn reversed(line: &Line<'_>, width: usize) -> Line<'static> {
    let words: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    Line::styled(padded(&words, width, Side::Left), Modifier::REVERSED)
}

/// What the columns have no room for.
fn in_words(row: &Row, width: usize, ink: Ink) -> Line<'static> {
    let mut words = format!("{} · {}", row.name, row.kind);
    if let Some(under_way) = row.under_way.filter(|number| *number > 0) {
        let number = figures::grouped(under_way as u64);
        words.push_str(&format!(" · {number} durable under way"));
    }
    if let Some(bytes) = row.memory_bytes {
        words.push_str(&format!(" · {}", figures::bytes(bytes)));
    }
    if let Some(cost) = row.cost_usd {
        words.push_str(&format!(" · {}", figures::dollars(cost)));
    }
    let words = visible::fit(&words, width);
    let room = width.saturating_sub(visible::width(&words));
    let mut spans = vec![words.dim()];
    if let Some(trouble) = &row.trouble {
        let trouble = visible::fit(&format!(" · crashed last: {trouble}"), room);
        spans.push(Span::styled(trouble, ink.of(Style::new().fg(Color::Yellow))));
    }
    Line::from(spans)
}

/// Two ends of a line. The right one goes where there is no room for both; the left one is cut.
fn both(left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let wide = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    let mut spans = left;
    let gap = width.saturating_sub(wide(&spans) + wide(&right));
    if gap >= GAP {
        spans.push(Span::raw(" ".repeat(gap)));
        spans.extend(right);
    }
    let mut room = width;
    for span in &mut spans {
        span.content = visible::fit(&span.content, room).into();
        room -= span.width();
    }
    Line::from(spans)
}

/// The latest of `paces`, the highest of which is a whole block, in at most `room` columns.
fn curve(paces: &VecDeque<f64>, room: usize) -> String {
    let latest = paces.iter().skip(paces.len().saturating_sub(room));
    let most = latest.clone().copied().fold(0.0, f64::max);
    let step = |pace: &f64| {
        let share = if most > 0.0 { pace / most } else { 0.0 };
        STEPS[((share * 7.0).round() as usize).min(STEPS.len() - 1)]
    };
    latest.map(step).collect()
}

fn padded(text: &str, width: usize, side: Side) -> String {
    let text = visible::fit(text, width);
    let blanks = " ".repeat(width - visible::width(&text));
    match side {
        Side::Left => text + &blanks,
        Side::Right => blanks + &text,
    }
}
