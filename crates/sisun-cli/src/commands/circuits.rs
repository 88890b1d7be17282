//! `sisun circuits`.

use crate::analysis::{self, Analysis, AnalysisOutput, Shows};
use crate::columns::{Align, aligned, signed_decimals, three_decimals};
use crate::common::DeviceArgs;
use crate::given_text;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::{Value, json};
use sisun_infer::{
    Circuits, CircuitsOptions, Composition, HeadIndex, HeadName, InferError, LanguageModel,
    MappedPair, VocabularyCircuit, VocabularyMap,
};
use sisun_viz::analysis::{circuits_npz, circuits_sheets};
use sisun_viz::page::AnalysisPage;
use std::path::PathBuf;

/// Show what the weights of heads do, without any text.
///
/// copying: whether a head that attends to a token raises the logit of the same token. It is the sum
/// of the eigenvalues of W_E·W_V·W_O·W_U over the sum of their moduli: 1 for a head that copies, -1
/// for one that does the opposite. composition: how much of what one head writes a later head reads
/// in its queries (Q), keys (K) or values (V), ‖A·B‖/(‖A‖·‖B‖) of their matrices, beside the mean of
/// heads with random weights (Elhage et al. 2021). --head shows the OV and QK circuits of one head as
/// maps from tokens to tokens; the QK map is multiplied by the factor of the scores, 1/√d_head.
///
/// Norms and biases are left out. With rotary positions queries and keys depend on their distance,
/// which --distance chooses; with QK-norm they are not defined by the weights, and no number is
/// shown.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun circuits runs/quickstart
  sisun circuits runs/quickstart --distance 1 --top 10
  sisun circuits runs/quickstart --head 1.2
  sisun circuits runs/quickstart --head 1.2 --token \" cat\" --distance 1
  sisun circuits runs/quickstart --format html,png,npz")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// One head, as in 1.2 (layer 1, head 2) or last.0: its OV and QK circuits over the vocabulary
    #[arg(
        long,
        value_name = "LAYER.HEAD",
        conflicts_with = "format",
        allow_negative_numbers = true
    )]
    head: Option<HeadIndex>,
    /// With --head: the token whose row is shown
    #[arg(long, value_name = "TEXT", requires = "head", value_parser = given_text::argument)]
    token: Option<String>,
    /// With rotary positions: the number of tokens from the key to the query
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..1 << 24))]
    distance: Option<u32>,
    /// Number of pairs to list [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top: Option<u16>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    device: DeviceArgs,
}

impl Args {
    /// Return the number of pairs to list.
    fn listed(&self) -> usize {
        self.top.map_or(5, usize::from)
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    if args.head.is_none() {
        output.check_used("--top", args.top.is_some(), &[Shows::Table])?;
    }
    let opened = analysis::open(
        &args.run,
        None,
        device,
        "`sisun attend` and `sisun explain` show what such a run looks at",
    )?;
    if args.distance.is_some() && opened.loaded.model.config().qk_norm {
        device.note(
            "note: --distance changes nothing here: with QK-norm the weights do not define queries and keys",
        );
    }
    let asked = CircuitsOptions {
        distance: args.distance.map(|distance| distance as usize),
    };
    if let Some(head) = args.head {
        let head = head.of(opened.loaded.model.config())?;
        return of_head(&args, &opened.loaded, head, asked);
    }
    let circuits = opened.loaded.circuits(asked)?;
    let undefined = circuits.composition.iter().filter_map(not_defined);
    let found = Analysis {
        name: "circuits",
        text: "",
        sheets: match output.format.is_empty() {
            true => Vec::new(),
            false => circuits_sheets(&circuits),
        },
    };
    let page = |_| AnalysisPage {
        title: circuits.model.clone(),
        text: String::new(),
        details: Vec::new(),
        notes: undefined.clone().collect(),
    };
    let files = output.write(&found, || circuits_npz(&circuits), page, device)?;
    if output.json {
        return say_json(&as_json(&circuits, &opened.loaded, &files));
    }
    if !output.format.is_empty() {
        undefined.for_each(|why| device.note(&format!("note: {why}")));
        return analysis::say_files(&files);
    }
    say(&copying(&circuits))?;
    for composition in &circuits.composition {
        say("")?;
        say(&compositions(&circuits, composition, args.listed()))?;
    }
    Ok(())
}

/// Say why a composition is not defined, if so.
fn not_defined(composition: &Composition) -> Option<String> {
    let why = composition.scores.as_ref().err()?;
    Some(format!(
        "{}-composition is not defined for this model: {why}",
        composition.mode
    ))
}

fn copying(circuits: &Circuits) -> String {
    let heads = (0..circuits.n_heads).map(|head| format!("head {head}"));
    let mut rows = vec![["copying".to_owned()].into_iter().chain(heads).collect()];
    for (layer, scores) in circuits.copying.chunks_exact(circuits.n_heads).enumerate() {
        let scores = scores.iter().map(|score| match score.is_nan() {
            true => "-".to_owned(),
            false => three_decimals(*score),
        });
        rows.push(
            [format!("layer {layer}")]
                .into_iter()
                .chain(scores)
                .collect(),
        );
    }
    aligned(&rows, &[Align::Left, Align::Right])
}

fn compositions(circuits: &Circuits, composition: &Composition, top: usize) -> String {
    let Ok(scores) = &composition.scores else {
        return not_defined(composition).unwrap_or_default();
    };
    let (heads, all) = (circuits.n_heads, circuits.n_layers * circuits.n_heads);
    let mut pairs: Vec<(usize, usize, f64)> = (0..all)
        .flat_map(|from| (0..all).map(move |to| (from, to)))
        .filter(|(from, to)| from / heads < to / heads)
        .map(|(from, to)| (from, to, scores[from * all + to]))
        .collect();
    if pairs.is_empty() {
        return format!(
            "{}-composition: one layer, so no head reads another",
            composition.mode
        );
    }
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2));
    let named = |head: usize| format!("{}.{}", head / heads, head % heads);
    let mut rows = vec![
        ["reads", "from", "score", "above random"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(pairs.iter().take(top).map(|&(from, to, score)| {
        let above = score - circuits.baseline.mean;
        vec![
            named(to),
            named(from),
            three_decimals(score),
            signed_decimals(above),
        ]
    }));
    let baseline = circuits.baseline;
    format!(
        "{}-composition, the largest of {} pairs (random heads: {:.3} ± {:.3}):\n{}",
        composition.mode,
        pairs.len(),
        baseline.mean,
        baseline.deviation,
        aligned(&rows, &[Align::Left, Align::Left, Align::Right])
    )
}

fn as_json(circuits: &Circuits, loaded: &LanguageModel, files: &[PathBuf]) -> Value {
    let heads = circuits.n_heads;
    let nested = |scores: &[f64]| -> Vec<Vec<f64>> {
        scores.chunks_exact(heads).map(<[f64]>::to_vec).collect()
    };
    let composition = |one: &Composition| {
        let pairs = one.scores.as_ref().ok().map(|scores| {
            let of_layer = scores.chunks_exact(heads * circuits.n_layers * heads);
            let of_head = |scores: &[f64]| -> Vec<Vec<Vec<f64>>> {
                scores
                    .chunks_exact(circuits.n_layers * heads)
                    .map(nested)
                    .collect()
            };
            of_layer.map(of_head).collect::<Vec<_>>()
        });
        json!({ "mode": one.mode, "scores": pairs, "undefined": one.scores.as_ref().err() })
    };
    json!({
        "model": loaded.name,
        "step": loaded.step,
        "copying": nested(&circuits.copying),
        "composition": circuits.composition.iter().map(composition).collect::<Vec<_>>(),
        "baseline": circuits.baseline,
        "files": files,
    })
}

/// Show the circuits of one head over the vocabulary.
fn of_head(
    args: &Args,
    loaded: &LanguageModel,
    head: HeadName,
    asked: CircuitsOptions,
) -> Result<()> {
    let token = args.token.as_deref();
    let token = token
        .map(|text| loaded.one_token("--token", text))
        .transpose()?;
    let top = args.listed();
    let map = |circuit| loaded.vocabulary_map(circuit, head, token, top, asked);
    let ov = map(VocabularyCircuit::Ov)?;
    let qk = match map(VocabularyCircuit::Qk) {
        Err(InferError::Undefined { what, why }) => {
            Err(format!("{what} is not defined for this model: {why}"))
        }
        found => Ok(found?),
    };
    if args.output.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "head": head,
            "ov": ov,
            "qk": qk.as_ref().ok(),
            "qk_undefined": qk.as_ref().err(),
        }));
    }
    say(&format!(
        "OV: what attending to a token adds to the logit of another, head {head}"
    ))?;
    say(&pairs(&ov, ["attends to", "raises", "logit"]))?;
    say(&format!(
        "{:.1}% of the tokens raise themselves most",
        100.0 * ov.own
    ))?;
    say("")?;
    match &qk {
        Err(why) => say(&format!("QK: {why}")),
        Ok(qk) => {
            say(&format!(
                "QK: how much one token attends to another, head {head}, times {} as in the scores",
                scale_of(loaded)
            ))?;
            say(&pairs(qk, ["query", "attends to", "score"]))?;
            say(&format!(
                "{:.1}% of the tokens attend most to themselves",
                100.0 * qk.own
            ))
        }
    }
}

/// Describe the factor on `q·k`.
fn scale_of(loaded: &LanguageModel) -> String {
    let config = loaded.model.config();
    let (scale, d_head) = (config.score_scale(), config.d_head());
    match (scale - 1.0 / (d_head as f64).sqrt()).abs() < 1e-9 {
        true => format!("1/√d_head = 1/√{d_head}"),
        false => format!("{scale}"),
    }
}

/// Return the pairs of a map: those of the row that was asked for, or the largest of all.
fn pairs(map: &VocabularyMap, heading: [&str; 3]) -> String {
    let shown = match map.of_token.is_empty() {
        true => &map.largest,
        false => &map.of_token,
    };
    let row = |pair: &MappedPair| {
        vec![
            format!("{:?}", pair.from.text),
            format!("{:?}", pair.to.text),
            signed_decimals(f64::from(pair.value)),
        ]
    };
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(row));
    aligned(&rows, &[Align::Left, Align::Left, Align::Right])
}
