//! A server at one moment, as people read it.

use bottega_tui::{Look, Order, rows};

use crate::figures;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

/// Columns from which on there is room for what everybody is.
const ROOM_FOR_KINDS: usize = 100;

/// Where it is and what it takes, then everything that lives there. A pace would need two looks.
pub(super) fn table(look: &Look, terminal: &Terminal) -> String {
    let tree = &look.tree;
    let rows = rows(tree, None, Order::Birth);
    let agents = rows.iter().filter(|row| row.is_agent).count() as u64;
    let mut head = vec![
        visible::first_line(&look.place),
        format!("up {}", figures::span(tree.at_ms.saturating_sub(tree.begun_ms))),
        figures::counted(agents, "agent", "agents"),
    ];
    head.extend(tree.memory_bytes.map(figures::bytes));
    let columns = terminal.out_columns();
    // A narrow table keeps names whole rather than kinds.
    let kind = if columns < ROOM_FOR_KINDS { None } else { Some("KIND") };
    let more = if columns < ROOM_FOR_KINDS { &[][..] } else { &[">MEMORY", ">COST"][..] };
    let heads = ["NAME", "STATE", ">MAILBOX", ">HANDLED", ">RESTARTS"].into_iter();
    let heads: Vec<_> = heads.chain(more.iter().copied()).chain(kind).chain(["TROUBLE"]).collect();
    let mut table = Table::new(&heads);
    for row in rows {
        let mut cells = vec![
            format!("{}{}", row.stem, row.name),
            row.state_word().to_owned(),
            format!("{}/{}", row.waiting, row.capacity),
            figures::grouped(row.handled),
            figures::grouped(row.restarts.into()),
        ];
        if !more.is_empty() {
            cells.push(row.memory_bytes.map(figures::bytes).unwrap_or_default());
            cells.push(row.cost_usd.map(figures::dollars).unwrap_or_default());
        }
        cells.extend(kind.map(|_| row.kind));
        cells.push(row.trouble.unwrap_or_default());
        table.row(&cells);
    }
    format!("{}\n{}", head.join(" · "), table.render(columns, terminal.out_paint()))
}
