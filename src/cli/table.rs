//! Tables on stdout, in columns as wide as they need.

use comfy_table::{CellAlignment, Table, presets};

use cairo_decode::escape;

use super::output;

/// Prints rows under a header. The first `names` columns are text and stand to the left, the others are numbers.
pub fn print(names: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for row in rows {
        let cells = row.iter().map(|cell| escape::line(cell).into_owned());
        table.add_row(cells.collect::<Vec<String>>());
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        output::line(line.trim_end());
    }
}
