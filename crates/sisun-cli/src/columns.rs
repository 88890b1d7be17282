//! Text in aligned columns.

use unicode_width::UnicodeWidthStr;

/// Space between columns.
const GAP: usize = 2;

/// Alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Format a number with three decimals; one that rounds to 0 has no minus sign.
pub(crate) fn three_decimals(value: f64) -> String {
    let text = format!("{value:.3}");
    match text.as_str() {
        "-0.000" => "0.000".to_owned(),
        _ => text,
    }
}

/// Format as [`three_decimals`] with a sign, but for a number that rounds to 0.
pub(crate) fn signed_decimals(value: f64) -> String {
    let text = format!("{value:+.3}");
    match text.as_str() {
        "-0.000" | "+0.000" => "0.000".to_owned(),
        _ => text,
    }
}

/// Return the rows with their columns aligned, a line each. Columns beyond `align` are aligned as
/// the last of it.
pub(crate) fn aligned(rows: &[Vec<String>], align: &[Align]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    let placed = |(column, cell): (usize, &String)| {
        let room = " ".repeat(widths[column] - cell.width());
        let align = align.get(column).or(align.last());
        match align {
            Some(Align::Right) => room + cell,
            _ => format!("{cell}{room}"),
        }
    };
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().enumerate().map(placed).collect();
        cells.join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Return how many columns after the first fit into `room`, at least one at a time: the first cell
/// of each row is repeated before each group.
pub(crate) fn groups(rows: &[Vec<String>], room: usize) -> Vec<std::ops::Range<usize>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let (mut found, mut start) = (Vec::new(), 1);
    while start < count {
        let (mut taken, mut end) = (width(0), start);
        while end < count && (end == start || taken + GAP + width(end) <= room) {
            taken += GAP + width(end);
            end += 1;
        }
        found.push(start..end);
        start = end;
    }
    found
}

/// Align rows in blocks, each with as many columns as fit into `room`; the first column is repeated.
pub(crate) fn in_blocks(rows: &[Vec<String>], room: usize, align: &[Align]) -> String {
    let blocks = groups(rows, room).into_iter().map(|columns| {
        let part = |row: &Vec<String>| {
            let name = row[..1].iter();
            name.chain(&row[columns.clone()]).cloned().collect()
        };
        aligned(&rows.iter().map(part).collect::<Vec<_>>(), align)
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::{Align, aligned, groups, signed_decimals, three_decimals};

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(three_decimals(-0.0004), "0.000");
        assert_eq!(three_decimals(-0.0006), "-0.001");
        assert_eq!(signed_decimals(0.0004), "0.000");
        assert_eq!(signed_decimals(-0.0), "0.000");
        assert_eq!(signed_decimals(0.25), "+0.250");
    }

    #[test]
    fn columns_line_up_in_every_script() {
        let rows =
            [["한국", "1.0"], ["ab", "-10"], ["x", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            aligned(&rows, &[Align::Left, Align::Right]),
            "한국  1.0\nab    -10\nx"
        );
        assert_eq!(groups(&rows, 4).first(), Some(&(1..2)));
    }

    #[test]
    fn columns_that_do_not_fit_come_later() {
        let rows = [vec!["ab".to_owned(); 6]];
        assert_eq!(groups(&rows, 10), [1..3, 3..5, 5..6]);
        assert_eq!(groups(&rows, 1), [1..2, 2..3, 3..4, 4..5, 5..6]);
    }
}
