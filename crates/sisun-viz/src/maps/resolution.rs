//! Resolution of pictures.

/// Maximum number of pixels of a picture, and of all pictures drawn at once: 256 MiB of pixels.
pub(super) const MOST_PIXELS: u64 = 1 << 26;

/// Maximum number of pixels of a picture at double resolution.
const MOST_DOUBLED: u64 = 1 << 25;

/// Return the number of PNG pixels per SVG pixel along one side: 2 for sharp text in print and on
/// high-density screens, 1 if the picture is large.
pub(super) fn magnification(width: u64, height: u64) -> u32 {
    if pixels(width, height, 2) <= MOST_DOUBLED {
        2
    } else {
        1
    }
}

/// Return the number of pixels of a page at a magnification.
pub(super) fn pixels(width: u64, height: u64, scale: u32) -> u64 {
    let scale = u64::from(scale);
    width
        .saturating_mul(scale)
        .saturating_mul(height.saturating_mul(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_large_is_doubled() {
        assert_eq!(
            [(1000, 1000), (2800, 2800), (3000, 3000), (u64::MAX, 3)]
                .map(|(w, h)| magnification(w, h)),
            [2, 2, 1, 1]
        );
    }
}
