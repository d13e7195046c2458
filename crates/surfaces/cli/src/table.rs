//! Aligned columns that fit the width.

use crate::paint::Paint;
use crate::visible;

/// Rows of cells under a head.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// No column is cut below this.
const NARROWEST: usize = 6;

impl Table {
    /// Columns by their heads; a head that begins with `>` aligns its column to the right.
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.iter().map(|name| name.trim_start_matches('>')).collect(),
            right: head.iter().map(|name| name.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells are foreign text: only their first line is taken, made safe to show.
    pub(crate) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| visible::first_line(cell)).collect());
    }

    /// The whole table in at most `width` columns: the widest columns are cut first.
    pub(crate) fn render(&self, width: usize, paint: Paint) -> String {
        let widths = self.widths(width);
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        let mut text = paint.dim(&self.line(&head, &widths));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
            text.push('\n');
        }
        text
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|name| visible::width(name)).collect();
        for row in &self.rows {
            for (wide, cell) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(visible::width(cell));
            }
        }
        let gaps = GAP * widths.len().saturating_sub(1);
        let room = width.saturating_sub(gaps);
        while widths.iter().sum::<usize>() > room {
            // The last of the widest: that is where the long words are.
            let Some(widest) = widths.iter_mut().rev().max_by_key(|wide| **wide) else { break };
            if *widest <= NARROWEST {
                break;
            }
            *widest -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, wide), right) in cells.iter().zip(widths).zip(&self.right) {
            let cell = visible::fit(cell, *wide);
            let blanks = " ".repeat(wide - visible::width(&cell));
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            line.push_str(&if *right { blanks + &cell } else { cell + &blanks });
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_the_widest_is_cut() {
        let mut table = Table::new(&["NAME", ">SIZE", "WHY"]);
        table.row(&["a".into(), "12".into(), "short".into()]);
        table.row(&["日本".into(), "1,234".into(), "a long story\nwith\u{1b}[1m two lines".into()]);
        insta::assert_snapshot!(table.render(24, Paint { on: false }), @r"
        NAME   SIZE  WHY
        a        12  short
        日本  1,234  a long sto…
        ");
    }

    #[test]
    fn an_empty_first_cell_keeps_its_place() {
        let mut table = Table::new(&["A", "B"]);
        table.row(&[String::new(), "x".into()]);
        assert_eq!(table.render(20, Paint { on: false }), "A  B\n   x\n");
    }
}
