//! The report as GitHub Markdown, with links to the figures.

use super::document::{Block, Cell, Table};
use super::text::{markdown, printable};
use crate::claims::{Standing, Verdict};

/// Return the whole file.
pub(super) fn file(title: &str, blocks: &[Block]) -> String {
    format!("# {}\n\n{}", markdown(title), body(blocks))
}

fn body(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect()
}

fn block(block: &Block) -> String {
    match block {
        Block::Section(title) => format!("## {}\n\n", markdown(title)),
        Block::Part(title) => format!("### {}\n\n", markdown(title)),
        Block::Text(text) => format!("{}\n\n", markdown(text)),
        Block::Banner(text) => format!("> **{}**\n\n", markdown(text)),
        Block::List(points) => {
            points
                .iter()
                .map(|point| format!("- {}\n", markdown(point)))
                .collect::<String>()
                + "\n"
        }
        Block::Terms(terms) => {
            let term = |(word, text): &(&str, String)| {
                format!("- **{}**. {}\n", markdown(word), markdown(text))
            };
            terms.iter().map(term).collect::<String>() + "\n"
        }
        Block::Tiles(tiles) => {
            let told = tiles.iter().map(|(n, what)| format!("**{n}** {what}"));
            format!("{}\n\n", told.collect::<Vec<_>>().join(" · "))
        }
        Block::Table(table) => self::table(table),
        Block::Figure(figure) => {
            let (title, stem) = (markdown(&figure.title), &figure.stem);
            format!(
                "![{title}](figures/{stem}.svg)\n\n{}\n\n",
                markdown(&figure.caption)
            )
        }
        Block::Verdicts(verdicts) => self::verdicts(verdicts),
        Block::Sample { variant, text } => {
            let text = printable(text);
            // A fence must be longer than any run of backticks inside.
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            format!(
                "**{}**\n\n{fence}text\n{text}\n{fence}\n\n",
                inside(variant)
            )
        }
        Block::Fold { title, blocks } => {
            format!(
                "<details><summary>{}</summary>\n\n{}</details>\n\n",
                markdown(title),
                body(blocks)
            )
        }
    }
}

fn table(table: &Table) -> String {
    let is_number = |column: usize| {
        table
            .rows
            .iter()
            .any(|row| matches!(row.cells.get(column), Some(Cell::Number(_))))
    };
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = line(table.head.iter().map(|text| markdown(text)).collect());
    let rule = (0..table.head.len())
        .map(|i| if is_number(i) { "---:" } else { "---" }.to_owned())
        .collect();
    let rows = table.rows.iter().map(|row| {
        // Highlight the subject of the row, not each of its numbers.
        let told = row
            .cells
            .iter()
            .enumerate()
            .map(|(i, cell)| match inside(cell) {
                text if row.strong
                    && !text.is_empty()
                    && (i == 0 || !matches!(cell, Cell::Number(_))) =>
                {
                    format!("**{text}**")
                }
                text => text,
            });
        line(told.collect())
    });
    format!("{head}{}{}\n", line(rule), rows.collect::<String>())
}

fn inside(cell: &Cell) -> String {
    match cell {
        Cell::Variant(_, text) | Cell::Words(text) | Cell::Number(text) => markdown(text),
    }
}

fn verdicts(verdicts: &[Verdict]) -> String {
    let row = |verdict: &Verdict| {
        let standing = match verdict.standing {
            Standing::Agrees => "**agrees**",
            Standing::Disagrees => "**disagrees**",
            Standing::CannotTell => "cannot tell",
        };
        let track = verdict
            .track
            .as_ref()
            .map_or_else(String::new, |track| format!(" (on {})", markdown(track)));
        format!(
            "| {standing} | {} | {} ({}) | {}{track} |\n",
            markdown(verdict.claim.statement),
            markdown(verdict.claim.published),
            markdown(verdict.claim.source),
            markdown(&verdict.found),
        )
    };
    let rows: String = verdicts.iter().map(row).collect();
    format!("| here | claim | published | found here |\n| --- | --- | --- | --- |\n{rows}\n")
}
