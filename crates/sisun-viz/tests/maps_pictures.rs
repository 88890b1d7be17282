//! Attention maps as pictures: correct colours, visible labels, nothing outside the page.
#![allow(clippy::unwrap_used)]

mod maps_sample;

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use maps_sample::svg::{assert_tidy, nodes, parse, render, squares, texts};
use maps_sample::{activation, maps, pattern, scores};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::{Node, Paint};
use sisun_infer::AttentionMaps;
use sisun_model::Activation;
use sisun_viz::maps::{Format, PictureOptions, write};

/// `matplotlib.colors.to_hex(matplotlib.colormaps["Blues"](share))` at 0, 1/8, 1/4 … 1, and the
/// colour of hidden cells.
const BLUES: [&str; 9] = [
    "#f7fbff", "#deebf7", "#c6dbef", "#9dcae1", "#6aaed6", "#4191c6", "#2070b4", "#08509b",
    "#08306b",
];
const HIDDEN: &str = "#e9e9e9";

fn drawn(maps: &AttentionMaps) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        maps,
        folder.path(),
        &[Format::Svg, Format::Png],
        &PictureOptions::default(),
    )
    .unwrap();
    folder
}

#[test]
fn cells_have_the_colours_of_their_values() {
    let values = vec![1.0, 0.0, 0.0, 0.25, 0.75, 0.0, 0.5, 0.125, 0.375];
    let folder = drawn(&maps(
        &["a", "b", "c"],
        vec![activation(Activation::Pattern, 5, &[2], 3, values)],
    ));
    let (svg, png) = (
        folder.path().join("layer5-head2.svg"),
        folder.path().join("layer5-head2.png"),
    );
    let expected = [
        BLUES[8], HIDDEN, HIDDEN, BLUES[2], BLUES[6], HIDDEN, BLUES[4], BLUES[1], BLUES[3],
    ];

    let tree = parse(&svg);
    let cells = squares(&tree, 48.0);
    let colours: Vec<&str> = cells.iter().map(|(colour, _)| colour.as_str()).collect();
    assert_eq!(colours, expected);
    for (i, (_, place)) in cells.iter().enumerate() {
        let corner = (
            place.left() - cells[0].1.left(),
            place.top() - cells[0].1.top(),
        );
        assert_eq!(
            corner,
            ((i % 3 * 48) as f32, (i / 3 * 48) as f32),
            "query down, key across"
        );
    }

    let pixels = Pixmap::load_png(&png).unwrap();
    let scale = pixels.width() as f32 / tree.size().width();
    assert_eq!(scale, 2.0);
    for ((_, place), expected) in cells.iter().zip(expected) {
        // Off the centre, where the number is.
        let (x, y) = (place.left() + place.width() / 2.0, place.top() + 6.0);
        let pixel = pixels
            .pixel((x * scale) as u32, (y * scale) as u32)
            .unwrap();
        assert_eq!(
            format!(
                "#{:02x}{:02x}{:02x}",
                pixel.red(),
                pixel.green(),
                pixel.blue()
            ),
            expected
        );
    }

    let words: Vec<String> = texts(&tree).into_iter().map(|(words, _)| words).collect();
    for word in [
        "layer 5 · head 2",
        "Key (attended to)",
        "Query (attending)",
        "Attention weight",
        "hidden",
        "0.38",
    ] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    assert_eq!(
        words.iter().filter(|word| *word == "b").count(),
        2,
        "each label on both axes"
    );
}

#[test]
fn numbers_stand_out_from_their_cells() {
    let folder = drawn(&maps(
        &["a", "b"],
        vec![activation(
            Activation::Pattern,
            0,
            &[0],
            2,
            vec![1.0, 0.0, 0.96, 0.04],
        )],
    ));
    let tree = parse(&folder.path().join("layer0-head0.svg"));
    let texts = texts(&tree);
    let ink = |number: &str| {
        let (_, text) = texts.iter().find(|(words, _)| words == number).unwrap();
        let Some(Paint::Color(ink)) = text.chunks()[0].spans()[0].fill().map(|fill| fill.paint())
        else {
            panic!()
        };
        format!("#{:02x}{:02x}{:02x}", ink.red, ink.green, ink.blue)
    };
    assert_eq!(ink("0.96"), "#ffffff");
    assert_eq!(ink("0.04"), "#222222");
}

#[test]
fn scores_have_pictures_of_their_own() {
    let values = vec![-3.0, f32::NEG_INFINITY, 5.0, 1.0];
    let activations = vec![
        activation(Activation::Pattern, 0, &[0], 2, vec![1.0, 0.0, 0.98, 0.02]),
        activation(Activation::Scores, 0, &[0], 2, values),
    ];
    let folder = drawn(&maps(&["a", "b"], activations));
    let cells = squares(&parse(&folder.path().join("scores-layer0-head0.svg")), 48.0);
    let colours: Vec<&str> = cells.iter().map(|(colour, _)| colour.as_str()).collect();
    assert_eq!(
        colours,
        [BLUES[0], HIDDEN, BLUES[8], BLUES[4]],
        "from the least finite score to the greatest"
    );
    assert!(folder.path().join("scores-heads.png").exists());
}

#[test]
fn the_grid_has_every_head_in_its_place() {
    // Layer 4 was captured for other heads than layer 1.
    let activations = vec![
        activation(
            Activation::Pattern,
            1,
            &[0, 7],
            2,
            vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0],
        ),
        activation(Activation::Pattern, 4, &[7], 2, vec![1.0, 0.0, 0.5, 0.5]),
    ];
    let folder = drawn(&maps(&["가", "나"], activations));
    let tree = parse(&folder.path().join("heads.svg"));
    let cells = squares(&tree, 120.0);
    assert_eq!(cells.len(), 3 * 4);
    let corner = |i: usize| (cells[i].1.left(), cells[i].1.top());
    let (left, top) = corner(0);
    assert_eq!(
        corner(4),
        (left + 250.0, top),
        "head 7 in the second column"
    );
    assert_eq!(
        corner(8),
        (left + 250.0, top + 250.0),
        "layer 4 in the second row, below head 7"
    );
    assert_eq!(cells[10].0, BLUES[4]);
    let words: Vec<String> = texts(&tree).into_iter().map(|(words, _)| words).collect();
    for word in ["head 0", "head 7", "layer 1", "layer 4"] {
        assert_eq!(
            words.iter().filter(|w| *w == word).count(),
            1,
            "{word} in {words:?}"
        );
    }
}

#[test]
fn korean_shows_without_any_fonts_installed() {
    let labels = ["나", "는", "뷁", "한 1/3", "⏎", " 고양이"];
    let n = labels.len();
    let folder = drawn(&maps(
        &labels,
        vec![activation(
            Activation::Pattern,
            0,
            &[0],
            n,
            pattern(n, 1, 3),
        )],
    ));
    let tree = parse(&folder.path().join("layer0-head0.svg"));
    let mut seen = HashSet::new();
    for (words, text) in texts(&tree) {
        let glyphs: Vec<_> = text
            .layouted()
            .iter()
            .flat_map(|span| &span.positioned_glyphs)
            .collect();
        assert!(!glyphs.is_empty(), "{words}");
        assert!(
            glyphs.iter().all(|glyph| glyph.id.0 != 0),
            "{words} has a missing glyph"
        );
        seen.insert(words);
    }
    for label in ["나", "는", "뷁", "한 1/3", "⏎", "␣고양이"] {
        assert!(seen.contains(label), "{label} in {seen:?}");
    }
}

#[test]
fn what_no_font_has_is_a_box() {
    // Private-use characters in planes 15 and 16; a combining mark joins one of them into a
    // grapheme.
    let png = |label: &str| {
        let labels = ["the longest label", label, "나"];
        let folder = drawn(&maps(
            &labels,
            vec![activation(
                Activation::Pattern,
                0,
                &[0],
                3,
                pattern(3, 1, 3),
            )],
        ));
        // The pixels: the text is in the metadata as it is.
        let picture = Pixmap::load_png(folder.path().join("layer0-head0.png")).unwrap();
        picture.data().to_vec()
    };
    assert!(png("\u{10fffd}\u{301} \u{ffffd}") == png("□ □"));
    assert!(png("□ □") != png("□ a"));
}

/// Labels that break careless XML writers.
const NASTY: [&str; 11] = [
    "</script>",
    "]]>",
    "\"'&<>",
    "&amp;",
    "\0\u{1}\u{b}\u{1f}",
    "\u{fffe}\u{ffff}",
    "\u{202e}txt.exe",
    "שלום",
    "👩‍👩‍👧🇰🇷",
    "e\u{301}\u{301}",
    "",
];

#[test]
fn nasty_labels_stay_text() {
    let n = NASTY.len();
    let mut maps = maps(
        &NASTY,
        vec![activation(
            Activation::Pattern,
            0,
            &[0],
            n,
            pattern(n, 1, 3),
        )],
    );
    maps.model = "--><x>\u{0}".into();
    let folder = drawn(&maps);
    let tree = parse(&folder.path().join("layer0-head0.svg"));
    assert_eq!(squares(&tree, 48.0).len(), n * n);
    let words: HashSet<String> = texts(&tree).into_iter().map(|(words, _)| words).collect();
    for label in [
        "</script>",
        "]]>",
        "\"'&<>",
        "&amp;",
        "\\u{0}\\u{1}\\u{b}\\u{1f}",
        "\\u{202e}txt.exe",
        "שלום",
    ] {
        assert!(words.contains(label), "{label} in {words:?}");
    }
}

#[test]
fn everything_is_on_the_page_and_labels_do_not_overlap() {
    let many: Vec<usize> = (0..30).collect();
    for (n, heads) in [
        (1, 3),
        (2, 3),
        (3, 1),
        (7, 2),
        (13, 1),
        (24, 1),
        (41, 1),
        (67, 30),
        (97, 30),
        (131, 1),
    ] {
        for label in [
            "나",
            "the",
            " supercalifragilisticexpialidocious",
            "대한민국의 아름다운 강산에 오래오래",
        ] {
            let labels = vec![label; n];
            let activations = vec![
                activation(
                    Activation::Pattern,
                    0,
                    &many[..heads],
                    n,
                    pattern(n, heads, 1),
                ),
                activation(
                    Activation::Scores,
                    0,
                    &[0],
                    n,
                    scores(n, 1, 1).iter().map(|score| score * 1e6).collect(),
                ),
            ];
            let folder = tempfile::tempdir().unwrap();
            let maps = maps(&labels, activations);
            for path in write(
                &maps,
                folder.path(),
                &[Format::Svg],
                &PictureOptions::default(),
            )
            .unwrap()
            {
                assert_tidy(
                    &parse(&path),
                    8.0,
                    10.0,
                    &format!("{n} × {label}, {path:?}"),
                );
            }
        }
    }
}

#[test]
fn long_texts_are_quick_and_small() {
    let n = 512;
    let labels: Vec<String> = (0..n).map(|i| format!("단어{i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut values = pattern(n, 1, 5);
    values[300 * n + 200] = 0.25;
    let maps = maps(
        &labels,
        vec![activation(Activation::Pattern, 0, &[0], n, values)],
    );
    let start = Instant::now();
    let folder = drawn(&maps);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );

    let svg = folder.path().join("layer0-head0.svg");
    assert!(fs::metadata(&svg).unwrap().len() < 1_000_000);
    let tree = parse(&svg);
    let all = nodes(&tree);
    assert!(all.len() < 200, "{} elements", all.len());
    let Some(Node::Image(image)) = all.iter().find(|node| matches!(node, Node::Image(_))) else {
        panic!("no image")
    };
    let place = image.abs_bounding_box();
    assert_eq!((place.width(), place.height()), (512.0, 512.0));

    // Square-root scale: 0.25 is half way up.
    let pixels = Pixmap::load_png(folder.path().join("layer0-head0.png")).unwrap();
    let scale = pixels.width() as f32 / tree.size().width();
    let at = |query: usize, key: usize| {
        let (x, y) = (
            place.left() + key as f32 + 0.5,
            place.top() + query as f32 + 0.5,
        );
        let pixel = pixels
            .pixel((x * scale) as u32, (y * scale) as u32)
            .unwrap();
        format!(
            "#{:02x}{:02x}{:02x}",
            pixel.red(),
            pixel.green(),
            pixel.blue()
        )
    };
    assert_eq!(at(300, 200), BLUES[4]);
    assert_eq!(at(200, 300), HIDDEN);
    assert_eq!(at(0, 0), BLUES[8]);
}

#[test]
fn both_formats_show_the_same() {
    // Cells as rectangles, as an image, and pooled in `heads`.
    for n in [9, 70, 300] {
        let labels = vec!["가"; n];
        let folder = drawn(&maps(
            &labels,
            vec![activation(
                Activation::Pattern,
                0,
                &[0, 1],
                n,
                pattern(n, 2, 3),
            )],
        ));
        for name in ["layer0-head1", "heads"] {
            let png = Pixmap::load_png(folder.path().join(format!("{name}.png"))).unwrap();
            let svg = render(&parse(&folder.path().join(format!("{name}.svg"))), &png);
            let differing = std::iter::zip(png.pixels(), svg.pixels())
                .filter(|(a, b)| a != b)
                .count();
            assert_eq!(differing, 0, "{name} of {n} tokens");
        }
    }
}
