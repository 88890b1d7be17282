//! Parameters on their way into a page: number formats, in bytes.

use half::f16;
use std::fmt;
use std::str::FromStr;

/// Number format of the matrices on a page; vectors stay float32 in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
    /// float32, unchanged.
    Float32,
    /// float32 rounded to its upper three bytes.
    Float24,
    /// IEEE half precision.
    Float16,
    /// Integers of 8 bits, with a scale for each row.
    Int8,
}

impl WeightFormat {
    /// All formats, the exact one first.
    pub const ALL: [Self; 4] = [Self::Float32, Self::Float24, Self::Float16, Self::Int8];

    /// Choose the format of a model with this many parameters, or `None` if a format must be asked
    /// for: float32 up to 4 million, float24 up to 10, float16 up to 20.
    pub fn of(parameters: usize) -> Option<Self> {
        const MILLION: usize = 1_000_000;
        match parameters {
            0..=4_000_000 => Some(Self::Float32),
            n if n <= 10 * MILLION => Some(Self::Float24),
            n if n <= 20 * MILLION => Some(Self::Float16),
            _ => None,
        }
    }

    /// Return its name on the command line and in the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float24 => "float24",
            Self::Float16 => "float16",
            Self::Int8 => "int8",
        }
    }

    /// Append a tensor. Numbers of several bytes are written as planes, all most significant bytes
    /// first, because exponents are alike and deflate well.
    pub(super) fn append(self, bytes: &mut Vec<u8>, shape: &[usize], values: &[f32]) {
        match (self, shape) {
            (Self::Float32, _) | (_, [_]) => {
                append_planes::<4>(bytes, values, f32::to_be_bytes);
            }
            (Self::Float24, _) => append_planes::<3>(bytes, values, float24),
            (Self::Float16, _) => {
                append_planes::<2>(bytes, values, |value| f16::from_f32(value).to_be_bytes())
            }
            (Self::Int8, _) => append_rows(bytes, values, shape.last().copied().unwrap_or(1)),
        }
    }
}

impl fmt::Display for WeightFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WeightFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| format!("must be {}", Self::ALL.map(Self::name).join(", ")))
    }
}

fn append_planes<const N: usize>(
    bytes: &mut Vec<u8>,
    values: &[f32],
    encode: impl Fn(f32) -> [u8; N],
) {
    let from = bytes.len();
    bytes.resize(from + N * values.len(), 0);
    let all = &mut bytes[from..];
    for (i, &value) in values.iter().enumerate() {
        for (plane, byte) in encode(value).into_iter().enumerate() {
            all[plane * values.len() + i] = byte;
        }
    }
}

/// Round to the upper three bytes, to the even one of two that are equally near.
fn float24(value: f32) -> [u8; 3] {
    let bits = value.to_bits();
    let rounded = bits.saturating_add(0x7F + (bits >> 8 & 1));
    let [a, b, c, _] = rounded.to_be_bytes();
    [a, b, c]
}

/// Write for each row a float32 scale, in planes, and then its values divided by it.
fn append_rows(bytes: &mut Vec<u8>, values: &[f32], width: usize) {
    let scale = |row: &[f32]| row.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0;
    let scales: Vec<f32> = values.chunks(width).map(scale).collect();
    append_planes::<4>(bytes, &scales, f32::to_be_bytes);
    for (row, scale) in values.chunks(width).zip(&scales) {
        let code = |x: &f32| {
            if *scale > 0.0 {
                (x / scale).round() as i8
            } else {
                0
            }
        };
        bytes.extend(row.iter().map(|x| code(x) as u8));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bytes_by_hand() {
        let bytes = |format: WeightFormat, shape: &[usize], values: &[f32]| {
            let mut bytes = Vec::new();
            format.append(&mut bytes, shape, values);
            bytes
        };
        // 1 = 3F800000, −2 = C0000000.
        let planes = [0x3F, 0xC0, 0x80, 0, 0, 0, 0, 0];
        assert_eq!(bytes(WeightFormat::Float32, &[1, 2], &[1.0, -2.0]), planes);
        assert_eq!(bytes(WeightFormat::Int8, &[2], &[1.0, -2.0]), planes);
        assert_eq!(
            bytes(WeightFormat::Float24, &[1, 2], &[1.0, -2.0]),
            planes[..6]
        );
        // 1 + 2⁻¹⁶ lies between two numbers; the even one is 1. 1 + 3·2⁻¹⁶ becomes 1 + 2·2⁻¹⁵.
        let between = [1.0 + 2f32.powi(-16), 1.0 + 3.0 * 2f32.powi(-16)];
        assert_eq!(
            bytes(WeightFormat::Float24, &[2, 1], &between),
            [0x3F, 0x3F, 0x80, 0x80, 0x00, 0x02]
        );
        assert_eq!(
            bytes(WeightFormat::Float16, &[1, 2], &[1.0, -2.0]),
            [0x3C, 0xC0, 0x00, 0x00]
        );
        // The scale is 1, so in planes 3F 80 00 00; the row of zeros has scale 0.
        assert_eq!(
            bytes(WeightFormat::Int8, &[2, 2], &[127.0, -63.4, 0.0, 0.0]),
            [0x3F, 0, 0x80, 0, 0, 0, 0, 0, 127, (-63_i8) as u8, 0, 0]
        );
    }

    #[test]
    fn names_are_read_back() {
        for format in WeightFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert_eq!(
            "bf16".parse::<WeightFormat>().unwrap_err(),
            "must be float32, float24, float16, int8"
        );
    }
}
