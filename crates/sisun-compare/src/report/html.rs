//! The report as one page that needs no network.

use super::document::{Block, Cell, Row, Table};
use super::figure::Figure;
use super::text::{html, thousands};
use crate::claims::{Standing, Verdict};
use sisun_viz::chart;

const STYLE: &str = include_str!("style.css");

/// Return the page.
pub(super) fn page(title: &str, blocks: &[Block]) -> String {
    let title = html(title);
    let body: String = contents(blocks) + &body(blocks);
    let keys = chart::key_style();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{keys}</style>\n</head>\n<body>\n<main>\n\
         <h1 dir=\"auto\">{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Return links to the sections. Their anchors are numbers, because names may contain any
/// characters.
fn contents(blocks: &[Block]) -> String {
    let links = sections(blocks).map(|(i, title)| format!("<a href=\"#s{i}\">{}</a>", html(title)));
    format!("<nav>{}</nav>\n", links.collect::<Vec<_>>().join("\n"))
}

fn sections(blocks: &[Block]) -> impl Iterator<Item = (usize, &String)> {
    blocks
        .iter()
        .enumerate()
        .filter_map(|(i, block)| match block {
            Block::Section(title) => Some((i, title)),
            _ => None,
        })
}

fn body(blocks: &[Block]) -> String {
    blocks
        .iter()
        .enumerate()
        .map(|(i, block)| self::block(i, block))
        .collect()
}

fn block(i: usize, block: &Block) -> String {
    match block {
        Block::Section(title) => format!("<h2 id=\"s{i}\" dir=\"auto\">{}</h2>\n", html(title)),
        Block::Part(title) => format!("<h3>{}</h3>\n", html(title)),
        Block::Text(text) => format!("<p>{}</p>\n", html(text)),
        Block::Banner(text) => format!("<p class=\"banner\">{}</p>\n", html(text)),
        Block::List(points) => {
            let points: String = points
                .iter()
                .map(|point| format!("<li>{}</li>\n", html(point)))
                .collect();
            format!("<ul>\n{points}</ul>\n")
        }
        Block::Terms(terms) => {
            let term = |(word, text): &(&str, String)| {
                format!("<li><b>{}</b>. {}</li>\n", html(word), html(text))
            };
            format!(
                "<ul>\n{}</ul>\n",
                terms.iter().map(term).collect::<String>()
            )
        }
        Block::Tiles(tiles) => {
            let tile = |(n, what): &(usize, &str)| {
                format!(
                    "<div class=\"{}\"><dt>{what}</dt><dd>{}</dd></div>\n",
                    what.replace(' ', "-"),
                    thousands(*n as u64)
                )
            };
            format!(
                "<dl class=\"tiles\">\n{}</dl>\n",
                tiles.iter().map(tile).collect::<String>()
            )
        }
        Block::Table(table) => self::table(table),
        Block::Figure(figure) => self::figure(figure),
        Block::Verdicts(verdicts) => {
            format!(
                "<div class=\"verdicts\">\n{}</div>\n",
                verdicts.iter().map(verdict).collect::<String>()
            )
        }
        Block::Sample { variant, text } => {
            // The parser drops a line feed right after <pre>: this one, not one of the sample.
            format!(
                "<article><h4>{}</h4><pre dir=\"auto\">\n{}</pre></article>\n",
                inside(variant),
                html(text)
            )
        }
        Block::Fold { title, blocks } => {
            format!(
                "<details>\n<summary>{}</summary>\n{}</details>\n",
                html(title),
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
    let class = |column| {
        if is_number(column) {
            " class=\"number\""
        } else {
            ""
        }
    };
    let head = table.head.iter().enumerate();
    let head: String = head
        .map(|(i, text)| format!("<th scope=\"col\"{}>{}</th>", class(i), html(text)))
        .collect();
    let row = |row: &Row| {
        let strong = if row.strong { " class=\"strong\"" } else { "" };
        let cells = row.cells.iter().enumerate();
        let cells: String = cells
            .map(|(i, cell)| match cell {
                Cell::Variant(..) if i == 0 => {
                    format!("<th scope=\"row\" class=\"variant\">{}</th>", inside(cell))
                }
                Cell::Variant(..) => format!("<td class=\"variant\">{}</td>", inside(cell)),
                Cell::Words(_) if is_number(i) => {
                    format!("<td class=\"number wrap\">{}</td>", inside(cell))
                }
                _ => format!("<td{}>{}</td>", class(i), inside(cell)),
            })
            .collect();
        format!("<tr{strong}>{cells}</tr>\n")
    };
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<div class=\"card\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn inside(cell: &Cell) -> String {
    match cell {
        Cell::Variant(number, name) => {
            format!(
                "{}&nbsp;<span dir=\"auto\">{}</span>",
                chart::key(*number),
                html(name)
            )
        }
        Cell::Words(text) | Cell::Number(text) => html(text),
    }
}

fn figure(figure: &Figure) -> String {
    format!(
        "<figure tabindex=\"0\" role=\"group\" aria-label=\"figure\">\n{}<figcaption>{}</figcaption>\n</figure>\n",
        figure.svg,
        html(&figure.caption)
    )
}

fn verdict(verdict: &Verdict) -> String {
    let (class, words) = match verdict.standing {
        Standing::Agrees => ("agrees", "agrees"),
        Standing::Disagrees => ("disagrees", "disagrees"),
        Standing::CannotTell => ("cannot-tell", "cannot tell"),
    };
    let track = verdict
        .track
        .as_ref()
        .map_or_else(String::new, |track| format!(", on {}", html(track)));
    format!(
        "<article class=\"verdict {class}\"><h4><span class=\"standing\">{words}</span> {}</h4>\n\
         <dl><div><dt>published</dt><dd>{} <small>{}</small></dd></div>\
         <div><dt>found here{track}</dt><dd>{}</dd></div></dl></article>\n",
        html(verdict.claim.statement),
        html(verdict.claim.published),
        html(verdict.claim.source),
        html(&verdict.found),
    )
}
