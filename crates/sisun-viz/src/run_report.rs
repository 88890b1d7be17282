//! The report of a run: `report.html`, a self-contained page, and `loss.svg`.

use crate::chart::{Curve, loss_svg};
use crate::text::{escaped, printable};
use sisun_files::{RunDir, write_atomic};
use sisun_model::thousands;
use std::io;
use std::path::Path;

const STYLE: &str = include_str!("run_report/style.css");

/// Contents of the report.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// Title of the page and of the chart.
    pub title: String,
    /// Settings and results by name, in display order.
    pub facts: Vec<(String, String)>,
    /// Training loss `(step, nats per token)` by step.
    pub train: Vec<(u64, f64)>,
    /// Validation loss `(step, nats per token)` by step.
    pub validation: Vec<(u64, f64)>,
    /// Share of held-out targets written without a mistake, `(step, 0 to 1)`, by step; empty for a
    /// language model.
    pub exact_match: Vec<(u64, f64)>,
    /// Samples `(step, text)` by step.
    pub samples: Vec<(u64, String)>,
}

/// Write `report.html` and `loss.svg` to `run_dir`, each atomically.
///
/// Losses that are not finite are omitted from the curves, and the page states their number and
/// first step.
///
/// # Errors
/// If a file cannot be written.
pub fn write(run_dir: &Path, report: &RunReport) -> io::Result<()> {
    let (train, validation) = (Curve::new(&report.train), Curve::new(&report.validation));
    let svg = loss_svg(&printable(&report.title), &train, &validation).map_err(io::Error::other)?;
    write_atomic(&RunDir::new(run_dir).loss_curve(), svg.as_bytes())?;
    write_atomic(
        &RunDir::new(run_dir).report(),
        page(report, &svg, &train, &validation).as_bytes(),
    )?;
    Ok(())
}

fn page(report: &RunReport, svg: &str, train: &Curve, validation: &Curve) -> String {
    let title = escaped(&report.title);
    let body = [
        tiles(report, train, validation),
        format!(
            "<figure tabindex=\"0\" role=\"group\" aria-label=\"loss\">\n{svg}\n{}</figure>\n",
            caption(train, validation)
        ),
        facts(&report.facts),
        samples(&report.samples),
        evaluations(validation, &report.exact_match),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1 dir=\"auto\">{title}</h1>\n\
         {body}</main>\n</body>\n</html>\n"
    )
}

fn best(curve: &Curve) -> Option<(u64, f64)> {
    curve
        .points
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

fn tiles(report: &RunReport, train: &Curve, validation: &Curve) -> String {
    let tile = |name: &str, value: String, note: String| {
        format!("<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>\n")
    };
    let mut tiles = String::new();
    if let Some((step, loss)) = best(validation) {
        tiles += &tile(
            "best validation loss",
            format!("{loss:.4}"),
            format!("at step {}", thousands(step)),
        );
        tiles += &tile(
            "its perplexity",
            number(loss.exp()),
            format!("{} bits per token", number(loss / 2f64.ln())),
        );
    }
    let exact = best(validation).and_then(|(step, _)| exact_at(&report.exact_match, step));
    if let Some(exact) = exact {
        tiles += &tile(
            "its exact match",
            percent(exact),
            "of held-out targets are written without a mistake".to_owned(),
        );
    }
    if let Some((step, loss)) = train.points.last() {
        tiles += &tile(
            "last training loss",
            format!("{loss:.4}"),
            format!("at step {}", thousands(*step)),
        );
    }
    if tiles.is_empty() {
        tiles
    } else {
        format!("<dl class=\"tiles\">\n{tiles}</dl>\n")
    }
}

fn exact_at(exact: &[(u64, f64)], step: u64) -> Option<f64> {
    let found = exact.iter().find(|(at, _)| *at == step);
    found.map(|(_, share)| *share)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Format a number with two decimals, or in scientific notation if that would be long.
fn number(x: f64) -> String {
    if x.abs() < 1e6 {
        format!("{x:.2}")
    } else {
        format!("{x:.2e}")
    }
}

fn caption(train: &Curve, validation: &Curve) -> String {
    let mut lines = Vec::new();
    if let Some(window) = train.mean_window() {
        lines.push(format!(
            "Thin: {} recorded training losses. Thick: the mean of the {} around each.",
            thousands(train.points.len() as u64),
            thousands(window as u64)
        ));
    }
    for (name, curve) in [("training", train), ("validation", validation)] {
        if let Some(first) = curve.not_finite.first() {
            let (count, verb) = match curve.not_finite.len() {
                1 => ("1 value".to_owned(), "is"),
                n => (format!("{} values", thousands(n as u64)), "are"),
            };
            lines.push(format!(
                "<span class=\"warning\">Not drawn: {count} of the {name} loss that {verb} not finite, first at step {}.\
                 </span>",
                thousands(*first)
            ));
        }
    }
    if lines.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>\n", lines.join("<br>\n"))
    }
}

fn facts(facts: &[(String, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let rows: String = facts
        .iter()
        .map(|(name, value)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td></tr>\n",
                escaped(name),
                escaped(value)
            )
        })
        .collect();
    format!(
        "<h2>The run</h2>\n<div class=\"card\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table class=\"facts\">\n{rows}</table></div>\n"
    )
}

/// Format the last sample in full, followed by the earlier ones, newest first.
fn samples(samples: &[(u64, String)]) -> String {
    let article = |(step, text): &(u64, String)| {
        // The parser drops a line feed right after <pre>: this one, not the sample's.
        format!(
            "<article><h3>step {}</h3><pre dir=\"auto\">\n{}</pre></article>\n",
            thousands(*step),
            escaped(text)
        )
    };
    let Some((last, earlier)) = samples.split_last() else {
        return String::new();
    };
    let mut section = format!("<h2>What the model writes</h2>\n{}", article(last));
    if !earlier.is_empty() {
        let articles: String = earlier.iter().rev().map(article).collect();
        let count = thousands(earlier.len() as u64);
        section += &format!(
            "<details>\n<summary>Earlier samples ({count})</summary>\n{articles}</details>\n"
        );
    }
    section
}

fn evaluations(validation: &Curve, exact: &[(u64, f64)]) -> String {
    let Some(best) = best(validation) else {
        return String::new();
    };
    let rows: String = validation
        .points
        .iter()
        .map(|&(step, loss)| {
            let class = if step == best.0 {
                " class=\"best\""
            } else {
                ""
            };
            let exact = match (exact.is_empty(), exact_at(exact, step)) {
                (true, _) => String::new(),
                (false, exact) => {
                    format!("<td>{}</td>", exact.map_or_else(|| "–".to_owned(), percent))
                }
            };
            format!(
                "<tr{class}><td>{}</td><td>{loss:.4}</td><td>{}</td>{exact}</tr>\n",
                thousands(step),
                number(loss.exp())
            )
        })
        .collect();
    let column = match exact.is_empty() {
        true => "",
        false => "<th>exact match</th>",
    };
    format!(
        "<h2>Evaluations</h2>\n<details>\n<summary>Every validation loss ({})</summary>\n<div class=\"card\" tabindex=\"0\" role=\"region\" aria-label=\"table\">\
         <table class=\"numbers\">\n<tr><th>step</th><th>loss</th><th>perplexity</th>{column}</tr>\n{rows}</table></div>\n\
         </details>\n",
        thousands(validation.points.len() as u64)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn written(report: &RunReport) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), report).unwrap();
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["loss.svg", "report.html"]);
        let read = |name| fs::read_to_string(dir.path().join(name)).unwrap();
        (read("report.html"), read("loss.svg"))
    }

    #[test]
    fn everything_a_person_gave_is_escaped() {
        let evil = "<script>alert(\"1\")</script>&amp;'\0\u{1b}[2J\u{ffff}";
        let shown = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;␀␛[2J\u{fffd}";
        let fact = (evil.to_owned(), evil.to_owned());
        let (html, svg) = written(&RunReport {
            title: evil.to_owned(),
            facts: vec![fact],
            train: vec![(1, 1.0)],
            validation: vec![],
            exact_match: vec![],
            samples: vec![(1, evil.to_owned()), (2, evil.to_owned())],
        });
        assert_eq!(
            html.matches(shown).count(),
            6,
            "title, heading, fact and value, two samples"
        );
        for text in [&html, &svg] {
            assert!(!text.contains("<script") && !text.contains('\0') && !text.contains('\u{1b}'));
        }
    }

    #[test]
    fn exact_match_stands_beside_each_loss_if_there_is_one() {
        let report = |exact_match| RunReport {
            validation: vec![(10, 2.0), (20, 1.0)],
            exact_match,
            ..RunReport::default()
        };
        let (html, _) = written(&report(vec![(10, 0.25), (20, 0.875)]));
        for part in [
            "<dt>its exact match</dt><dd>87.50 %",
            "<th>exact match</th>",
            "<td>25.00 %</td>",
        ] {
            assert!(html.contains(part), "no {part} in {html}");
        }
        assert!(!written(&report(vec![])).0.contains("exact match"));
    }

    #[test]
    fn nothing_is_loaded_from_anywhere() {
        let (html, svg) = written(&RunReport {
            train: vec![(0, 1.0)],
            ..RunReport::default()
        });
        for text in [html, svg] {
            let text = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            for way in ["http:", "https:", "src=", "href=", "url(", "@import"] {
                assert!(!text.contains(way), "{way}");
            }
        }
    }

    #[test]
    fn an_empty_report_is_a_page() {
        let (html, svg) = written(&RunReport::default());
        assert!(
            html.contains("no finite loss was recorded")
                && svg.contains("no finite loss was recorded")
        );
        assert!(!html.contains("<h2>"));
    }

    #[test]
    fn the_best_evaluation_stands_out() {
        let validation = vec![(0, 4.0), (1_500, 2.0), (2_000, 2.5), (2_500, f64::NAN)];
        let (html, _) = written(&RunReport {
            validation,
            ..RunReport::default()
        });
        assert!(
            html.contains("<tr class=\"best\"><td>1,500</td><td>2.0000</td><td>7.39</td></tr>")
        );
        assert!(html.contains("<dd>2.0000<small>at step 1,500</small>"));
        assert!(html.contains("2.89 bits per token"), "2 / ln 2");
        assert!(
            html.contains(
                "1 value of the validation loss that is not finite, first at step 2,500."
            )
        );
    }

    #[test]
    fn samples_keep_their_text() {
        let text = "\n  철수가 사과를 먹었다.\n\t🦊 <끝>";
        let (html, _) = written(&RunReport {
            samples: vec![(1_000, text.to_owned())],
            ..RunReport::default()
        });
        assert!(
            html.contains("<h3>step 1,000</h3><pre dir=\"auto\">\n\n  철수가 사과를 먹었다.\n\t🦊 &lt;끝&gt;</pre>")
        );
        assert!(!html.contains("Earlier samples"));
    }

    #[test]
    fn a_report_is_replaced_and_a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        for title in ["first", "second"] {
            write(
                dir.path(),
                &RunReport {
                    title: title.to_owned(),
                    ..RunReport::default()
                },
            )
            .unwrap();
        }
        let html = fs::read_to_string(dir.path().join("report.html")).unwrap();
        assert!(html.contains("second") && !html.contains("first</h1>"));
        let error = write(&dir.path().join("nowhere"), &RunReport::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
