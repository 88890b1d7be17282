//! The number types of matrix elements.

use burn_std::bf16;

/// A number in memory, read as float32 without loss.
pub(crate) trait Number: Copy + Send + Sync {
    /// True if the type is bfloat16.
    const IS_BF16: bool;

    /// Convert to float32.
    fn value(self) -> f32;
}

impl Number for f32 {
    const IS_BF16: bool = false;

    #[inline(always)]
    fn value(self) -> f32 {
        self
    }
}

impl Number for bf16 {
    const IS_BF16: bool = true;

    // The upper half of a float32. (`bf16::to_f32` also quiets NaNs, which no vector instruction
    // does.)
    #[inline(always)]
    fn value(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// Round to the nearest bfloat16, ties to even. A NaN stays a NaN.
#[inline(always)]
pub(super) fn round_to_bf16(x: f32) -> f32 {
    let bits = x.to_bits();
    let rounded = f32::from_bits(bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000);
    if x.is_nan() { x } else { rounded }
}
