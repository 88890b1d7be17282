//! Tests of the report on made-up results.
#![allow(clippy::unwrap_used)]

mod made_up;

use made_up::*;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use sisun_compare::{SeedSpread, Standing, Summary, VariantSummary, report};
use sisun_viz::maps::svg_to_png;
use std::fs;
use std::path::Path;

struct Written {
    dir: tempfile::TempDir,
    html: String,
    markdown: String,
}

fn written(summary: &Summary) -> Written {
    let dir = tempfile::tempdir().unwrap();
    report::write(summary, dir.path()).unwrap();
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    Written {
        html: read("report.html"),
        markdown: read("report.md"),
        dir,
    }
}

fn csv_rows(dir: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(dir.join("measures.csv")).unwrap();
    assert_eq!(
        reader.headers().unwrap(),
        vec!["track", "variant", "seed", "measure", "at", "value", "note"]
    );
    reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// Return all values as text, with missing ones as "".
fn parquet_rows(dir: &Path) -> Vec<Vec<String>> {
    let file = fs::File::open(dir.join("measures.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::ULong(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .map(|(_, field)| text(field))
                .collect()
        })
        .collect()
}

#[test]
fn everything_a_person_gave_is_escaped() {
    let Written { html, markdown, .. } = written(&summary(6));
    assert!(!html.contains("<script"));
    let outside = markdown.split("````").step_by(2).collect::<String>();
    assert!(
        !outside.contains("<script") && outside.contains("&lt;script"),
        "only samples, in fences, are as they are"
    );
    assert!(!html.contains('\u{1b}') && !markdown.contains('\u{1b}'));
    for name in ["none", "sinusoidal", "learned", EVIL_HTML] {
        let cell = format!("<span dir=\"auto\">{name}</span>");
        assert!(
            html.matches(&cell).count() >= 8,
            "{name}: tables of two tracks, ranks, pairs and samples"
        );
    }
    assert!(html.contains("<h1 dir=\"auto\">Comparison: positions &amp; &lt;more&gt;</h1>"));
    assert!(html.contains("Text from data/&lt;stories&gt; (a token is a character)"));
    assert!(html.contains("once␛[0m ``` | &lt;/pre&gt; none\n  upon a time</pre>"));
    assert!(markdown.contains("| &lt;script&gt;\\|x |"));
    assert!(
        markdown.contains("````text\nonce␛[0m ``` | </pre> none\n  upon a time\n````\n"),
        "a fence that holds"
    );
    for row in markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect::<Vec<_>>()
        .windows(2)
    {
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(
            row[1].starts_with("| ---") <= (bars(row[0]) == bars(row[1])),
            "{row:?}"
        );
    }
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let Written { html, .. } = written(&summary(6));
    let html = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for way in [
        "http:", "https:", "src=", "url(", "@import", "<link", "<iframe",
    ] {
        assert!(!html.contains(way), "{way}");
    }
    let sections = html.matches("<h2 id=\"s").count();
    assert_eq!(
        (
            html.matches("href=").count(),
            html.matches("href=\"#s").count()
        ),
        (sections, sections)
    );
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn fewer_than_six_seeds_describe_and_do_not_claim() {
    let said = "this report describes and does not claim";
    let Written { html, markdown, .. } = written(&summary(5));
    assert!(html.contains(said) && markdown.contains(said));
    assert!(
        html.contains("the exact test cannot give p below 0.0625"),
        "2 / 2⁵"
    );
    assert!(!html.contains("<td>holds</td>"));
    let Written { html, markdown, .. } = written(&summary(6));
    assert!(!html.contains(said) && !markdown.contains(said));
    assert!(html.contains("here, with 6, not below 0.0312"));
}

#[test]
fn differences_that_hold_stand_out() {
    let mut summary = summary(10);
    let Written { html, markdown, .. } = written(&summary);
    let row = |html: &str| {
        html.lines()
            .filter(|line| line.contains("<td>holds</td>"))
            .count()
    };
    assert!(
        row(&html) > 0
            && html.contains("<tr class=\"strong\"><th scope=\"row\" class=\"variant\">")
    );
    assert!(markdown.contains(" | **holds** |"));
    assert_eq!(row(&html), markdown.matches("| **holds** |").count());
    // With this many pairs, six seeds cannot reach 5 % after Holm's correction, and the report says
    // so.
    summary.tracks.remove(1);
    for pair in &mut summary.tracks[0].comparisons {
        pair.n = 6;
        pair.p = pair.p.map(|_| 0.03125);
        pair.p_holm = pair.p.map(|_| 0.1875);
    }
    let Written { html, .. } = written(&summary);
    assert!(
        html.contains("None could: with 3 pairs and at most 6 seeds in common"),
        "pairs with learned are not tested"
    );
    assert_eq!(row(&html), 0);
}

#[test]
fn what_is_missing_is_said() {
    let mut summary = summary(6);
    let Written { html, .. } = written(&summary);
    assert!(!html.contains("have no result yet"));
    summary.missing = vec![
        format!("copy / {EVIL} / 3"),
        "stories / none / 6".to_owned(),
    ];
    for at in 0..summary.tracks[1].variants[0].series.len() {
        let point = &mut summary.tracks[1].variants[0].series[at];
        point.spread.values[5] = None;
    }
    let Written {
        html,
        markdown,
        dir,
    } = written(&summary);
    for text in [&html, &markdown] {
        assert!(
            text.contains("2 of 48 models have no result yet: the report is of what is there.")
        );
    }
    assert!(html.contains("<li>copy / &lt;script&gt;|x / 3</li>"));
    let rows = csv_rows(dir.path());
    assert!(
        rows.contains(
            &[
                "stories",
                "none",
                "6",
                "bits_per_byte",
                "64",
                "",
                "no result yet"
            ]
            .map(str::to_owned)
            .into()
        )
    );
}

#[test]
fn failures_are_named_apart() {
    let Written { html, markdown, .. } = written(&summary(6));
    for text in [&html, &markdown] {
        assert!(text.contains("failed the gate: seeds 1, 2, 3, 4, 5 and 6"));
        assert!(text.contains("diverged: seed 2"));
        assert!(text.contains("1 model diverged"));
        assert!(text.contains("nothing at 128: past the table of 64 learned positions"));
        assert!(text.contains(
            "The variant “none” has seen the tokens that it is asked for: without them its loss is 1.480 nats higher"
        ));
        assert!(!text.contains("NaN"));
    }
    assert_eq!(
        html.matches("has seen the tokens").count(),
        1,
        "only one looks ahead"
    );
    assert!(
        html.contains(
            "learned has no value at 128 and 512: past the table of 64 learned positions."
        ),
        "in the figure"
    );
}

#[test]
fn the_card_counts_and_names_every_standing() {
    let mut summary = summary(6);
    assert!(
        summary.verdicts.len() >= 3,
        "claims about these variants: {:?}",
        summary.verdicts
    );
    for (verdict, standing) in summary.verdicts.iter_mut().zip(
        [Standing::Agrees, Standing::Disagrees]
            .into_iter()
            .chain(std::iter::repeat(Standing::CannotTell)),
    ) {
        verdict.standing = standing;
    }
    let rest = summary.verdicts.len() - 2;
    let Written { html, markdown, .. } = written(&summary);
    for (class, words, n) in [
        ("agrees", "agrees", 1),
        ("disagrees", "disagrees", 1),
        ("cannot-tell", "cannot tell", rest),
    ] {
        assert!(
            html.contains(&format!(
                "<div class=\"{class}\"><dt>{words}</dt><dd>{n}</dd></div>"
            )),
            "{words}"
        );
        let card = format!(
            "<article class=\"verdict {class}\"><h4><span class=\"standing\">{words}</span>"
        );
        assert_eq!(html.matches(&card).count(), n, "{words}");
        assert!(markdown.contains(&format!("**{n}** {words}")), "{words}");
    }
    assert_eq!(markdown.matches("| **agrees** |").count(), 1);
    assert_eq!(markdown.matches("| cannot tell |").count(), rest);
    let first = &summary.verdicts[0];
    assert!(html.contains(first.claim.statement) && html.contains(first.claim.published));
    summary.verdicts.clear();
    assert!(
        written(&summary)
            .html
            .contains("None of the published results")
    );
}

#[test]
fn every_measurement_is_in_the_table() {
    let seeds = 6;
    let summary = summary(seeds);
    let Written { dir, .. } = written(&summary);
    let rows = csv_rows(dir.path());
    assert!(
        parquet_rows(dir.path()) == rows,
        "the Parquet file holds what the CSV file holds"
    );
    let of = |v: &VariantSummary| v.series.len() + v.curve.len() + v.heads.len() + 1;
    let expected: usize = summary
        .tracks
        .iter()
        .flat_map(|track| &track.variants)
        .map(of)
        .sum();
    assert_eq!(rows.len(), expected * seeds);
    for row in [
        ["copy", "none", "1", "exact_match", "30", "0.8", ""],
        ["copy", EVIL, "2", "exact_match", "23", "", "diverged"],
        [
            "stories",
            "learned",
            "1",
            "bits_per_byte",
            "128",
            "",
            "past the table of 64 learned positions",
        ],
        ["stories", EVIL, "1", "bits_per_byte", "64", "inf", ""],
        ["copy", "none", "1", "train_loss", "40", "1", ""],
        [
            "copy",
            "none",
            "1",
            "attention_distance_layer1_head0",
            "",
            "4",
            "",
        ],
        ["copy", "none", "1", "step_ms", "", "12", ""],
    ] {
        assert!(rows.contains(&row.map(str::to_owned).into()), "{row:?}");
    }
}

#[test]
fn figures_are_pictures_and_the_same_in_both_reports() {
    let Written {
        dir,
        html,
        markdown,
    } = written(&summary(6));
    let mut stems = Vec::new();
    for entry in fs::read_dir(dir.path().join("figures")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().unwrap() == "png" {
            assert!(
                fs::read(&path).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"),
                "{stem}"
            );
            continue;
        }
        let svg = fs::read_to_string(&path).unwrap();
        assert!(
            svg.starts_with("<svg class=\"chart\"")
                && !svg.contains("NaN")
                && !svg.contains("<script"),
            "{stem}"
        );
        svg_to_png(&svg, &stem).unwrap();
        assert!(html.contains(&svg), "{stem}");
        assert!(
            markdown.contains(&format!("](figures/{stem}.svg)")),
            "{stem}"
        );
        stems.push(stem);
    }
    stems.sort();
    let of = |track: &str, kinds: &[&str]| {
        kinds
            .iter()
            .map(|kind| format!("{track}-{kind}"))
            .collect::<Vec<_>>()
    };
    let copy = of(
        "copy",
        &["curves", "distances", "headline", "lengths", "time"],
    );
    let stories = of(
        "stories",
        &[
            "curves",
            "distances",
            "headline",
            "lengths",
            "positions",
            "scaling",
            "time",
        ],
    );
    assert_eq!(stems, [copy, stories].concat());
}

#[test]
fn a_comparison_with_no_results_has_a_report() {
    let mut empty = summary(2);
    empty.seeds = vec![1, 2];
    empty.missing = vec!["copy / none / 1".to_owned()];
    empty.mean_reciprocal_ranks = vec![f64::NAN; 4];
    empty.verdicts.clear();
    for track in &mut empty.tracks {
        for variant in &mut track.variants {
            let name = variant.name.clone();
            *variant = VariantSummary {
                parameters: 0,
                curve: vec![],
                heads: vec![],
                ..self::variant(&name, 2)
            };
            variant.step_ms = SeedSpread::of(vec![None; 2]);
        }
        track.comparisons = compared(&track.variants);
    }
    let Written { html, dir, .. } = written(&empty);
    assert!(html.contains("nothing was measured") && !html.contains("NaN"));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("summary.json")).unwrap()).unwrap();
    assert!(json["tracks"][0]["variants"][0]["headline"]["mean"].is_null());
    empty.tracks.clear();
    empty.variants.clear();
    empty.seeds.clear();
    assert!(written(&empty).html.contains("<h1"));
}

#[test]
fn a_report_is_replaced_and_a_folder_that_cannot_be_made_is_an_error() {
    let (mut summary, dir) = (summary(2), tempfile::tempdir().unwrap());
    report::write(&summary, dir.path()).unwrap();
    summary.name = "second".to_owned();
    report::write(&summary, dir.path()).unwrap();
    assert!(
        fs::read_to_string(dir.path().join("report.html"))
            .unwrap()
            .contains("Comparison: second")
    );
    let file = dir.path().join("report.md");
    let error = report::write(&summary, &file).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot create ") && error.contains("figures"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    assert!(
        svg_to_png("no picture", "x")
            .unwrap_err()
            .to_string()
            .starts_with("picture `x` cannot be drawn as PNG")
    );
    let huge = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100000\" height=\"100000\"/>";
    assert!(
        svg_to_png(huge, "x")
            .unwrap_err()
            .to_string()
            .contains("100000 × 100000 pixels")
    );
}

#[test]
fn pairs_are_told_by_length_with_their_alignment() {
    let summary = summary_of_pairs(9);
    let Written {
        dir,
        html,
        markdown,
    } = written(&summary);
    for text in [&html, &markdown] {
        for part in [
            "3 variants of a small encoder–decoder",
            "backwards (the task of pairs reverse)",
            "write random letters backwards.",
            "mean exact match over 3 groups of sources up to 40 tokens",
            "at the longest sources (up to 40)",
            "a head for each place",
            "Alignment error rate",
            "sources that they have not learnt",
            "no attention to the source",
        ] {
            assert!(text.contains(part), "no {part:?}");
        }
        // Words about tasks and text alone.
        for part in ["Gate", "gate", "Bits per byte", "trained lengths", "NaN"] {
            assert!(!text.contains(part), "{part:?}");
        }
    }
    assert!(html.contains("&lt;b&gt; → x (should be b)"));
    let row = r"| transformer | 0.061 \[0.050, 0.072\] | 0.921 | – | 0.421 | 0.121 |";
    assert!(markdown.contains(row), "{markdown}");
    assert!(!markdown.contains("| last 64 | – |"), "it has no alignment");
    let standing = |beginning: &str| {
        let mut of = summary.verdicts.iter();
        of.find(|verdict| verdict.claim.statement.starts_with(beginning))
            .map(|verdict| verdict.standing)
    };
    for beginning in [
        "One fixed vector is too narrow",
        "Dot attention points at the letter",
        "The heads of a transformer divide the work: for the places",
        "Attention removes the cliff: with dot",
    ] {
        assert_eq!(standing(beginning), Some(Standing::Agrees), "{beginning}");
        assert!(html.contains(beginning), "{beginning}");
    }
    assert_eq!(
        standing("Additive and dot"),
        None,
        "there is no additive attention"
    );
    let picture = dir.path().join("figures/backwards-alignment.svg");
    let picture = fs::read_to_string(picture).unwrap();
    assert!(!picture.contains("last 64") && picture.contains("dot 128"));
    let rows = csv_rows(dir.path());
    let row = [
        "backwards",
        "last 64",
        "1",
        "attention_mass",
        "8",
        "",
        "no attention to the source",
    ];
    assert!(rows.contains(&row.map(str::to_owned).into()));
}
