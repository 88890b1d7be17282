//! Options of pictures: colour maps, fonts and their size, numbers in the cells.
#![allow(clippy::unwrap_used)]

mod maps_sample;

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use maps_sample::font::{boxes, collection};
use maps_sample::svg::{assert_tidy, nodes, parse, parse_with, render, squares, texts};
use maps_sample::{activation, maps, pattern, scores};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::{Node, Paint, Tree};
use sisun_infer::AttentionMaps;
use sisun_model::Activation;
use sisun_viz::maps::{Colours, Font, Format, MapsError, PictureOptions, Values, write};
use skrifa::MetadataProvider as _;
use skrifa::instance::Size;
use tempfile::TempDir;

const HIDDEN: &str = "#e9e9e9";

/// Return patterns and large scores of `n` tokens.
fn sample(label: &str, n: usize) -> AttentionMaps {
    let scores = scores(n, 1, 1).iter().map(|score| score * 30.0).collect();
    maps(
        &vec![label; n],
        vec![
            activation(Activation::Pattern, 0, &[0], n, pattern(n, 1, 1)),
            activation(Activation::Scores, 0, &[0], n, scores),
        ],
    )
}

fn drawn(maps: &AttentionMaps, options: &PictureOptions) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(maps, folder.path(), &[Format::Svg, Format::Png], options).unwrap();
    folder
}

fn refused(maps: &AttentionMaps, options: &PictureOptions) -> MapsError {
    let folder = tempfile::tempdir().unwrap();
    let error = write(
        maps,
        &folder.path().join("maps"),
        &[Format::Npz, Format::Svg],
        options,
    )
    .unwrap_err();
    assert!(
        !folder.path().join("maps").exists(),
        "something was written"
    );
    error
}

/// Open a font from a temporary file.
fn opened(bytes: &[u8]) -> Result<Font, MapsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("font.ttf");
    fs::write(&path, bytes).unwrap();
    Font::open(&path)
}

/// Count the numbers in the cells.
fn numbers(tree: &Tree) -> usize {
    let white =
        |text: &&(String, &resvg::usvg::Text)| text.0.len() > 3 && text.0.parse::<f32>().is_ok();
    // The colour bar has five numbers.
    texts(tree).iter().filter(white).count() - 5
}

#[test]
fn every_colour_map_colours_cells_and_its_bar() {
    let maps = maps(
        &["a", "b"],
        vec![activation(
            Activation::Pattern,
            0,
            &[0],
            2,
            vec![1.0, 0.0, 0.75, 0.25],
        )],
    );
    let mut seen = HashSet::new();
    for colours in Colours::ALL {
        let folder = drawn(
            &maps,
            &PictureOptions {
                colours,
                ..PictureOptions::default()
            },
        );
        let tree = parse(&folder.path().join("layer0-head0.svg"));
        let hex = |i: usize| {
            let [red, green, blue] = colours.table()[i];
            format!("#{red:02x}{green:02x}{blue:02x}")
        };
        let cells: Vec<String> = squares(&tree, 48.0)
            .into_iter()
            .map(|(colour, _)| colour)
            .collect();
        assert_eq!(
            cells,
            [hex(255), HIDDEN.into(), hex(192), hex(64)],
            "{colours}"
        );

        let bar = nodes(&tree).into_iter().find_map(|node| match node {
            Node::Path(path) => match path.fill()?.paint() {
                Paint::LinearGradient(gradient) => Some(gradient.clone()),
                _ => None,
            },
            _ => None,
        });
        let bar = bar.unwrap();
        let colour = |i: usize| {
            let colour = bar.stops()[i].color();
            [colour.red, colour.green, colour.blue]
        };
        assert!(bar.y1() > bar.y2(), "it begins below");
        assert_eq!(
            (colour(0), colour(bar.stops().len() - 1)),
            (colours.table()[0], colours.table()[255]),
            "{colours}"
        );
        seen.insert(fs::read(folder.path().join("heads.png")).unwrap());
    }
    assert_eq!(seen.len(), 4, "no two maps draw the same");
}

#[test]
fn text_is_measured_and_drawn_in_the_chosen_font() {
    // Characters 1.5 times as wide as their size would not fit a layout for another font.
    let bytes = boxes("Box Sans", 1500);
    let options = PictureOptions {
        font: Some(opened(&bytes).unwrap()),
        ..PictureOptions::default()
    };
    for (label, n) in [
        ("token", 5),
        ("supercalifragilistic", 30),
        ("한국어", 12),
        ("a", 150),
    ] {
        let folder = drawn(&sample(label, n), &options);
        for name in [
            "layer0-head0",
            "heads",
            "scores-layer0-head0",
            "scores-heads",
        ] {
            let path = folder.path().join(format!("{name}.svg"));
            assert!(
                fs::read_to_string(&path)
                    .unwrap()
                    .contains("font-family=\"&apos;Box Sans&apos;, Pretendard, ")
            );
            let tree = parse_with(&path, std::slice::from_ref(&bytes));
            assert_tidy(&tree, 8.0, 10.0, &format!("{n} × {label}, {name}"));
            let png = Pixmap::load_png(path.with_extension("png")).unwrap();
            assert!(
                render(&tree, &png).data() == png.data(),
                "{n} × {label}, {name}: the PNG has the font that the SVG names"
            );
            assert!(
                render(&parse(&path), &png).data() != png.data(),
                "{name}: which is not the embedded one"
            );
        }
    }
}

#[test]
fn only_what_a_font_lacks_is_drawn_in_the_embedded_one() {
    let bytes = boxes("Box Sans", 600);
    let options = PictureOptions {
        font: Some(opened(&bytes).unwrap()),
        ..PictureOptions::default()
    };
    let folder = drawn(&sample(" 한 1/3", 3), &options);
    let tree = parse_with(&folder.path().join("layer0-head0.svg"), &[bytes]);
    assert_tidy(&tree, 8.0, 10.0, "␣한 1/3");
    let texts = texts(&tree);
    let [mut chosen, mut embedded] = [HashSet::new(), HashSet::new()];
    for (words, text) in &texts {
        for glyph in text
            .layouted()
            .iter()
            .flat_map(|span| &span.positioned_glyphs)
        {
            assert!(glyph.id.0 != 0, "{words} has a missing glyph");
            // Both fonts have a space.
            if glyph.text == " " {
                continue;
            }
            let fonts = if glyph.text.is_ascii() {
                &mut chosen
            } else {
                &mut embedded
            };
            fonts.insert(glyph.font);
        }
    }
    assert_eq!((chosen.len(), embedded.len()), (1, 1));
    assert_ne!(chosen, embedded);

    // The second part begins where the first ends, plus the width of a space in the box font.
    let embedded =
        skrifa::FontRef::new(include_bytes!("../assets/Pretendard-Regular.otf")).unwrap();
    let (glyphs, metrics) = (
        embedded.charmap(),
        embedded.glyph_metrics(Size::new(13.0), skrifa::instance::LocationRef::default()),
    );
    let first: f32 = "␣한"
        .chars()
        .map(|c| metrics.advance_width(glyphs.map(c).unwrap()).unwrap())
        .sum();
    let (_, label) = texts.iter().find(|(words, _)| words == "␣한 1/3").unwrap();
    let x: Vec<f32> = label
        .chunks()
        .iter()
        .map(|chunk| chunk.x().unwrap())
        .collect();
    assert!(
        x.len() == 2 && (x[1] - x[0] - first - 0.6 * 13.0).abs() < 0.11,
        "{x:?}, {first}"
    );
}

#[test]
fn a_collection_gives_its_first_font() {
    let bytes = collection(&[("First", 700), ("Second", 900)]);
    let maps = sample("abc", 4);
    let folder = drawn(
        &maps,
        &PictureOptions {
            font: Some(opened(&bytes).unwrap()),
            ..PictureOptions::default()
        },
    );
    let path = folder.path().join("layer0-head0.svg");
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("font-family=\"&apos;First&apos;, Pretendard")
    );
    let alone = PictureOptions {
        font: Some(opened(&boxes("First", 700)).unwrap()),
        ..PictureOptions::default()
    };
    let alone = drawn(&maps, &alone);
    let png = |folder: &TempDir| fs::read(folder.path().join("layer0-head0.png")).unwrap();
    assert!(png(&folder) == png(&alone));
}

#[test]
fn a_file_that_is_no_font_is_named() {
    let missing = Font::open(Path::new("no/such.ttf")).unwrap_err();
    let expected = "cannot read font `no/such.ttf`: ";
    assert!(
        missing.to_string().starts_with(expected) && missing.to_string().ends_with(".ttc file"),
        "{missing}"
    );
    for bytes in [
        &b""[..],
        b"a text",
        &[0; 5000],
        b"ttcf\0\x01\0\0\xff\xff\xff\xff",
    ] {
        let error = opened(bytes).unwrap_err();
        assert!(
            matches!(&error, MapsError::NoFont { path } if path.ends_with("font.ttf")),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .ends_with("is no TrueType or OpenType font; give a .ttf, .otf or .ttc file"),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_font_is_refused_or_drawn_but_never_panics() {
    let whole = boxes("Box Sans", 600);
    let maps = sample("한 abc", 3);
    let draw = |bytes: &[u8]| {
        if let Ok(font) = opened(bytes) {
            let (folder, options) = (
                tempfile::tempdir().unwrap(),
                PictureOptions {
                    font: Some(font),
                    ..PictureOptions::default()
                },
            );
            // Letters of absurd widths may make a picture too large.
            let written = write(&maps, folder.path(), &[Format::Png], &options);
            assert!(
                matches!(written, Ok(_) | Err(MapsError::TooBig { .. })),
                "{written:?}"
            );
        }
    };
    (0..whole.len())
        .step_by(61)
        .for_each(|length| draw(&whole[..length]));
    for at in (0..whole.len()).step_by(23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        draw(&bytes);
    }
}

#[test]
fn sizes_keep_their_proportion_and_the_page_its_order() {
    for size in [6.5, 26.0, 39.0] {
        let options = PictureOptions {
            font_size: Some(size),
            ..PictureOptions::default()
        };
        for (label, n) in [
            ("나", 1),
            ("the", 7),
            ("대한민국의 아름다운 강산에 오래오래", 24),
            ("token", 131),
        ] {
            let folder = drawn(&sample(label, n), &options);
            for name in ["layer0-head0", "heads", "scores-layer0-head0"] {
                let tree = parse(&folder.path().join(format!("{name}.svg")));
                let scale = size / 13.0;
                assert_tidy(
                    &tree,
                    8.0 * scale,
                    10.0 * scale,
                    &format!("{size}: {n} × {label}, {name}"),
                );
                let sizes: HashSet<String> = texts(&tree)
                    .iter()
                    .flat_map(|(_, text)| text.chunks().iter().flat_map(|chunk| chunk.spans()))
                    .map(|span| format!("{:.1}", span.font_size().get()))
                    .collect();
                let expected =
                    [12.0, 13.0, 14.0, 16.0].map(|usual: f32| format!("{:.1}", usual * scale));
                assert!(
                    sizes.iter().all(|size| expected.contains(size)),
                    "{sizes:?} of {expected:?}, {name}"
                );
                assert!(
                    sizes.contains(&expected[0]) && sizes.contains(&expected[3]),
                    "{sizes:?}"
                );
            }
        }
    }
}

#[test]
fn odd_sizes_are_refused() {
    for size in [0.0, -13.0, 3.9, 200.5, f32::NAN, f32::INFINITY] {
        let error = refused(
            &sample("a", 2),
            &PictureOptions {
                font_size: Some(size),
                ..PictureOptions::default()
            },
        );
        assert_eq!(
            error.to_string(),
            format!("font size {size}: choose 4 to 200 pixels")
        );
    }
    for size in [4.0, 200.0] {
        drawn(
            &sample("가나다", 3),
            &PictureOptions {
                font_size: Some(size),
                ..PictureOptions::default()
            },
        );
    }
}

#[test]
fn numbers_stand_in_the_cells_as_asked() {
    let with = |values, n| {
        let folder = drawn(
            &sample("a", n),
            &PictureOptions {
                values,
                ..PictureOptions::default()
            },
        );
        ["layer0-head0", "scores-layer0-head0"]
            .map(|name| parse(&folder.path().join(format!("{name}.svg"))))
    };
    for (n, fit) in [(4, true), (30, false), (70, false)] {
        let all = n * (n + 1) / 2;
        let [weights, scores] = with(Values::Always, n);
        for tree in [&weights, &scores] {
            assert_tidy(tree, 8.0, 10.0, &format!("{n} tokens"));
        }
        let bar = if n > 64 { 1 } else { 0 };
        assert_eq!(
            (numbers(&weights), numbers(&scores)),
            (all + bar, all),
            "always, {n} tokens"
        );
        assert!(
            scores.size().width() >= weights.size().width(),
            "−120.00 takes more room than 0.53"
        );
        let [weights, scores] = with(Values::Never, n);
        assert_eq!(
            (numbers(&weights), numbers(&scores)),
            (bar, 0),
            "never, {n} tokens"
        );
        let [weights, _] = with(Values::Auto, n);
        assert_eq!(
            numbers(&weights),
            if fit { all } else { bar },
            "auto, {n} tokens"
        );
    }
}

#[test]
fn cells_too_small_for_their_numbers_are_refused_with_the_size_it_takes() {
    let maps = sample("a", 4);
    let options = |cell| PictureOptions {
        cell: NonZeroU32::new(cell),
        values: Values::Always,
        ..PictureOptions::default()
    };
    let error = refused(&maps, &options(20));
    let MapsError::CellTooSmall {
        given: 20,
        least: weights,
    } = error
    else {
        panic!("{error}")
    };
    let message =
        format!("cells of 20 pixels have no room for values: choose {weights} pixels or more, ");
    assert!(error.to_string().starts_with(&message), "{error}");
    // Scores need larger cells, which only shows when weights fit.
    let error = refused(&maps, &options(weights as u32));
    let MapsError::CellTooSmall { least: scores, .. } = error else {
        panic!("{error}")
    };
    assert!(scores > weights, "{scores}, {weights}");
    let folder = drawn(&maps, &options(scores as u32));
    for name in ["layer0-head0", "scores-layer0-head0"] {
        let tree = parse(&folder.path().join(format!("{name}.svg")));
        assert_eq!(
            (squares(&tree, scores as f32).len(), numbers(&tree)),
            (16, 10),
            "{name}"
        );
    }
}

#[test]
fn numbers_that_would_make_a_picture_too_big_are_refused() {
    let error = refused(
        &sample("a", 300),
        &PictureOptions {
            values: Values::Always,
            ..PictureOptions::default()
        },
    );
    assert!(
        matches!(&error, MapsError::TooBig { .. }) && error.to_string().contains("no values"),
        "{error}"
    );
}

#[test]
fn choices_of_values_have_names() {
    for values in Values::ALL {
        assert_eq!(values.to_string().parse::<Values>().unwrap(), values);
    }
    let error = "sometimes".parse::<Values>().unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown choice of values `sometimes`; choose from auto, always, never"
    );
}
