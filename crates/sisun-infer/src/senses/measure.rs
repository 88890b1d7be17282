//! Distances of the places, and what each head adds to them.

use super::read::{Reading, Source};
use super::{
    AskedWord, AttendedToken, HeadDifference, SameVectors, SenseRow, SenseText, Senses, WordPlace,
};
use crate::HeadName;
use crate::attention_maps::Token;
use crate::matrix::{Matrix, squared_norm};
use crate::principal::components_of_few;
use sisun_config::{ModelConfig, Position};

/// Compare the places in what has been read.
pub(super) fn measure(
    source: &Source<'_>,
    asked: &AskedWord,
    texts: &[String],
    tokens: Vec<Vec<Token>>,
    places: Vec<WordPlace>,
    readings: &[Reading],
) -> Senses {
    let d_model = source.config.d_model;
    let n_rows = readings.first().map_or(0, Reading::rows);
    let found = (0..n_rows).map(|row| row_of(row, &places, readings));
    let (rows, vectors): (Vec<SenseRow>, Vec<Vec<f32>>) = found.unzip();
    let same = match source.prefix_decides {
        true => same_vectors(&tokens, &places),
        false => Vec::new(),
    };
    let heads = heads(source, &tokens, &places, readings, &vectors);
    let texts = texts.iter().zip(tokens).map(|(text, tokens)| SenseText {
        text: text.clone(),
        tokens,
    });
    Senses {
        model: source.model.clone(),
        word: asked.word.trim().to_owned(),
        causal: source.config.causal,
        positions_differ: positions_differ(source.config, &places),
        texts: texts.collect(),
        separates: separates(&rows),
        places,
        rows,
        same,
        heads,
        vectors: vectors.concat(),
        d_model,
    }
}

/// Return true if vectors are added for positions and the places stand at different ones.
fn positions_differ(config: &ModelConfig, places: &[WordPlace]) -> bool {
    let is_added = matches!(config.position, Position::Learned | Position::Sinusoidal);
    is_added && places.windows(2).any(|two| two[0].tokens != two[1].tokens)
}

/// Return the first row whose mean distance is at least half of the largest.
fn separates(rows: &[SenseRow]) -> Option<usize> {
    // Rounding of float32 alone gives distances of about 1e-7.
    const NOTHING: f64 = 1e-6;
    let largest = rows.iter().map(|row| row.mean).fold(0.0, f64::max);
    let is_apart = |row: &SenseRow| largest > NOTHING && row.mean >= 0.5 * largest;
    rows.iter().position(is_apart)
}

/// Return the mean of some rows of `[pos, width]`.
fn mean_of(values: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    let mut mean = vec![0.0f64; width];
    for &row in rows {
        for (mean, x) in mean.iter_mut().zip(&values[row * width..][..width]) {
            *mean += f64::from(*x) / rows.len() as f64;
        }
    }
    mean.into_iter().map(|x| x as f32).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let dot: f64 = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum();
    1.0 - dot / (squared_norm(a) * squared_norm(b)).sqrt()
}

/// Return the places' distances in one row, and their vectors, `[place, d_model]`.
fn row_of(row: usize, places: &[WordPlace], readings: &[Reading]) -> (SenseRow, Vec<f32>) {
    let n = places.len();
    let d_model = readings.first().map_or(0, Reading::d_model);
    let vector =
        |place: &WordPlace| mean_of(readings[place.text].stream(row), d_model, &place.tokens);
    let vectors: Vec<Vec<f32>> = places.iter().map(vector).collect();
    let mut distances = vec![0.0; n * n];
    for a in 0..n {
        for b in 0..a {
            let found = distance(&vectors[a], &vectors[b]);
            (distances[a * n + b], distances[b * n + a]) = (found, found);
        }
    }
    let count = (n * n - n) as f64;
    let components = components_of_few(&Matrix::new(n, d_model, vectors.concat()), 2);
    let found = SenseRow {
        name: crate::LogitLens::row_name(row),
        mean: distances.iter().sum::<f64>() / count,
        distances,
        others: others(row, places, readings, &vectors),
        plane: components.coordinates,
        shares: [components.shares[0], components.shares[1]],
    };
    (found, vectors.concat())
}

/// Return the mean distance of the word's vectors from those of all tokens outside of it.
fn others(
    row: usize,
    places: &[WordPlace],
    readings: &[Reading],
    vectors: &[Vec<f32>],
) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for (text, reading) in readings.iter().enumerate() {
        let is_word = |token: usize| {
            let here = places.iter().filter(|place| place.text == text);
            here.into_iter().any(|place| place.tokens.contains(&token))
        };
        let tokens = reading.stream(row).chunks_exact(reading.d_model());
        for (_, own) in tokens.enumerate().filter(|(token, _)| !is_word(*token)) {
            sum += vectors
                .iter()
                .map(|vector| distance(vector, own))
                .sum::<f64>();
            count += vectors.len();
        }
    }
    (count > 0).then(|| sum / count as f64)
}

/// Return the pairs of places with the same tokens up to the end of the word.
fn same_vectors(tokens: &[Vec<Token>], places: &[WordPlace]) -> Vec<SameVectors> {
    let prefix = |place: &WordPlace| {
        let end = place.tokens.last().map_or(0, |last| last + 1);
        let read = tokens[place.text][..end].iter();
        (
            place.tokens.clone(),
            read.map(|token| token.id).collect::<Vec<_>>(),
        )
    };
    let prefixes: Vec<_> = places.iter().map(prefix).collect();
    let mut same = Vec::new();
    for a in 0..places.len() {
        let later = (a + 1..places.len()).filter(|&b| prefixes[a] == prefixes[b]);
        same.extend(later.map(|b| SameVectors(a, b)));
    }
    same
}

/// Measure every head; `streams` are the word's vectors by row, `[place, d_model]`.
fn heads(
    source: &Source<'_>,
    tokens: &[Vec<Token>],
    places: &[WordPlace],
    readings: &[Reading],
    streams: &[Vec<f32>],
) -> Vec<HeadDifference> {
    let config = source.config;
    let (d_head, d_model) = (config.d_head(), config.d_model);
    let mut found = Vec::new();
    for (layer, block) in source.blocks.iter().enumerate() {
        let w_o = Matrix::of(block.attn.o.weight.val());
        let lengths = streams[layer].chunks_exact(d_model);
        let length = lengths.map(|row| squared_norm(row).sqrt()).sum::<f64>() / places.len() as f64;
        for head in 0..config.n_heads {
            let z = places.iter().flat_map(|place| {
                let n = tokens[place.text].len();
                let of_head = &readings[place.text].z(layer)[head * n * d_head..][..n * d_head];
                mean_of(of_head, d_head, &place.tokens)
            });
            let z = Matrix::new(places.len(), d_head, z.collect());
            let outputs = z.times(&w_o.some_rows(head * d_head, d_head));
            let attends = places.iter().map(|place| {
                let tokens = &tokens[place.text];
                attended(readings[place.text].pattern(layer), head, tokens, place)
            });
            found.push(HeadDifference {
                head: HeadName { layer, head },
                moved: mean_difference(&outputs) / length,
                attends: attends.collect(),
            });
        }
    }
    found.sort_by(|a, b| b.moved.total_cmp(&a.moved).then(a.head.cmp(&b.head)));
    found
}

/// Return the mean distance of two different rows.
fn mean_difference(rows: &Matrix) -> f64 {
    let n = rows.rows;
    let apart = |a: usize, b: usize| {
        let squares = rows.row(a).iter().zip(rows.row(b));
        let squares = squares.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let pairs = (0..n).flat_map(|a| (0..a).map(move |b| (a, b)));
    let sum: f64 = pairs.map(|(a, b)| apart(a, b)).sum();
    sum / (n * (n - 1) / 2) as f64
}

/// Return the token that a head attends to most from a place.
fn attended(pattern: &[f32], head: usize, tokens: &[Token], place: &WordPlace) -> AttendedToken {
    let n = tokens.len();
    let weights = mean_of(&pattern[head * n * n..][..n * n], n, &place.tokens);
    let index = (0..n)
        .max_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(b.cmp(&a)))
        .unwrap_or(0);
    AttendedToken {
        index,
        text: tokens[index].text.clone(),
        weight: f64::from(weights[index]),
    }
}
