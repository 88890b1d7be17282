//! `sisun positions`.

use crate::analysis::{self, Analysis, AnalysisFormat, AnalysisOutput};
use crate::columns::{Align, in_blocks, three_decimals};
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::terminal::{say, say_json};
use crate::wrap::terminal_width;
use anyhow::Result;
use serde_json::json;
use sisun_infer::{OffsetSimilarity, PositionMap, PositionNumbers, StackPositions};
use sisun_viz::analysis::{positions_npz, positions_sheets};
use sisun_viz::page::AnalysisPage;
use std::f64::consts::TAU;
use std::path::PathBuf;

/// Show how a model tells positions apart: vectors, angles or biases, and how they depend on the
/// offset.
///
/// Sinusoidal (Vaswani et al. 2017, section 3.5) and learned positions are vectors that are added to
/// the embeddings: pictures show the table, and the cosine and inner product of two of them by their
/// offset |i - j|, over all pairs. RoPE (Su et al. 2021, equation 15) rotates pairs of dimensions of
/// queries and keys: the angles by pair and position, and the similarity of a vector to itself,
/// rotated. ALiBi (Press et al. 2022, section 3) and T5 (Raffel et al. 2020, section 2.1) add a bias
/// to the scores, by head and offset. A sequence-to-sequence run has an encoder and a decoder.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun positions runs/quickstart
  sisun positions runs/quickstart --positions 32 --format html,png,npz
  sisun positions runs/quickstart --json > positions.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// Number of positions [default: those of the context, at most 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    positions: Option<u32>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    let positions = args.positions.map(|positions| positions as usize);
    let map = match crate::pairs::run_of(&args.run) {
        Some(run) => crate::pairs::open(&run, device)?.position_map(positions)?,
        None => {
            let opened = analysis::open(&args.run, None, device, "")?;
            opened.loaded.position_map(positions)?
        }
    };
    if let Some(reason) = map.nothing().filter(|_| !output.format.is_empty()) {
        return Err(Usage(format!("there is nothing to draw: {reason}")).into());
    }
    let found = Analysis {
        name: "positions",
        text: "",
        sheets: match output.format.is_empty() {
            true => Vec::new(),
            false => positions_sheets(&map),
        },
    };
    let page = |_| AnalysisPage {
        title: map.model.clone(),
        ..AnalysisPage::default()
    };
    let files = output.write(&found, || positions_npz(&map), page, device)?;
    if output.json {
        return say_json(&json!({
            "model": map.model,
            "stacks": map.stacks,
            "files": files,
        }));
    }
    if !files.is_empty() || output.wants(AnalysisFormat::Html) {
        return analysis::say_files(&files);
    }
    say(&table(&map))
}

fn table(map: &PositionMap) -> String {
    let stacks = map.stacks.iter().map(|stack| {
        let (heading, rows) = of_stack(stack);
        let part = stack
            .part
            .map_or_else(String::new, |part| format!("{part}: "));
        let blocks = rows.into_iter().map(|rows| {
            format!(
                "\n{}",
                in_blocks(&rows, terminal_width(), &[Align::Left, Align::Right])
            )
        });
        format!("{part}{heading}\n{}", blocks.collect::<Vec<_>>().join("\n"))
            .trim_end()
            .to_owned()
    });
    stacks.collect::<Vec<_>>().join("\n\n")
}

/// Return a sentence about a stack's encoding, and its tables.
fn of_stack(stack: &StackPositions) -> (String, Vec<Vec<Vec<String>>>) {
    let n = stack.positions;
    match &stack.numbers {
        PositionNumbers::Nothing { reason } => (reason.clone(), Vec::new()),
        PositionNumbers::Added {
            width,
            scale,
            cosine,
            dot,
            ..
        } => {
            let made = match scale {
                None => "learned".to_owned(),
                Some(scale) => format!(
                    "{scale}·sin(p / 10000^(2i/d)) in dimension 2i, and the cosine in 2i + 1"
                ),
            };
            let heading = format!(
                "{} positions: a vector of {width} dimensions for each of {n} positions is added to the embeddings ({made})",
                stack.kind
            );
            (
                heading,
                vec![by_offset("cosine", cosine), by_offset("dot", dot)],
            )
        }
        PositionNumbers::Rotated {
            d_head,
            rotary_dims,
            radians,
            scaling,
            unscaled,
            magnitude,
            cosine,
            ..
        } => {
            let scaled = scaling.map_or_else(String::new, |kind| {
                let factor = match *magnitude {
                    1.0 => String::new(),
                    magnitude => format!(", cosines and sines times {magnitude:.4}"),
                };
                format!("; scaling: {kind}{factor}")
            });
            let heading = format!(
                "RoPE: {rotary_dims} of {d_head} dimensions of each query and key are rotated, in {} pairs{scaled}",
                radians.len()
            );
            let pairs = pairs(*rotary_dims, radians, unscaled.as_deref());
            (heading, vec![pairs, by_offset("cosine", cosine)])
        }
        PositionNumbers::Biased {
            heads,
            offsets,
            bias,
            slopes,
            buckets,
        } => {
            let heading = match slopes {
                Some(_) => format!(
                    "ALiBi: −slope·|query − key| is added to the scaled scores of each of {heads} heads"
                ),
                None => format!(
                    "T5: a learned bias is added to the scaled scores of each of {heads} heads, one for each bucket of offsets"
                ),
            };
            let shown = shown_offsets(offsets);
            let mut first = vec![vec!["query − key".to_owned()]];
            if slopes.is_some() {
                first[0].push("slope".to_owned());
            }
            first[0].extend(shown.iter().map(|&at| offsets[at].to_string()));
            if let Some(buckets) = buckets {
                let numbers = shown.iter().map(|&at| buckets[at].to_string());
                first.push(
                    std::iter::once("bucket".to_owned())
                        .chain(numbers)
                        .collect(),
                );
            }
            for (head, bias) in bias.chunks_exact(offsets.len()).enumerate() {
                let mut row = vec![format!("head {head}")];
                row.extend(slopes.as_ref().map(|slopes| format!("{:.6}", slopes[head])));
                row.extend(shown.iter().map(|&at| three_decimals(f64::from(bias[at]))));
                first.push(row);
            }
            (heading, vec![first])
        }
    }
}

/// Return the pairs of dimensions with their angle per position.
fn pairs(rotary_dims: usize, radians: &[f64], unscaled: Option<&[f64]>) -> Vec<Vec<String>> {
    let mut heading = vec!["pair", "dimensions", "radians/token", "tokens/turn"];
    if unscaled.is_some() {
        heading.push("unscaled");
    }
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (pair, each) in radians.iter().enumerate() {
        let mut row = vec![
            pair.to_string(),
            format!("{pair}, {}", pair + rotary_dims / 2),
            format!("{each:.6}"),
            format!("{:.1}", TAU / each),
        ];
        row.extend(unscaled.map(|unscaled| format!("{:.6}", unscaled[pair])));
        rows.push(row);
    }
    rows
}

/// Return a similarity at some offsets, a row for each.
fn by_offset(name: &str, found: &OffsetSimilarity) -> Vec<Vec<String>> {
    let heading = ["offset", name, "deviation", "smallest", "largest"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let offsets: Vec<i64> = (0..found.mean.len() as i64).collect();
    for at in shown_offsets(&offsets) {
        let values = [&found.mean, &found.deviation, &found.least, &found.most];
        let mut row = vec![at.to_string()];
        row.extend(values.map(|values| format!("{:.4}", values[at])));
        rows.push(row);
    }
    rows
}

/// Return the indices of the offsets that a table shows: 0, the powers of two on either side, and the
/// ends.
fn shown_offsets(offsets: &[i64]) -> Vec<usize> {
    let last = offsets.len().saturating_sub(1);
    let is_shown = |(at, offset): (usize, &i64)| {
        let size = offset.unsigned_abs();
        (size == 0 || size.is_power_of_two() || at == 0 || at == last).then_some(at)
    };
    offsets.iter().enumerate().filter_map(is_shown).collect()
}

#[cfg(test)]
mod tests {
    use super::shown_offsets;

    #[test]
    fn offsets_are_shown_at_powers_of_two_and_at_the_ends() {
        assert_eq!(shown_offsets(&[0, 1, 2, 3, 4, 5, 6, 7]), [0, 1, 2, 4, 7]);
        assert_eq!(
            shown_offsets(&[-3, -2, -1, 0, 1, 2, 3]),
            [0, 1, 2, 3, 4, 5, 6]
        );
        assert_eq!(shown_offsets(&[0]), [0]);
    }
}
