//! The set of pictures and their common operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sisun_infer::{AttentionMaps, AttentionPart, Language, Token, Weighting};
use sisun_model::Activation;
use svg::Document;

use super::about::About;
use super::cells::{Cells, Patch};
use super::colour::{Paint, Scale};
use super::fonts::Fonts;
use super::grid::Grid;
use super::heatmap::Heatmap;
use super::resolution::{MOST_PIXELS, magnification, pixels};
use super::ruler::Ruler;
use super::sizes::Sizes;
use super::subject::{Panel, Subject};
use super::wording::{Quantity, Wording};
use super::{MapsError, PictureOptions, label, raster};

/// A picture that is laid out but not drawn.
pub(super) enum Picture<'a> {
    /// One head.
    Heatmap(Heatmap<'a>),
    /// All heads.
    Grid(Grid<'a>),
}

impl Picture<'_> {
    /// Return the file name without extension.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Heatmap(heatmap) => &heatmap.name,
            Self::Grid(grid) => &grid.name,
        }
    }

    /// Return width and height in SVG pixels.
    fn size(&self) -> (u64, u64) {
        let (width, height) = match self {
            Self::Heatmap(heatmap) => heatmap.size(),
            Self::Grid(grid) => grid.size(),
        };
        (width as u64, height as u64)
    }

    /// Return the number of pixels of the PNG.
    fn pixels(&self) -> u64 {
        let (width, height) = self.size();
        pixels(width, height, magnification(width, height))
    }

    /// Draw everything but the patches.
    fn page(&self) -> Document {
        match self {
            Self::Heatmap(heatmap) => heatmap.draw(),
            Self::Grid(grid) => grid.draw(),
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Heatmap(heatmap) => heatmap.about(),
            Self::Grid(grid) => grid.about(),
        }
    }

    fn patches(&self) -> Vec<Patch<'_>> {
        match self {
            Self::Heatmap(heatmap) => heatmap.patches(),
            Self::Grid(grid) => grid.patches(),
        }
    }

    /// Draw the picture as an SVG document.
    pub(super) fn svg(&self) -> String {
        self.patches()
            .iter()
            .fold(self.page(), |page, patch| page.add(patch.image()))
            .to_string()
    }

    /// Draw the picture as a PNG.
    pub(super) fn png(&self, fonts: &Fonts) -> Result<Vec<u8>, MapsError> {
        raster::png(
            &self.page().to_string(),
            self.name(),
            fonts,
            &self.patches(),
            &self.about().0,
        )
    }
}

/// One activation, as it is drawn.
struct Drawn<'a> {
    maps: &'a AttentionMaps,
    activation: Activation,
    quantity: Quantity,
    /// Prefix of file names.
    prefix: &'static str,
    paint: Paint,
}

/// Lay out a heatmap for each head and a grid of all heads, for the patterns and, if captured, the
/// scores. `by_unit` holds the patterns if they are not drawn by token.
///
/// # Errors
/// - [`MapsError::FontSize`] or [`MapsError::CellTooSmall`] if an option cannot be satisfied
/// - [`MapsError::TooBig`] if a picture exceeds [`MOST_PIXELS`]
pub(super) fn plan<'a>(
    maps: &'a AttentionMaps,
    by_unit: Option<&'a AttentionMaps>,
    options: &'a PictureOptions,
) -> Result<Vec<Picture<'a>>, MapsError> {
    let patterns = by_unit.unwrap_or(maps);
    let n = patterns.tokens.len().max(patterns.key_tokens().len());
    let scores = maps.of(Activation::Scores);
    let scores = Scale::spanning(scores.flat_map(|map| map.values.iter().copied()));
    let (quantity, prefix, weights) = match maps.weighting {
        Weighting::Attention => (Quantity::Weight, "", Scale::weights(n)),
        // Hidden keys have 0, so that the scale begins there.
        Weighting::Values => {
            let values = patterns.of(Activation::Pattern);
            let values = values.flat_map(|map| map.values.iter().copied());
            (Quantity::ValueWeighted, "values-", Scale::spanning(values))
        }
    };
    let drawn = [
        Drawn {
            maps: patterns,
            activation: Activation::Pattern,
            quantity,
            prefix,
            paint: Paint::new(weights, options.colours),
        },
        Drawn {
            maps,
            activation: Activation::Scores,
            quantity: Quantity::Score,
            prefix: "scores-",
            paint: Paint::new(scores, options.colours),
        },
    ];
    let mut pictures = Vec::new();
    for drawn in drawn {
        pictures.extend(laid_out(drawn, options)?);
    }
    pictures.iter().try_for_each(fits_into_memory)?;
    Ok(pictures)
}

/// Lay out the same pictures of the differences of two models' patterns, on a scale that spans
/// them. The values of `differences` are the first model's weights less the second's.
///
/// # Errors
/// As for [`plan`].
pub(super) fn plan_difference<'a>(
    differences: &'a AttentionMaps,
    options: &'a PictureOptions,
) -> Result<Vec<Picture<'a>>, MapsError> {
    let values = differences.of(Activation::Pattern);
    let values = values.flat_map(|map| map.values.iter());
    let sizes = values.map(|value| value.abs());
    let limit = sizes.filter(|size| size.is_finite()).fold(0.0, f32::max);
    let drawn = Drawn {
        maps: differences,
        activation: Activation::Pattern,
        quantity: Quantity::Difference,
        prefix: "difference-",
        paint: Paint::diverging(limit),
    };
    let pictures = laid_out(drawn, options)?;
    pictures.iter().try_for_each(fits_into_memory)?;
    Ok(pictures)
}

fn laid_out<'a>(
    drawn: Drawn<'a>,
    options: &'a PictureOptions,
) -> Result<Vec<Picture<'a>>, MapsError> {
    let Drawn {
        maps,
        activation,
        quantity,
        prefix,
        paint,
    } = drawn;
    let labels = |tokens: &[Token]| {
        let label = |token: &Token| label::drawable(&token.text).into_owned();
        tokens.iter().map(label).collect::<Vec<_>>()
    };
    let font = options.font.as_ref();
    let wording = Wording(options.language.unwrap_or(Language::English));
    let mut about = vec![("Model", maps.model.clone()), ("Text", maps.text.clone())];
    if let AttentionPart::Cross(keys) = &maps.part {
        about.push(("Source text", keys.text.clone()));
    }
    if !maps.edits.is_empty() {
        about.push(("Edits", maps.edits.join("; ")));
    }
    if activation == Activation::Pattern && maps.part == AttentionPart::Only {
        about.push(("Unit", options.unit.name().to_owned()));
    }
    let subject = Arc::new(Subject {
        quantity,
        wording,
        prefix: format!("{}{prefix}", maps.part.prefix()),
        part: wording.part(&maps.part),
        edits: wording.edits(&maps.edits),
        titles: wording.axes(&maps.part),
        paint: Arc::new(paint),
        source: label::drawable(&source(maps)).into_owned(),
        about: About(about),
        rows: labels(&maps.tokens),
        columns: labels(maps.key_tokens()),
        links: maps.alignment(),
        font,
        ruler: Ruler::new(font),
        sizes: Sizes::new(options.font_size)?,
    });
    let heads = maps.of(activation).flat_map(|map| {
        map.by_head()
            .map(move |(head, values)| (map.layer, head, values))
    });
    let panels: Vec<Panel<'a>> = heads
        .map(|(layer, head, values)| Panel {
            layer,
            head,
            cells: Cells::new(values, maps.key_tokens().len(), maps.causal, &subject.paint),
        })
        .collect();
    if panels.is_empty() {
        return Ok(Vec::new());
    }
    let grid = Grid::new(Arc::clone(&subject), &panels);
    let mut pictures = Vec::new();
    for panel in panels {
        let heatmap = Heatmap::new(Arc::clone(&subject), panel, options)?;
        pictures.push(Picture::Heatmap(heatmap));
    }
    pictures.push(Picture::Grid(grid));
    Ok(pictures)
}

/// Return the model and the texts, for the line below the title of a picture.
fn source(maps: &AttentionMaps) -> String {
    match &maps.part {
        AttentionPart::Cross(keys) => format!("{}: {} → {}", maps.model, keys.text, maps.text),
        _ => format!("{}: {}", maps.model, maps.text),
    }
}

fn fits_into_memory(picture: &Picture<'_>) -> Result<(), MapsError> {
    if picture.pixels() > MOST_PIXELS {
        let (width, height) = picture.size();
        return Err(MapsError::TooBig {
            picture: picture.name().into(),
            width,
            height,
            limit: MOST_PIXELS,
        });
    }
    Ok(())
}

/// Apply `draw` to every picture, in any order and in parallel, as long as the pictures in progress
/// have at most [`MOST_PIXELS`] together; results are in the order of the pictures.
///
/// # Errors
/// The first error of `draw`, after which no further picture is started.
pub(super) fn each<T: Send>(
    pictures: &[Picture<'_>],
    draw: impl Fn(&Picture<'_>) -> Result<T, MapsError> + Sync,
) -> Result<Vec<T>, MapsError> {
    let largest = pictures.iter().map(Picture::pixels).max().unwrap_or(0);
    let at_once =
        (MOST_PIXELS / largest.max(1)).clamp(1, rayon::current_num_threads() as u64) as usize;
    let next = AtomicUsize::new(0);
    let take = || {
        let i = next.fetch_add(1, Ordering::Relaxed);
        pictures.get(i).map(|picture| (i, picture))
    };
    let one_after_another = |_| -> Result<Vec<(usize, T)>, MapsError> {
        let mut drawn = Vec::new();
        while let Some((i, picture)) = take() {
            let stop = |_: &MapsError| next.store(pictures.len(), Ordering::Relaxed);
            drawn.push((i, draw(picture).inspect_err(stop)?));
        }
        Ok(drawn)
    };
    let drawn: Vec<Vec<(usize, T)>> = (0..at_once)
        .into_par_iter()
        .with_max_len(1)
        .map(one_after_another)
        .collect::<Result<_, MapsError>>()?;
    let mut drawn: Vec<(usize, T)> = drawn.into_iter().flatten().collect();
    drawn.sort_by_key(|(i, _)| *i);
    Ok(drawn.into_iter().map(|(_, drawn)| drawn).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::num::NonZeroU32;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;
    use sisun_infer::ActivationMap;

    /// Five heads over two tokens.
    fn sample() -> AttentionMaps {
        let token = |id| Token {
            plain: String::new(),
            id,
            text: "a".into(),
            start: 0,
            end: 1,
        };
        let values = [1.0, 0.0, 0.5, 0.5].repeat(5);
        let activation = ActivationMap {
            activation: Activation::Pattern,
            layer: 0,
            heads: (0..5).collect(),
            shape: [5, 2, 2],
            values,
        };
        AttentionMaps {
            edits: Vec::new(),
            model: String::new(),
            text: "aa".into(),
            tokens: vec![token(0), token(1)],
            part: AttentionPart::Only,
            causal: true,
            weighting: Weighting::Attention,
            activations: vec![activation],
        }
    }

    /// Return the names of pictures with cells of `side` pixels, and the largest number drawn at
    /// once.
    fn drawn_together(side: u32) -> (Vec<String>, usize) {
        let (maps, options) = (
            sample(),
            PictureOptions {
                cell: NonZeroU32::new(side),
                ..PictureOptions::default()
            },
        );
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let pictures = plan(&maps, None, &options).unwrap();
        let draw = |picture: &Picture<'_>| {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(20));
            working.fetch_sub(1, Ordering::SeqCst);
            Ok(picture.name().to_owned())
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(4)
            .build()
            .unwrap();
        let names = pool.install(|| each(&pictures, draw));
        (names.unwrap(), most.into_inner())
    }

    #[test]
    fn only_as_many_pictures_are_in_work_as_memory_holds() {
        let names = [
            "layer0-head0",
            "layer0-head1",
            "layer0-head2",
            "layer0-head3",
            "layer0-head4",
            "heads",
        ];
        let (drawn, together) = drawn_together(48);
        assert_eq!(drawn, names);
        assert!((2..=4).contains(&together), "{together}");
        // 2 × 3000 pixels and margins per side: more than half of the limit.
        assert_eq!(drawn_together(3000), (names.map(String::from).into(), 1));
        // 2 × 2000: more than a quarter of the limit.
        assert!((2..=3).contains(&drawn_together(2000).1));
    }

    #[test]
    fn an_error_ends_the_work() {
        let (maps, options) = (sample(), PictureOptions::default());
        let begun = AtomicUsize::new(0);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let drawn = pool.install(|| {
            each(&plan(&maps, None, &options).unwrap(), |_| {
                begun.fetch_add(1, Ordering::SeqCst);
                Err::<(), _>(MapsError::Nothing)
            })
        });
        assert!(matches!(drawn, Err(MapsError::Nothing)));
        assert_eq!(begun.into_inner(), 1);
    }
}
