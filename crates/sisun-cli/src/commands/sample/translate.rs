//! Writing the targets of a sequence-to-sequence run.

use super::args::{Args, TEMPERATURE, TOKENS};
use super::prompt::sources;
use crate::failure::Usage;
use crate::pairs;
use anyhow::Result;
use sisun_infer::{Decoding, Sampler};
use sisun_model::Run;
use sisun_seq2seq::Beam;

/// Write the targets of a sequence-to-sequence run.
pub(super) fn translate(args: &Args, run: &Run) -> Result<()> {
    let usual = Sampler::default();
    const LIKELIEST: &str = "which draws nothing at random and writes the likeliest target: leave it out; --beam 4 compares several";
    let idle = [
        (
            "--tokens",
            args.tokens != TOKENS,
            "whose targets end by themselves, at seq2seq.max_target_len at the latest: leave it out",
        ),
        ("--temperature", args.temperature != TEMPERATURE, LIKELIEST),
        ("--top-k", args.top_k != usual.top_k, LIKELIEST),
        ("--top-p", args.top_p != usual.top_p, LIKELIEST),
        ("--min-p", args.min_p != usual.min_p, LIKELIEST),
        (
            "--repetition-penalty",
            args.repetition_penalty != usual.repetition_penalty,
            LIKELIEST,
        ),
        (
            "--stop",
            !args.stop.is_empty(),
            "whose targets end by themselves: leave it out",
        ),
        ("--samples", args.samples.get() != 1, LIKELIEST),
        ("--seed", args.seed != usual.seed, LIKELIEST),
        (
            "--trace",
            args.trace.is_some(),
            "whose attention is shown by `sisun attend`: leave it out; --beam N --json lists other targets",
        ),
        ("--precision", args.precision.is_reduced(), pairs::FLOAT32),
        ("--edit", args.edit.given(), pairs::NO_EDITS),
    ];
    pairs::refuse(run, &idle)?;
    let Some(sources) = sources(args)? else {
        return Err(Usage(format!(
            "{} holds a sequence-to-sequence model, which writes the target of a source: give one with --prompt",
            run.root().display()
        ))
        .into());
    };
    let decoding = match args.beam {
        None => Decoding::Greedy,
        Some(width) => Decoding::Beam(Beam {
            width: width.get(),
            length_penalty: args.length_penalty.unwrap_or(0.0),
        }),
    };
    pairs::sample(run, &sources, decoding, args.json, &args.device)
}
