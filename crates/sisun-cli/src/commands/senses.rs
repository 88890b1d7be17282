//! `sisun senses`.

use crate::analysis::{self, Analysis, AnalysisOutput};
use crate::columns::{Align, in_blocks};
use crate::common::DeviceArgs;
use crate::given_text;
use crate::terminal::{say, say_json};
use crate::wrap::terminal_width;
use anyhow::Result;
use serde_json::json;
use sisun_infer::{AskedWord, Language, Senses};
use sisun_viz::analysis::{senses_npz, senses_sheets};
use sisun_viz::page::AnalysisPage;
use std::path::PathBuf;

/// Show the same word in several texts: its vectors layer by layer, and the heads that tell its senses
/// apart.
///
/// Of each place of the word the vectors in the residual stream (the mean over its tokens) are compared
/// after the embedding and after each layer, by their cosine distance. A head is ranked by how far its
/// outputs move the places apart, with the token that it attends to most from each. Pictures show the
/// distances, the heads, and the places along the two principal components of each layer.
///
/// A language model with a causal mask sees only what comes before the word: put the words that tell
/// the sense before it. The encoder of a sequence-to-sequence run sees the whole source.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun senses runs/quickstart --word cat --text \"The cat sat.\" --text \"She fed the cat.\"
  sisun senses runs/quickstart --word the --text \"the cat saw the kite\" --top 3
  sisun senses runs/quickstart --word cat --text \"The cat sat.\" --text \"She fed the cat.\" --format html,png,npz")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The word, as the texts spell it
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    word: String,
    /// A text with the word; give several
    #[arg(long, value_name = "TEXT", required = true, value_parser = given_text::argument)]
    text: Vec<String>,
    /// The occurrence of the word in each text, from 1 [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: Option<u32>,
    /// Number of heads to list
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    let asked = AskedWord {
        word: args.word.clone(),
        occurrence: args.occurrence.map(|number| number as usize),
    };
    let senses = match crate::pairs::run_of(&args.run) {
        Some(run) => crate::pairs::open(&run, device)?.senses(&asked, &args.text)?,
        None => {
            let opened = analysis::open(&args.run, None, device, "")?;
            for text in &args.text {
                analysis::note_text(&opened, text, device)?;
            }
            opened.loaded.senses(&asked, &args.text)?
        }
    };
    let joined = args.text.join(" / ");
    let found = Analysis {
        name: "senses",
        text: &joined,
        sheets: match output.format.is_empty() {
            true => Vec::new(),
            false => senses_sheets(&senses),
        },
    };
    let page = |language| AnalysisPage {
        title: senses.model.clone(),
        text: joined.clone(),
        details: Vec::new(),
        notes: notes(&senses, language),
    };
    let files = output.write(&found, || senses_npz(&senses), page, device)?;
    if output.json {
        let mut object = serde_json::to_value(&senses)?;
        object["notes"] = json!(notes(&senses, Language::English));
        object["files"] = json!(files);
        return say_json(&object);
    }
    if !output.format.is_empty() {
        return analysis::say_files(&files);
    }
    say(&table(&senses, usize::from(args.top)))
}

/// Say which tokens the word is, and what the mask forbids.
fn notes(senses: &Senses, language: Language) -> Vec<String> {
    let korean = language == Language::Korean;
    let places = senses.places.iter().enumerate().map(|(number, place)| {
        let text = &senses.texts[place.text];
        let tokens = place.tokens.iter().map(|&at| {
            let token = &text.tokens[at];
            format!("{at}:{:?}", token.text)
        });
        let tokens = tokens.collect::<Vec<_>>().join(" ");
        let (number, of) = (number + 1, place.text + 1);
        match korean {
            true => format!("{number}: 글 {of}의 토큰 {tokens}"),
            false => format!("{number}: text {of}, token {tokens}"),
        }
    });
    let same: Vec<String> = senses
        .pairs()
        .filter(|pair| senses.is_same(*pair))
        .map(|[a, b]| format!("{} – {}", a + 1, b + 1))
        .collect();
    let word = &senses.word;
    let mask = match (senses.causal, korean) {
        (false, false) => {
            "Every token sees the whole text, before and after it: the words around can change the vectors of the word from the first layer on.".to_owned()
        }
        (false, true) => {
            "모든 토큰이 앞뒤의 글 전체를 보므로, 첫 레이어부터 주변 단어에 따라 이 단어의 벡터가 달라질 수 있습니다.".to_owned()
        }
        (true, false) => format!(
            "The causal mask hides what comes after {word:?}: only the words before it can tell its senses apart."
        ),
        (true, true) => format!(
            "인과 마스크가 \"{word}\" 뒤의 글을 가리므로, 앞에 오는 단어만 이 단어의 뜻을 가를 수 있습니다."
        ),
    };
    let kept = (!same.is_empty()).then(|| {
        let same = same.join(", ");
        match korean {
            true => format!(
                "{same}: 단어까지의 토큰이 모두 같아 어느 레이어에서도 벡터가 같습니다. 뜻을 가르는 말을 단어 앞에 두거나, 양방향 인코더를 쓰는 모델로 살펴보세요."
            ),
            false => format!(
                "{same}: no token differs up to the end of the word, so the vectors are the same in every layer. Put the words that tell the sense before it, or look at a model whose encoder sees both sides."
            ),
        }
    });
    let added = senses.positions_differ.then(|| match korean {
        true => "위치마다 벡터를 더하는 모델이라, 자리의 위치가 다르면 임베딩에서 이미 벡터가 다릅니다.".to_owned(),
        false => "Vectors are added for positions: places at different positions differ at the embedding already.".to_owned(),
    });
    places.chain([mask]).chain(kept).chain(added).collect()
}

fn table(senses: &Senses, top: usize) -> String {
    let mut parts = vec![format!(
        "{:?} in {} places:\n{}",
        senses.word,
        senses.places.len(),
        notes(senses, Language::English)
            .iter()
            .map(|note| format!("  {note}"))
            .collect::<Vec<_>>()
            .join("\n")
    )];
    parts.push(in_blocks(
        &distances(senses),
        terminal_width(),
        &[Align::Left, Align::Right],
    ));
    parts.push(match senses.separates {
        None => "the vectors do not separate in any layer".to_owned(),
        Some(row) => format!(
            "after {} the places are for the first time at least half as far apart as they ever are",
            match row {
                0 => "the embedding",
                row => &senses.rows[row].name,
            }
        ),
    });
    if senses.separates.is_some() {
        parts.push(in_blocks(
            &heads(senses, top),
            terminal_width(),
            &[Align::Left, Align::Right],
        ));
    }
    parts.join("\n\n")
}

/// Return the distances of the places, a row for each layer.
fn distances(senses: &Senses) -> Vec<Vec<String>> {
    let pairs: Vec<[usize; 2]> = senses.pairs().collect();
    let mut heading = vec!["cosine distance".to_owned()];
    heading.extend(pairs.iter().map(|[a, b]| format!("{} – {}", a + 1, b + 1)));
    if pairs.len() > 1 {
        heading.push("mean".to_owned());
    }
    heading.push("other tokens".to_owned());
    let mut rows = vec![heading];
    for (number, found) in senses.rows.iter().enumerate() {
        let mut row = vec![found.name.clone()];
        row.extend(pairs.iter().map(|pair| match senses.is_same(*pair) {
            true => "same".to_owned(),
            false => format!("{:.4}", senses.distance(number, *pair)),
        }));
        if pairs.len() > 1 {
            row.push(format!("{:.4}", found.mean));
        }
        row.push(found.others.map_or("-".to_owned(), |x| format!("{x:.4}")));
        rows.push(row);
    }
    rows
}

/// Return the heads that move the places apart most, with what each attends to.
fn heads(senses: &Senses, top: usize) -> Vec<Vec<String>> {
    let mut heading = vec!["head".to_owned(), "moves apart".to_owned()];
    heading.extend((0..senses.places.len()).map(|place| format!("{} attends to", place + 1)));
    let mut rows = vec![heading];
    for found in senses.heads.iter().take(top) {
        let mut row = vec![found.head.to_string(), format!("{:.4}", found.moved)];
        let attended = found.attends.iter();
        row.extend(attended.map(|one| format!("{:?} {:.0}%", one.text, 100.0 * one.weight)));
        rows.push(row);
    }
    rows
}
