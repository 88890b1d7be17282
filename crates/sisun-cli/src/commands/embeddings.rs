//! `sisun embeddings`.

use crate::analysis::{self, Analysis, AnalysisOutput, Shows};
use crate::columns::{Align, aligned, three_decimals};
use crate::common::DeviceArgs;
use crate::given_text;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_infer::{Components, EmbeddingMap, LanguageModel};
use sisun_viz::analysis::{embeddings_npz, embeddings_sheets};
use sisun_viz::page::AnalysisPage;
use std::path::PathBuf;

/// Show the embeddings of a model: the nearest tokens of a token, and principal components.
///
/// --near lists the tokens whose embeddings point most in the same direction, by the cosine of the
/// angle between them. Without it the embeddings of all tokens, and the vectors that are added for
/// positions, are laid along the two directions in which they differ most (PCA): pictures and the
/// page show them, the table lists the tokens at the ends.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun embeddings runs/quickstart
  sisun embeddings runs/quickstart --near \" cat\" --top 10
  sisun embeddings runs/quickstart --format html,png,npz")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The token whose nearest tokens are listed
    #[arg(long, value_name = "TEXT", conflicts_with = "format", value_parser = given_text::argument)]
    near: Option<String>,
    /// Number of tokens to list [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top: Option<u16>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    let top = args.top.map_or(5, usize::from);
    if args.near.is_none() {
        output.check_used("--top", args.top.is_some(), &[Shows::Table])?;
    }
    let opened = analysis::open(
        &args.run,
        None,
        device,
        "`sisun attend` and `sisun explain` show what such a run looks at",
    )?;
    let loaded = &opened.loaded;
    if let Some(text) = &args.near {
        return near(&args, loaded, text, top);
    }
    let map = loaded.embedding_map();
    let found = Analysis {
        name: "embeddings",
        text: "",
        sheets: match output.format.is_empty() {
            true => Vec::new(),
            false => embeddings_sheets(&map),
        },
    };
    let page = |_| AnalysisPage {
        title: map.model.clone(),
        ..AnalysisPage::default()
    };
    let files = output.write(&found, || embeddings_npz(&map), page, device)?;
    if output.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "tokens": map.of_tokens,
            "positions": map.of_positions,
            "files": files,
        }));
    }
    match output.format.is_empty() {
        true => say(&table(&map, top)),
        false => analysis::say_files(&files),
    }
}

fn near(args: &Args, loaded: &LanguageModel, text: &str, top: usize) -> Result<()> {
    let id = loaded.one_token("--near", text)?;
    let found = loaded.nearest_tokens(id, top)?;
    if args.output.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "token": id,
            "nearest": found,
        }));
    }
    let mut rows = vec![["token", "cosine"].map(str::to_owned).to_vec()];
    rows.extend(
        found
            .iter()
            .map(|token| vec![format!("{:?}", token.text), three_decimals(token.cosine)]),
    );
    say(&aligned(&rows, &[Align::Left, Align::Right]))
}

fn table(map: &EmbeddingMap, top: usize) -> String {
    let mut rows = vec![
        ["component", "variance", "lowest", "highest"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut add = |what: &str, found: &Components, labels: &[String]| {
        let count = found.shares.len();
        for (component, share) in found.shares.iter().enumerate() {
            let along = |row: &usize| found.coordinates[row * count + component];
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by(|a, b| along(a).total_cmp(&along(b)));
            let listed = |rows: Vec<usize>| {
                let ends = rows.into_iter().take(top);
                let ends: Vec<&str> = ends.map(|row| labels[row].as_str()).collect();
                ends.join(" ")
            };
            rows.push(vec![
                format!("{what} {}", component + 1),
                format!("{:.1}%", 100.0 * share),
                listed(order.clone()),
                listed(order.into_iter().rev().collect()),
            ]);
        }
    };
    let tokens: Vec<String> = map.tokens.iter().map(|text| format!("{text:?}")).collect();
    add("tokens", &map.of_tokens, &tokens);
    if let Some(found) = &map.of_positions {
        let count = found.coordinates.len() / found.shares.len().max(1);
        let positions: Vec<String> = (0..count).map(|position| position.to_string()).collect();
        add("positions", found, &positions);
    }
    aligned(&rows, &[Align::Left, Align::Right, Align::Left])
}
