//! All readers on their stored corpus and on damaged inputs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sisun_fuzz::{READERS, Reader};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Return the stored inputs of a reader, sorted by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "{name} has a corpus");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Call the reader on the bytes, which must neither panic nor take long.
fn try_on(name: &str, read: Reader, bytes: &[u8]) {
    let begun = Instant::now();
    let survived = std::panic::catch_unwind(|| read(bytes)).is_ok();
    if !survived || begun.elapsed() > Duration::from_secs(20) {
        let kept = std::env::temp_dir().join(format!("sisun-fuzz-{name}"));
        fs::write(&kept, bytes).unwrap();
        panic!(
            "{name} {} {}",
            if survived {
                "takes too long over"
            } else {
                "panics at"
            },
            kept.display()
        );
    }
}

/// Damage an input at random: flip bits; remove, repeat or splice parts; insert huge numbers or
/// keywords.
fn damaged(rng: &mut StdRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    const WORDS: [&str; 14] = [
        "null",
        "-1",
        "0",
        "1e999",
        "18446744073709551615",
        "4294967296",
        "\"\"",
        "[]",
        "{}",
        "\"\\ud800\"",
        "NaN",
        "\u{FEFF}",
        "\r\n",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];
    let mut bytes = inputs[rng.random_range(0..inputs.len())].clone();
    for _ in 0..rng.random_range(1..5) {
        let n = bytes.len();
        let (a, b) = (rng.random_range(0..=n), rng.random_range(0..=n));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 64));
        match rng.random_range(0..7) {
            0 if n > 0 => bytes[a.min(n - 1)] ^= 1 << rng.random_range(0..8),
            1 => bytes.truncate(a),
            2 => drop(bytes.drain(from..to)),
            3 => bytes.splice(a..a, bytes[from..to].to_vec()).for_each(drop),
            4 => {
                let other = &inputs[rng.random_range(0..inputs.len())];
                let start = rng.random_range(0..=other.len());
                bytes
                    .splice(from..to, other[start..other.len().min(start + 64)].to_vec())
                    .for_each(drop);
            }
            5 => {
                // A value: from a colon, equals sign or comma to the next delimiter.
                let ends = |c: &u8| b",}]\n".contains(c);
                if let Some(start) = bytes[a..]
                    .iter()
                    .position(|c| b":=,[".contains(c))
                    .map(|at| a + at + 1)
                {
                    let end = bytes[start..]
                        .iter()
                        .position(ends)
                        .map_or(n, |at| start + at);
                    let word = WORDS[rng.random_range(0..WORDS.len())].bytes();
                    bytes.splice(start..end, word).for_each(drop);
                }
            }
            _ => bytes
                .splice(a..a, WORDS[rng.random_range(0..WORDS.len())].bytes())
                .for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_reader_takes_its_corpus() {
    for (name, read) in READERS {
        corpus(name)
            .iter()
            .for_each(|bytes| try_on(name, read, bytes));
    }
}

/// Try three hundred files per reader, always the same; with `SISUN_FUZZ_SECONDS`, other files for
/// this time.
#[test]
fn every_reader_takes_damaged_files() {
    let asked: Option<u64> = std::env::var("SISUN_FUZZ_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let seed = if asked.is_some() { rand::random() } else { 1 };
    for (name, read) in READERS {
        let inputs = corpus(name);
        let mut rng = StdRng::seed_from_u64(seed);
        let (begun, mut tried) = (Instant::now(), 0);
        while match asked {
            Some(seconds) => begun.elapsed() < Duration::from_secs(seconds),
            None => tried < 300,
        } {
            try_on(name, read, &damaged(&mut rng, &inputs));
            tried += 1;
        }
        println!("{name}: {tried} damaged files");
    }
}
