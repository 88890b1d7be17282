//! The example of the lecture notes as a page.

#![allow(clippy::unwrap_used)]

use super::computation::Computation;
use super::own::write;
use super::page::ExplainPage;
use super::rows::{Row, rows};
use super::text::{columns, label};
use sisun_infer::{Language, OwnExplanation, OwnQuery, PRESETS};
use sisun_viz::worked::{self, StepContext};

/// Return "The cat sat on the mat" with the notes' vectors; without a mask the query is "sat", with
/// one the last `hidden` keys are hidden.
fn sat(hidden: usize) -> OwnExplanation {
    let mut given = PRESETS[0].numbers();
    if hidden > 0 {
        given.mask = true;
        given.query = Some(OwnQuery::Number(5 - hidden));
    }
    given.explain().unwrap()
}

fn page(found: &OwnExplanation, width: usize, language: Language, full: bool) -> String {
    let steps = worked::steps(&StepContext::of_own(found, label, language), language);
    let mut page = ExplainPage::plain(width, language, full);
    write(&mut page, found, &steps);
    page.written().to_owned()
}

/// Assert that these lines occur one after the other, with any text around them.
#[track_caller]
fn has(page: &str, lines: &[&str]) {
    let found: Vec<&str> = page.lines().map(str::trim).collect();
    assert!(
        found.windows(lines.len()).any(|part| part == lines),
        "no\n{}\nin\n{page}",
        lines.join("\n")
    );
}

#[test]
fn the_notes_tables_with_the_notes_numbers() {
    let english = page(&sat(0), 100, Language::English, false);
    has(
        &english,
        &[
            "#  token  k (1 × 4)                      q · k",
            "──────────────────────────────────────────────",
            "0  the₁   [1.000, 0.000, 1.000, 0.000]  2.0000",
            "1  cat    [0.000, 1.000, 0.000, 1.000]  2.0000",
            "2  sat    [1.000, 1.000, 1.000, 1.000]  4.0000",
        ],
    );
    has(
        &english,
        &["“sat”:  q · k = 1.000×1.000 + 1.000×1.000 + 1.000×1.000 + 1.000×1.000 = 4.0000"],
    );
    has(&english, &["“sat”:  4.0000 ÷ 2.000 = 2.0000"]);
    // 5·e⁻¹ + 1, the sum of the notes, 20.980, divided by e².
    has(&english, &["“sat”:  1.0000 ÷ 2.8394 = 0.3522"]);
    has(&english, &["[0.157, 0.157, 0.132, 0.157]"]);
    has(
        &english,
        &["1  q · Kᵀ     (1 × 4) × (4 × 6) = (1 × 6)  similarity"],
    );
    has(
        &english,
        &["⚠ Sum of exp: the note prints 20.979, it is 20.980."],
    );
    let korean = page(&sat(3), 100, Language::Korean, false);
    has(&korean, &["3  on    1.0000  가려짐       -∞"]);
    has(
        &korean,
        &["5  A · V    (1 × 6) × (6 × 4) = (1 × 4)  z (context vector)"],
    );
}

#[test]
fn no_line_is_wider_than_the_page() {
    for (width, language, full, hidden) in [
        (72, Language::English, false, 3),
        (72, Language::Korean, false, 3),
        (80, Language::Korean, true, 0),
        (100, Language::English, true, 2),
        (100, Language::Korean, false, 1),
    ] {
        let page = page(&sat(hidden), width, language, full);
        for line in page.lines() {
            assert!(columns(line) <= width, "{} columns: {line}", columns(line));
        }
        assert!(!page.contains("\n\n\n"), "two empty lines in\n{page}");
    }
}

/// Return an explanation of many keys, of which the last `hidden` are hidden and every fifth has a
/// large weight.
fn many(n: usize, hidden: usize, query: usize) -> Computation<'static> {
    let mut found = Computation::of_own(&sat(0));
    let key = found.keys[0].clone();
    found.query = query;
    found.keys = (0..n)
        .map(|i| {
            let mut key = key.clone();
            key.steps.hidden = i >= n - hidden;
            key.steps.weight =
                if i % 5 == 0 { 0.01 } else { 0.001 } * if key.steps.hidden { 0.0 } else { 1.0 };
            key
        })
        .collect();
    found
}

#[test]
fn every_key_is_in_one_row_and_the_heaviest_and_the_query_have_their_own() {
    for (n, hidden, query) in [
        (1, 0, 0),
        (20, 0, 3),
        (21, 0, 3),
        (60, 10, 49),
        (60, 59, 0),
        (61, 5, 7),
        (500, 400, 99),
    ] {
        let found = many(n, hidden, query);
        let (short, full) = (rows(&found, false), rows(&found, true));
        for rows in [&short, &full] {
            let keys: Vec<usize> = rows.iter().flat_map(Row::keys).collect();
            assert_eq!(keys, (0..n).collect::<Vec<_>>(), "all keys, in order");
            let alike = |row: &Row| {
                let hides = |key: usize| found.keys[key].steps.hidden;
                row.keys().all(|key| hides(key) == hides(row.keys().start))
            };
            assert!(rows.iter().all(alike), "{rows:?}");
            assert!(
                rows.contains(&Row::Key(query)) && rows.contains(&Row::Key(found.heaviest()[0])),
                "{rows:?}"
            );
        }
        assert!(full.iter().all(|row| matches!(row, Row::Key(_))) && full.len() == n);
        let gaps = short
            .iter()
            .filter(|row| matches!(row, Row::Gap(_)))
            .count();
        assert_eq!(gaps > 0, n - hidden > 20 || hidden > 4, "{short:?}");
        assert!(
            short.len() <= 32
                && short
                    .iter()
                    .all(|row| !matches!(row, Row::Gap(keys) if keys.len() < 2))
        );
    }
}
