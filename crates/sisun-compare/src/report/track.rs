//! The section of one track.

use super::document::{Block, Cell};
use super::measured::measure_words;
use super::text::{count, listed, thousands};
use super::{figures, tables};
use crate::CompareError;
use crate::results::MeasureName;
use crate::summary::{GATE, TrackSummary, VariantSummary};
use crate::track::Track;
use sisun_config::TokenizerConfig;
use sisun_config::randomness::stream;
use sisun_data::pairs::tasks::PairTask;
use sisun_data::tasks::{Task, text};

/// Maximum number of letters in the example.
const EXAMPLE: usize = 6;
/// The meaning of exact match on pairs.
const WRITTEN: &str =
    "A pair counts if the model, always taking its likeliest token, writes the whole target.";
/// Difference in nats between the losses with and without the future, above which a model looks
/// ahead.
const LEAK: f64 = 0.05;

/// Return the section of a track.
pub(super) fn blocks(
    seeds: &[u64],
    trial: bool,
    track: &TrackSummary,
) -> Result<Vec<Block>, CompareError> {
    let mut blocks = vec![
        Block::Section(format!("Track: {}", track.name)),
        Block::Text(what(track)),
    ];
    blocks.push(Block::Figure(figures::headline(track)?));
    blocks.push(Block::Table(tables::variants(track)));
    blocks.push(fold(
        "Every seed by itself".to_owned(),
        Block::Table(tables::seeds(seeds, track)),
    ));
    if track.track.has_gate() && !trial {
        blocks.push(Block::Text(format!(
            "A seed that does not reach {GATE} on the trained lengths failed the gate: it did not learn the task, so \
             it says nothing about longer ones, and is left out of the mean and of all comparisons."
        )));
    }
    blocks.push(Block::Part("By length".to_owned()));
    blocks.push(Block::Figure(figures::lengths(track)?));
    let names = match track.headline.name {
        MeasureName::ExactMatch => vec![MeasureName::ExactMatch],
        _ => vec![MeasureName::BitsPerByte, MeasureName::BitsPerByteSliding],
    };
    for name in names {
        let title = format!("In numbers: {} by length", measure_words(name));
        blocks.extend(tables::by_place(track, name).map(|table| fold(title, Block::Table(table))));
    }
    blocks.extend(alignment(track)?);
    if let Some(figure) = figures::scaling(track)? {
        blocks.push(Block::Part("Rotary positions, stretched".to_owned()));
        blocks.push(Block::Figure(figure));
        for variant in &track.variants {
            let title = format!("In numbers: {}, stretched", variant.name);
            blocks.extend(tables::scaling(variant).map(|table| fold(title, Block::Table(table))));
        }
    }
    if let Some(figure) = figures::positions(track)? {
        blocks.push(Block::Part("By position".to_owned()));
        blocks.push(Block::Figure(figure));
    }
    blocks.extend(pairs(seeds.len(), track));
    blocks.extend(leak(track));
    let mut training = vec![Block::Figure(figures::curves(track)?)];
    training.extend(figures::times(track)?.map(Block::Figure));
    blocks.push(Block::Fold {
        title: "Training: loss and time of a step".to_owned(),
        blocks: training,
    });
    if let Some(figure) = figures::distances(track)? {
        let title = "Attention: mean distance of each head".to_owned();
        blocks.push(fold(title, Block::Figure(figure)));
    }
    blocks.extend(samples(track));
    Ok(blocks)
}

fn fold(title: String, block: Block) -> Block {
    Block::Fold {
        title,
        blocks: vec![block],
    }
}

/// Show the alignment, if it is known and a variant has attention.
fn alignment(track: &TrackSummary) -> Result<Vec<Block>, CompareError> {
    let (Some(figure), Some(table)) = (figures::alignment(track)?, tables::alignment(track)) else {
        return Ok(Vec::new());
    };
    let mut blocks = vec![
        Block::Part("Alignment".to_owned()),
        Block::Figure(figure),
        Block::Table(table),
        Block::Text(
            "Means over the groups. Targets may be right though attention is not: a recurrent decoder can keep what \
             it read a step before. The last two columns ask whether heads divide the work: an error rate on all \
             pairs if one head is used everywhere, and if each place of the target has a head of its own. Both are \
             chosen on one half of the pairs and judged on the other, and the reverse, so that a choice among many \
             is not better by luck."
                .to_owned(),
        ),
    ];
    for name in [MeasureName::AlignmentErrorRate, MeasureName::AttentionMass] {
        let title = format!("In numbers: {} by length", measure_words(name));
        blocks.extend(tables::by_place(track, name).map(|table| fold(title, Block::Table(table))));
    }
    Ok(blocks)
}

/// Describe training and testing on the track.
fn what(track: &TrackSummary) -> String {
    let steps = thousands(track.steps);
    match &track.track {
        Track::Task {
            task,
            train_lengths: [shortest, longest],
            test_lengths,
            examples,
            ..
        } => {
            let parsed = track.track.task();
            let told = parsed.map_or("", task_words);
            let example = parsed.map_or_else(String::new, |task| example(task, *longest));
            let tested: Vec<String> = test_lengths
                .iter()
                .map(|length| thousands(*length as u64))
                .collect();
            format!(
                "The task {task}: {told} {example}Each model is trained for {steps} steps on lengths {shortest} to \
                 {longest}, with the loss on the answer alone, and tested on {} of each of the lengths {}, the same \
                 for all. An answer counts if the model, always taking its likeliest token, writes all of it.",
                count(*examples, "example"),
                listed(&tested),
            )
        }
        Track::PairTask {
            task,
            train_pairs,
            test_pairs,
            ..
        } => {
            let parsed = track.track.pair_task();
            let told = parsed.map_or("", pair_task_words);
            let example = parsed.map_or_else(String::new, |task| pair_example(task, track));
            format!(
                "The task {task}: {told} {example}A token is a character. Each model learns for {steps} steps from {}, \
                 and is tested on {} others, the same for all, in groups by the length of the source. {WRITTEN} \
                 Attention is measured beside the true alignment, while the true target is read.",
                count(*train_pairs, "pair"),
                thousands(*test_pairs as u64),
            )
        }
        Track::Pairs {
            pairs, alignment, ..
        } => {
            let alignment = match alignment {
                true => {
                    " Attention is measured beside the alignment that the pairs state, while the true target is read."
                }
                false => "",
            };
            format!(
                "Pairs from {}. Each model learns for {steps} steps and is tested on the pairs that are held out, in \
                 groups by the length of the source. {WRITTEN}{alignment}",
                listed(&pairs.sources),
            )
        }
        Track::Language {
            sources,
            tokenizer,
            factors,
            eval_tokens,
            ..
        } => {
            let tokens = match tokenizer {
                TokenizerConfig::Char => "a token is a character".to_owned(),
                TokenizerConfig::Bpe { vocab_size, .. } => {
                    format!(
                        "tokens are byte pairs, {} in all",
                        thousands(*vocab_size as u64)
                    )
                }
                TokenizerConfig::File { path } => format!("tokens are those of {}", path.display()),
            };
            let factors: Vec<String> = factors.iter().map(|factor| format!("{factor}×")).collect();
            format!(
                "Text from {} ({tokens}). Each model is trained for {steps} steps to predict the next token in \
                 windows of {}, and tested in windows of {} that length, always on the same {} of text that it was \
                 not trained on.",
                listed(sources),
                count(track.trained_on, "token"),
                listed(&factors),
                count(*eval_tokens, "token"),
            )
        }
    }
}

fn pair_task_words(task: PairTask) -> &'static str {
    match task {
        PairTask::Copy => "write random letters again.",
        PairTask::Reverse => "write random letters backwards.",
        PairTask::Dates => "write a date, in English or Korean, in the form of ISO 8601.",
        PairTask::Numbers => "write number words, in English or Korean, in digits.",
        PairTask::Romanization => "write Korean in Latin letters.",
        PairTask::Translation => "translate a sentence from Korean to English.",
    }
}

fn pair_example(task: PairTask, track: &TrackSummary) -> String {
    let mut options = track.track.pair_options();
    let short = |length: usize| length.clamp(1, EXAMPLE);
    options.lengths = (short(options.lengths.0), short(options.lengths.1));
    let pair = task.pair(&options, &mut stream(1, "report", 0));
    format!(
        "For example, it reads “{}” and must write “{}”. ",
        pair.source, pair.target
    )
}

fn task_words(task: Task) -> &'static str {
    match task {
        Task::Copy => "write random letters again.",
        Task::CopyRepeated => "write one letter as many times as it was read.",
        Task::CopyTwice => "write random letters again, twice.",
        Task::Reverse => "write random letters backwards.",
        Task::Addition => "add two numbers of as many digits.",
        Task::AdditionScratchpad => {
            "add two numbers of as many digits, writing down every digit’s sum on the way."
        }
        Task::Sort => "write random letters in the order of the alphabet.",
        Task::Recall => {
            "read pairs of a letter and a digit, and write the digit that stood after the letter asked for."
        }
        Task::Parity => "say whether the number of ones is odd.",
        Task::Majority => "write the digit that is read more often.",
    }
}

fn example(task: Task, longest: usize) -> String {
    let length = longest.min(EXAMPLE).min(task.longest()).max(1);
    let example = task.example(length, &mut stream(1, "report", 0));
    format!(
        "For example, it reads “{}” and must write “{}”. ",
        text(&example.prompt),
        text(&example.answer)
    )
}

fn pairs(seeds: usize, track: &TrackSummary) -> Vec<Block> {
    if track.comparisons.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        Block::Part("Which differences hold".to_owned()),
        Block::Text(tables::what_holds(seeds, track)),
    ];
    let (first, rest) = tables::pairs(track);
    blocks.push(Block::Table(first));
    if !rest.rows.is_empty() {
        blocks.push(fold(
            format!("The other {}", count(rest.rows.len(), "pair")),
            Block::Table(rest),
        ));
    }
    blocks
}

fn leak(track: &TrackSummary) -> Vec<Block> {
    let leaks = tables::leaks(track);
    if leaks.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        Block::Part("Does it look ahead?".to_owned()),
        Block::Text(
            "The loss in nats on the same tokens, once with the whole window given and once with everything after \
             them cut off, as when a model writes. A model that sees only the past cannot tell the two apart."
                .to_owned(),
        ),
        Block::Table(tables::leak(&leaks)),
    ];
    for (_, variant, [_, _, leak]) in leaks.iter().filter(|(_, _, [_, _, leak])| leak.mean > LEAK) {
        blocks.push(Block::Banner(format!(
            "The variant “{}” has seen the tokens that it is asked for: without them its loss is {} nats higher. Its \
             loss, here and in every figure above, says nothing about how it writes.",
            variant.name,
            super::text::number(leak.mean),
        )));
    }
    blocks
}

fn samples(track: &TrackSummary) -> Option<Block> {
    let sample = |(number, variant): (usize, &VariantSummary)| {
        let text = variant.sample.clone().filter(|text| !text.is_empty())?;
        Some(Block::Sample {
            variant: Cell::Variant(number, variant.name.clone()),
            text,
        })
    };
    let samples: Vec<Block> = track
        .variants
        .iter()
        .enumerate()
        .filter_map(sample)
        .collect();
    let given = match track.track.has_pairs() {
        true => "sources that they have not learnt",
        false => "the first words are given",
    };
    let title = format!("What the first seed’s models write ({given})");
    (!samples.is_empty()).then_some(Block::Fold {
        title,
        blocks: samples,
    })
}
