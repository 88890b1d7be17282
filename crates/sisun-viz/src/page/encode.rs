//! Encoding numbers for a page: binary, deflated with a checksum (zlib), base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use std::io::Write;
use zlib_rs::{DeflateConfig, ReturnCode, Strategy, compress_bound, compress_slice};

/// The blocks of a page, numbered from 0.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Vec<String>);

impl Blocks {
    /// Add a block and return its number.
    pub(crate) fn push(&mut self, block: Block) -> usize {
        self.0.push(block.0);
        self.0.len() - 1
    }

    /// Iterate over the blocks, in base64.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// An encoded block of bytes.
#[derive(Debug)]
pub(crate) struct Block(String);

impl Block {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        let deflated = encoder.write_all(bytes).and_then(|()| encoder.finish());
        Self(STANDARD.encode(deflated.expect("writing into memory cannot fail")))
    }

    /// Encode bytes of weights, in which nothing repeats: only their frequencies are used, which is
    /// faster and leaves less (by 3 % of float16).
    pub(crate) fn weights(bytes: &[u8]) -> Self {
        let config = DeflateConfig {
            strategy: Strategy::HuffmanOnly,
            ..DeflateConfig::new(1)
        };
        // The bound is that of the default strategy; the longest code of a literal has 9 bits.
        let mut deflated = vec![0; compress_bound(bytes.len()) + bytes.len() / 8];
        let (deflated, code) = compress_slice(&mut deflated, bytes, config);
        assert_eq!(code, ReturnCode::Ok, "the buffer holds the longest result");
        Self(STANDARD.encode(deflated))
    }

    /// Encode values as little-endian float32.
    pub(crate) fn floats(values: impl IntoIterator<Item = f32>) -> Self {
        Self::new(
            &values
                .into_iter()
                .flat_map(f32::to_le_bytes)
                .collect::<Vec<u8>>(),
        )
    }
}

/// Quantisation of weights: `round(p · (2^bits − 1))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeightCode {
    pub(crate) bits: u32,
}

impl WeightCode {
    /// Choose the precision for this number of weights: 16 bits up to a few million, then 14; both
    /// have four decimals.
    pub(crate) fn of(weights: usize) -> Self {
        const MOST_FINE: usize = 2_500_000;
        Self {
            bits: if weights <= MOST_FINE { 16 } else { 14 },
        }
    }

    fn greatest(self) -> f32 {
        ((1u32 << self.bits) - 1) as f32
    }

    /// Return the largest quantisation error, including the rounding of a float32 product.
    pub(crate) fn error(self) -> f64 {
        0.5 / f64::from(self.greatest()) + 6e-8
    }

    /// Return the code of a weight.
    pub(crate) fn code(self, p: f32) -> u16 {
        (p.clamp(0.0, 1.0) * self.greatest()).round() as u16
    }

    /// Encode patterns one after another, each row up to its last visible key.
    ///
    /// # Shapes
    /// - each of `patterns`: `[query, key]`, `n` × `n`
    pub(crate) fn encode(self, patterns: &[&[f32]], n: usize, causal: bool) -> Block {
        let of_pattern = |pattern: &&[f32]| -> Vec<u16> {
            let rows = pattern.chunks_exact(n).enumerate();
            rows.flat_map(|(query, row)| &row[..if causal { query + 1 } else { n }])
                .map(|&p| self.code(p))
                .collect()
        };
        let codes: Vec<Vec<u16>> = patterns.par_iter().map(of_pattern).collect();
        planes(&codes.concat())
    }

    /// Encode weights one after another.
    pub(crate) fn encode_all(self, weights: impl Iterator<Item = f32>) -> Block {
        planes(&weights.map(|p| self.code(p)).collect::<Vec<u16>>())
    }
}

/// Encode all high bytes, which compress well, then all low bytes.
fn planes(codes: &[u16]) -> Block {
    let (high, low) = (
        codes.iter().map(|code| (code >> 8) as u8),
        codes.iter().map(|code| *code as u8),
    );
    Block::new(&high.chain(low).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    fn bytes(block: &Block) -> Vec<u8> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(&STANDARD.decode(&block.0).unwrap()[..])
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    #[test]
    fn weights_come_back_and_take_less_room() {
        assert!(bytes(&Block::weights(&[])).is_empty());
        // Random numbers of a bell curve in half precision; and bytes of which none is frequent.
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / 16_777_216.0
        };
        let bell: Vec<u16> = (0..50_000)
            .map(|_| (0..6).map(|_| random()).sum::<f32>() - 3.0)
            .map(|x| half::f16::from_f32(0.02 * x).to_bits())
            .collect();
        let high = bell.iter().map(|code| (code >> 8) as u8);
        let planes: Vec<u8> = high.chain(bell.iter().map(|code| *code as u8)).collect();
        let even: Vec<u8> = (0..50_000).map(|_| (random() * 256.0) as u8).collect();
        for all in [&planes, &even] {
            let block = Block::weights(all);
            assert_eq!(&bytes(&block), all);
            assert!(block.0.len() <= Block::new(all).0.len());
        }
        assert!(Block::weights(&planes).0.len() < planes.len() * 4 / 3 * 9 / 10);
    }

    #[test]
    fn patterns_come_back_within_the_stated_error() {
        let n = 7;
        let pattern: Vec<f32> = (0..n * n)
            .map(|i| ((i * 37 % 101) as f32 / 101.0).powi(3))
            .collect();
        for (bits, causal) in [(16, true), (14, true), (14, false)] {
            let precision = WeightCode { bits };
            let bytes = bytes(&precision.encode(&[&pattern, &pattern], n, causal));
            let cells: Vec<f32> = (0..n)
                .flat_map(|query| {
                    (0..if causal { query + 1 } else { n }).map(move |key| query * n + key)
                })
                .map(|at| pattern[at])
                .collect();
            assert_eq!(bytes.len(), 2 * 2 * cells.len());
            let (high, low) = bytes.split_at(2 * cells.len());
            for (i, cell) in cells.iter().chain(&cells).enumerate() {
                let code = u32::from(high[i]) << 8 | u32::from(low[i]);
                let error = (f64::from(code) / f64::from((1 << bits) - 1) - f64::from(*cell)).abs();
                assert!(error <= precision.error(), "{error} of {cell}");
            }
        }
    }

    #[test]
    fn what_is_no_weight_is_held_within_the_range() {
        let codes = [-0.5, f32::NAN, 0.0, 1.0, 1.5].map(|p| WeightCode { bits: 14 }.code(p));
        assert_eq!(codes, [0, 0, 0, 16_383, 16_383]);
    }

    #[test]
    fn floats_are_little_endian() {
        assert_eq!(
            bytes(&Block::floats([1.0, -2.5])),
            [0, 0, 128, 63, 0, 0, 32, 192]
        );
    }
}
