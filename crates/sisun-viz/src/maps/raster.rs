//! Rasterising SVG.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::MapsError;
use super::cells::Patch;
use super::encode;
use super::fonts::Fonts;
use super::resolution::{MOST_PIXELS, magnification, pixels};

/// Draw an SVG with its own background as a PNG, with the embedded font for text, at double
/// resolution unless it is large.
///
/// # Errors
/// - [`MapsError::Draw`] if the text is not valid SVG; `name` identifies the picture
/// - [`MapsError::TooBig`] if the picture would not fit into memory
pub fn svg_to_png(svg: &str, name: &str) -> Result<Vec<u8>, MapsError> {
    png(svg, name, &Fonts::new(std::iter::once(svg), None), &[], &[])
}

/// Draw `svg`, which has its own background, as a PNG with [`magnification`] pixels per SVG pixel,
/// paint `patches` onto it, and store `texts` with their keywords.
pub(super) fn png(
    svg: &str,
    picture: &str,
    fonts: &Fonts,
    patches: &[Patch<'_>],
    texts: &[(&'static str, String)],
) -> Result<Vec<u8>, MapsError> {
    let options = usvg::Options {
        fontdb: Arc::clone(&fonts.database),
        font_resolver: fonts.resolver(),
        ..usvg::Options::default()
    };
    let tree =
        usvg::Tree::from_str(&fonts.drawable(svg), &options).map_err(|source| MapsError::Draw {
            picture: picture.into(),
            source,
        })?;
    let size = tree.size().to_int_size();
    let (width, height) = (u64::from(size.width()), u64::from(size.height()));
    let scale = magnification(width, height);
    if pixels(width, height, scale) > MOST_PIXELS {
        return Err(MapsError::TooBig {
            picture: picture.into(),
            width,
            height,
            limit: MOST_PIXELS,
        });
    }
    let (width, height) = (size.width() * scale, size.height() * scale);
    let mut page =
        Pixmap::new(width, height).expect("its size is limited above, and that of an SVG is not 0");
    resvg::render(
        &tree,
        Transform::from_scale(scale as f32, scale as f32),
        &mut page.as_mut(),
    );
    for patch in patches {
        patch.paint(page.data_mut(), width as usize, scale as usize);
    }
    Ok(encode::png(width, height, &opaque(page), texts))
}

/// Return red, green and blue of each pixel. The page is opaque, so alpha is dropped.
fn opaque(page: Pixmap) -> Vec<u8> {
    // In place, because the pixels of a large picture dominate memory use.
    let mut bytes = page.take();
    let count = bytes.len() / 4;
    for i in 0..count {
        bytes.copy_within(4 * i..4 * i + 3, 3 * i);
    }
    bytes.truncate(3 * count);
    bytes
}
