//! The columns of the view, and which of them there is room for.

use bottega_api::ActorState;
use ratatui::style::{Color, Modifier, Style};

use crate::figures;
use crate::rows::Row;

/// One column beside the name, which takes what the others leave.
pub(crate) struct Column {
    pub(crate) head: &'static str,
    pub(crate) width: usize,
    pub(crate) side: Side,
    /// It is shown from this width of the screen on.
    from: usize,
    pub(crate) cell: fn(&Row) -> String,
    pub(crate) style: fn(&Row) -> Style,
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Blanks between two columns.
pub(crate) const GAP: usize = 2;

/// What is nothing stands back.
const NOTHING: Style = Style::new().add_modifier(Modifier::DIM);

/// Every column, in its order from left to right.
const COLUMNS: &[Column] = &[
    Column {
        head: "STATE",
        width: 8,
        side: Side::Left,
        from: 24,
        cell: |row| row.state_word().to_owned(),
        style: |row| colour(row.state),
    },
    Column {
        head: "MSG/S",
        width: 7,
        side: Side::Right,
        from: 34,
        cell: |row| row.pace.map(pace).unwrap_or_default(),
        style: |row| match row.pace {
            Some(pace) if pace > 0.0 => Style::new().fg(Color::Cyan),
            Some(_) | None => NOTHING,
        },
    },
    Column {
        head: "MAILBOX",
        width: 8,
        side: Side::Right,
        from: 46,
        cell: mailbox,
        style: |row| match row.waiting {
            0 => NOTHING,
            waiting if waiting >= row.capacity => Style::new().fg(Color::Red),
            waiting if waiting * 2 >= row.capacity => Style::new().fg(Color::Yellow),
            _ => Style::new().fg(Color::Cyan),
        },
    },
    Column {
        head: "DURABLE",
        width: 7,
        side: Side::Right,
        from: 118,
        cell: |row| row.under_way.map(|number| grouped(number as u64)).unwrap_or_default(),
        style: |_| Style::new(),
    },
    Column {
        head: "HANDLED",
        width: 9,
        side: Side::Right,
        from: 90,
        cell: |row| grouped(row.handled),
        style: |_| Style::new(),
    },
    Column {
        head: "RESTARTS",
        width: 8,
        side: Side::Right,
        from: 58,
        cell: |row| grouped(row.restarts.into()),
        style: |row| match row.restarts {
            0 => NOTHING,
            _ => Style::new().fg(Color::Yellow),
        },
    },
    Column {
        head: "MEMORY",
        width: 9,
        side: Side::Right,
        from: 64,
        cell: |row| row.memory_bytes.map(figures::bytes).unwrap_or_default(),
        style: |_| Style::new(),
    },
    Column {
        head: "COST",
        width: 9,
        side: Side::Right,
        from: 76,
        cell: |row| row.cost_usd.map(figures::dollars).unwrap_or_default(),
        style: |_| Style::new(),
    },
    Column {
        head: "UP",
        width: 6,
        side: Side::Right,
        from: 98,
        cell: |row| row.up_ms.map(up).unwrap_or_default(),
        style: |_| Style::new(),
    },
    Column {
        head: "KIND",
        width: 22,
        side: Side::Left,
        from: 144,
        cell: |row| row.kind.clone(),
        style: |_| Style::new(),
    },
];

/// The columns that a screen of this width has room for, and what they leave for the name.
pub(crate) fn fitting(width: usize) -> (Vec<&'static Column>, usize) {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| width >= column.from).collect();
    let taken: usize = columns.iter().map(|column| column.width + GAP).sum();
    (columns, width.saturating_sub(taken))
}

const fn colour(state: ActorState) -> Style {
    Style::new().fg(match state {
        ActorState::Starting => Color::Cyan,
        ActorState::Running => Color::Green,
        ActorState::Stopping | ActorState::Resting => Color::Yellow,
        ActorState::Stopped => Color::DarkGray,
        ActorState::Failed => Color::Red,
    })
}

/// What waits, and how much could: `3/256`.
fn mailbox(row: &Row) -> String {
    let whole = format!("{}/{}", row.waiting, row.capacity);
    if whole.len() <= 8 { whole } else { grouped(row.waiting as u64) }
}

/// Messages a second: `0`, `0.4`, `1,204`.
pub(crate) fn pace(pace: f64) -> String {
    match pace {
        pace if pace <= 0.0 => "0".to_owned(),
        pace if pace < 9.95 => format!("{:.1}", pace.max(0.1)),
        pace => grouped(pace.round() as u64),
    }
}

/// A number in seven columns: `1,204`, and from ten millions on `12.3M`.
fn grouped(number: u64) -> String {
    match number {
        0..10_000_000 => figures::grouped(number),
        10_000_000..10_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

/// A span in six columns: `41s`, `5m02s`, `2h03m`, `3d04h`.
pub(crate) fn up(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [0.0, 0.01, 0.44, 9.94, 9.96, 1_204.4].map(pace),
            ["0", "0.1", "0.4", "9.9", "10", "1,204"]
        );
        assert_eq!(
            [999, 41_000, 302_000, 7_400_000, 275_000_000].map(up),
            ["0s", "41s", "5m02s", "2h03m", "3d04h"]
        );
        assert_eq!(grouped(9_999_999), "9,999,999");
        assert_eq!(grouped(12_345_678), "12.3M");
        assert_eq!(grouped(123_456_789_012), "123.5G");
    }

    #[test]
    fn the_name_has_room_on_every_screen() {
        for width in 0..200 {
            let (columns, name) = fitting(width);
            assert!(columns.is_empty() || name >= 12, "{name} of {width}");
            let taken: usize = columns.iter().map(|column| column.width + GAP).sum();
            assert_eq!(taken + name, width);
        }
        assert_eq!(fitting(80).1, 19);
    }
}
