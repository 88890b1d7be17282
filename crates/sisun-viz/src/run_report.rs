//! The report of a run: `report.html`, a self-contained page, and `loss.svg`.
//!
//! The page has no script: everything stands in it in both languages, and styles show the chosen one.

use crate::chart::{Curve, LossWords, loss_svg};
use crate::text::{escaped, printable};
use sisun_files::{RunDir, write_atomic};
use sisun_infer::Language;
use sisun_model::thousands;
use std::io;
use std::path::Path;

const STYLE: &str = include_str!("run_report/style.css");

/// Contents of the report.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Title of the page and of the chart.
    pub title: String,
    /// Language in which the page opens.
    pub language: Language,
    /// Settings and results, in display order.
    pub facts: Vec<ReportFact>,
    /// Training loss `(step, nats per token)` by step.
    pub train: Vec<(u64, f64)>,
    /// Validation loss `(step, nats per token)` by step.
    pub validation: Vec<(u64, f64)>,
    /// Share of held-out targets written without a mistake, `(step, 0 to 1)`, by step; empty for a
    /// language model.
    pub exact_match: Vec<(u64, f64)>,
    /// Samples `(step, text)` by step.
    pub samples: Vec<(u64, String)>,
    /// Files to link to, relative to the run directory, with their names in English and Korean.
    pub links: Vec<(String, [&'static str; 2])>,
}

/// A setting or result: name and value, in English and in Korean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFact {
    /// Names.
    pub name: [String; 2],
    /// Values.
    pub value: [String; 2],
}

impl Default for RunReport {
    fn default() -> Self {
        Self {
            title: String::new(),
            language: Language::English,
            facts: Vec::new(),
            train: Vec::new(),
            validation: Vec::new(),
            exact_match: Vec::new(),
            samples: Vec::new(),
            links: Vec::new(),
        }
    }
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
    let title = printable(&report.title);
    let draw = |words| loss_svg(&title, words, &train, &validation).map_err(io::Error::other);
    let charts = [draw(&LossWords::ENGLISH)?, draw(&LossWords::KOREAN)?];
    write_atomic(&RunDir::new(run_dir).loss_curve(), charts[0].as_bytes())?;
    write_atomic(
        &RunDir::new(run_dir).report(),
        page(report, &charts, &train, &validation).as_bytes(),
    )?;
    Ok(())
}

/// Return a text in both languages, of which the page shows one.
fn both([en, ko]: [&str; 2]) -> String {
    match en == ko {
        true => en.to_owned(),
        false => format!("<span lang=\"en\">{en}</span><span lang=\"ko\">{ko}</span>"),
    }
}

fn page(report: &RunReport, charts: &[String; 2], train: &Curve, validation: &Curve) -> String {
    let title = escaped(&report.title);
    let [english, korean] = charts;
    let body = [
        links(&report.links),
        tiles(report, train, validation),
        format!(
            "<figure tabindex=\"0\" role=\"group\" aria-label=\"loss\">\n<div lang=\"en\">{english}</div>\n<div lang=\"ko\">{korean}</div>\n{}</figure>\n",
            caption(train, validation)
        ),
        facts(&report.facts),
        samples(&report.samples),
        evaluations(validation, &report.exact_match),
    ]
    .concat();
    let code = report.language.code();
    let choice = |language: &str, name: &str| {
        let checked = if language == code { " checked" } else { "" };
        format!(
            "<label lang=\"{language}\" class=\"choice\"><input type=\"radio\" name=\"language\" id=\"choose-{language}\"{checked}> {name}</label>\n"
        )
    };
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<p class=\"brand\">Sisun <b lang=\"ko\" class=\"choice\">시선</b></p>\n\
         <fieldset><legend>{}</legend>\n{}{}</fieldset>\n</header>\n\
         <h1 dir=\"auto\">{title}</h1>\n{body}</main>\n</body>\n</html>\n",
        both(["Language", "언어"]),
        choice("ko", "한국어"),
        choice("en", "EN"),
    )
}

fn links(links: &[(String, [&'static str; 2])]) -> String {
    if links.is_empty() {
        return String::new();
    }
    let link = |(path, name): &(String, [&'static str; 2])| {
        format!(
            "<li><a href=\"{}\">{}</a></li>\n",
            escaped(path),
            both(*name)
        )
    };
    let items: String = links.iter().map(link).collect();
    format!("<ul class=\"links\">\n{items}</ul>\n")
}

fn best(curve: &Curve) -> Option<(u64, f64)> {
    curve
        .points
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

fn tiles(report: &RunReport, train: &Curve, validation: &Curve) -> String {
    let tile = |name: [&str; 2], value: String, note: [&str; 2]| {
        format!(
            "<div><dt>{}</dt><dd>{value}<small>{}</small></dd></div>\n",
            both(name),
            both(note)
        )
    };
    let at = |step: u64| {
        let step = thousands(step);
        [format!("at step {step}"), format!("스텝 {step}")]
    };
    let mut tiles = String::new();
    if let Some((step, loss)) = best(validation) {
        let at = at(step);
        tiles += &tile(
            ["best validation loss", "가장 낮은 검증 손실"],
            format!("{loss:.4}"),
            [&at[0], &at[1]],
        );
        let bits = number(loss / 2f64.ln());
        tiles += &tile(
            ["its perplexity", "그때의 퍼플렉시티"],
            number(loss.exp()),
            [
                &format!("{bits} bits per token"),
                &format!("토큰당 {bits}비트"),
            ],
        );
    }
    let exact = best(validation).and_then(|(step, _)| exact_at(&report.exact_match, step));
    if let Some(exact) = exact {
        tiles += &tile(
            ["its exact match", "그때의 완전 일치"],
            percent(exact),
            [
                "of held-out targets are written without a mistake",
                "검증 문장을 틀림없이 쓴 비율",
            ],
        );
    }
    if let Some((step, loss)) = train.points.last() {
        let at = at(*step);
        tiles += &tile(
            ["last training loss", "마지막 학습 손실"],
            format!("{loss:.4}"),
            [&at[0], &at[1]],
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
        let (recorded, window) = (
            thousands(train.points.len() as u64),
            thousands(window as u64),
        );
        lines.push(both([
            &format!("Thin: {recorded} recorded training losses. Thick: the mean of the {window} around each."),
            &format!("가는 선: 기록된 학습 손실 {recorded}개. 굵은 선: 그 주위 {window}개의 평균."),
        ]));
    }
    for (name, curve) in [
        (["training", "학습"], train),
        (["validation", "검증"], validation),
    ] {
        if let Some(first) = curve.not_finite.first() {
            let count = thousands(curve.not_finite.len() as u64);
            let (s, verb) = match curve.not_finite.len() {
                1 => ("", "is"),
                _ => ("s", "are"),
            };
            let first = thousands(*first);
            let told = both([
                &format!(
                    "Not drawn: {count} value{s} of the {} loss that {verb} not finite, first at step {first}.",
                    name[0]
                ),
                &format!(
                    "그리지 않음: 유한하지 않은 {} 손실 {count}개(처음은 스텝 {first}).",
                    name[1]
                ),
            ]);
            lines.push(format!("<span class=\"warning\">{told}</span>"));
        }
    }
    if lines.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>\n", lines.join("<br>\n"))
    }
}

fn facts(facts: &[ReportFact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let shown = |texts: &[String; 2]| {
        let [en, ko] = texts.each_ref().map(|text| escaped(text));
        both([&en, &ko])
    };
    let rows: String = facts
        .iter()
        .map(|ReportFact { name, value }| {
            format!(
                "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td></tr>\n",
                shown(name),
                shown(value)
            )
        })
        .collect();
    format!(
        "<h2>{}</h2>\n<table class=\"facts\">\n{rows}</table>\n",
        both(["The run", "실행"])
    )
}

fn at_step(step: u64) -> String {
    let step = thousands(step);
    both([&format!("step {step}"), &format!("스텝 {step}")])
}

/// Format the last sample in full, followed by the earlier ones, newest first.
fn samples(samples: &[(u64, String)]) -> String {
    let article = |(step, text): &(u64, String)| {
        // The parser drops a line feed right after <pre>: this one, not the sample's.
        format!(
            "<article><h3>{}</h3><pre dir=\"auto\">\n{}</pre></article>\n",
            at_step(*step),
            escaped(text)
        )
    };
    let Some((last, earlier)) = samples.split_last() else {
        return String::new();
    };
    let title = both(["What the model writes", "모델이 쓴 글"]);
    let mut section = format!("<h2>{title}</h2>\n{}", article(last));
    if !earlier.is_empty() {
        let articles: String = earlier.iter().rev().map(article).collect();
        let count = thousands(earlier.len() as u64);
        section += &format!(
            "<details>\n<summary>{}</summary>\n{articles}</details>\n",
            both([
                &format!("Earlier samples ({count})"),
                &format!("이전 글({count})"),
            ])
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
        false => &format!("<th>{}</th>", both(["exact match", "완전 일치"])),
    };
    let count = thousands(validation.points.len() as u64);
    format!(
        "<h2>{}</h2>\n<details>\n<summary>{}</summary>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"table\">\
         <table class=\"numbers\">\n<tr><th>{}</th><th>{}</th><th>{}</th>{column}</tr>\n{rows}</table></div>\n\
         </details>\n",
        both(["Evaluations", "평가"]),
        both([
            &format!("Every validation loss ({count})"),
            &format!("모든 검증 손실({count})"),
        ]),
        both(["step", "스텝"]),
        both(["loss", "손실"]),
        both(["perplexity", "퍼플렉시티"]),
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
        let fact = ReportFact {
            name: [evil.to_owned(), evil.to_owned()],
            value: [evil.to_owned(), evil.to_owned()],
        };
        let (html, svg) = written(&RunReport {
            title: evil.to_owned(),
            facts: vec![fact],
            train: vec![(1, 1.0)],
            samples: vec![(1, evil.to_owned()), (2, evil.to_owned())],
            links: vec![(evil.to_owned(), ["a", "b"])],
            ..RunReport::default()
        });
        assert_eq!(
            html.matches(shown).count(),
            7,
            "title, heading, link, fact and value, two samples"
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
            "its exact match</span><span lang=\"ko\">그때의 완전 일치</span></dt><dd>87.50 %",
            "exact match</span>",
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
    fn everything_is_there_in_both_languages_and_opens_in_one() {
        let (html, _) = written(&RunReport {
            language: Language::Korean,
            validation: vec![(10, 2.0)],
            links: vec![("maps/heads.png".to_owned(), ["Attention maps", "어텐션 맵"])],
            ..RunReport::default()
        });
        assert!(html.contains("<html lang=\"ko\">") && html.contains("id=\"choose-ko\" checked"));
        assert!(html.contains("<a href=\"maps/heads.png\"><span lang=\"en\">Attention maps"));
        let count = |language: &str| {
            let of = |element: &str| {
                html.matches(&format!("<{element} lang=\"{language}\">"))
                    .count()
            };
            of("span") + of("div")
        };
        assert_eq!(count("en"), count("ko"));
        assert!(count("en") > 8);
    }

    #[test]
    fn an_empty_report_is_a_page() {
        let (html, svg) = written(&RunReport::default());
        assert!(
            html.contains("no finite loss was recorded")
                && html.contains("유한한 손실이 기록되지 않았습니다")
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
        assert!(html.contains("<dd>2.0000<small><span lang=\"en\">at step 1,500</span>"));
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
            html.contains("<span lang=\"ko\">스텝 1,000</span></h3><pre dir=\"auto\">\n\n  철수가 사과를 먹었다.\n\t🦊 &lt;끝&gt;</pre>")
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
