//! From SVG to pixels.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::picture::{MOST_PIXELS, magnification};
use super::{MapsError, font};

/// Draws `svg`, which paints its own page, as a PNG, [`magnification`] pixels for each of its own.
pub(super) fn png(svg: &str, picture: &str, fonts: &Arc<fontdb::Database>) -> Result<Vec<u8>, MapsError> {
    let font_resolver = usvg::FontResolver {
        select_font: usvg::FontResolver::default_font_selector(),
        select_fallback: Box::new(font::plainest),
    };
    let options = usvg::Options { fontdb: Arc::clone(fonts), font_resolver, ..usvg::Options::default() };
    let tree =
        usvg::Tree::from_str(svg, &options).map_err(|source| MapsError::Draw { picture: picture.into(), source })?;
    let size = tree.size().to_int_size();
    let (width, height) = (u64::from(size.width()), u64::from(size.height()));
    let scale = magnification(width, height);
    if (width * u64::from(scale)).saturating_mul(height * u64::from(scale)) > MOST_PIXELS {
        return Err(MapsError::TooBig { picture: picture.into(), width, height, limit: MOST_PIXELS });
    }
    let (width, height) = (size.width() * scale, size.height() * scale);
    let mut pixels = Pixmap::new(width, height).expect("its size is limited above, and that of an SVG is not 0");
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut pixels.as_mut());
    // The page is opaque, so there is no alpha to keep.
    let rgb: Vec<u8> = pixels.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    Ok(encode(width, height, &rgb))
}

/// A PNG of opaque pixels.
///
/// # Shapes
/// - rgb: `[height, width, 3]`
pub(super) fn encode(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Eight times as fast as the default, and flat colours shrink well all the same.
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(rgb)?;
            writer.finish()
        })
        .expect("a picture of the stated size is encoded into memory");
    file
}
