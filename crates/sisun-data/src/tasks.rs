//! Generated tasks with one right answer each, whose solution depends on order and distance.
//!
//! An example is a prompt that ends with `>` and an answer that ends with `.`; a model is trained
//! on the answer alone. The tasks are those of the literature on length generalisation (Kazemnejad
//! et al. 2023, §4 and appendix; Zhou et al. 2024; Arora et al. 2024 for associative recall).

mod arithmetic;

use crate::random::below;
use rand::{Rng, RngExt};
use serde_json::json;
use sisun_config::randomness;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

/// The symbols of all tasks, by id. The first pads rows and occurs in no example.
pub const SYMBOLS: &str = "_>.+=,0123456789abcdefghijklmnop";

/// The number of letters to copy, sort and recall.
const LETTERS: usize = 16;

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// `cab>cab.`, letters at random.
    Copy,
    /// `aaa>aaa.`, one letter again and again.
    CopyRepeated,
    /// `cab>cabcab.`, letters twice.
    CopyTwice,
    /// `cab>bac.`, letters reversed.
    Reverse,
    /// `73+58>131.`: two numbers with the same number of digits.
    Addition,
    /// `73+58>3+8+0=11,7+5+1=13,131.`: digit by digit from the last, with the carry, then the sum.
    AdditionScratchpad,
    /// `cab>abc.`, letters sorted.
    Sort,
    /// `a3b7c1b>7.`: the digit that stood after the letter.
    Recall,
    /// `10110>1.`: 1 if the number of ones is odd, else 0.
    Parity,
    /// `10110>1.`: the more frequent digit.
    Majority,
}

/// One prompt and its one right answer, as ids of [`SYMBOLS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The prompt, which ends with `>`.
    pub prompt: Vec<u32>,
    /// The answer, which ends with `.`.
    pub answer: Vec<u32>,
}

const NAMES: [(&str, Task); 10] = [
    ("copy", Task::Copy),
    ("copy-repeated", Task::CopyRepeated),
    ("copy-twice", Task::CopyTwice),
    ("reverse", Task::Reverse),
    ("addition", Task::Addition),
    ("addition-scratchpad", Task::AdditionScratchpad),
    ("sort", Task::Sort),
    ("recall", Task::Recall),
    ("parity", Task::Parity),
    ("majority", Task::Majority),
];

impl Task {
    /// Iterate over all tasks.
    pub fn all() -> impl Iterator<Item = Task> {
        NAMES.iter().map(|(_, task)| *task)
    }

    /// Return the greatest length. Recall needs a different letter for each pair.
    pub fn longest(self) -> usize {
        if self == Task::Recall {
            LETTERS
        } else {
            usize::MAX
        }
    }

    /// Return the number of tokens, prompt and answer, of the longest example of a length.
    pub fn most_tokens(self, length: usize) -> usize {
        match self {
            Task::Copy | Task::CopyRepeated | Task::Reverse | Task::Sort => 2 * length + 2,
            Task::CopyTwice => 3 * length + 2,
            Task::Addition => 3 * length + 4,
            // The sum has one digit more; of the lines `a+b+c=dd,` only the last is certain
            // to need its second digit.
            Task::AdditionScratchpad => 2 * length + 2 + 9 * length + length + 2,
            Task::Recall => 2 * length + 4,
            Task::Parity | Task::Majority => length + 3,
        }
    }

    /// Return an example with `length` letters, digits or pairs.
    ///
    /// # Panics
    /// If the length is 0 or above [`Task::longest`].
    pub fn example(self, length: usize, rng: &mut impl Rng) -> Example {
        assert!(
            (1..=self.longest()).contains(&length),
            "{self} has no examples of length {length}"
        );
        let mut letters =
            || -> String { (0..length).map(|_| letter(below(rng, LETTERS))).collect() };
        let (prompt, answer) = match self {
            Task::Copy => {
                let text = letters();
                (text.clone(), text)
            }
            Task::CopyRepeated => {
                let text = letter(below(rng, LETTERS)).to_string().repeat(length);
                (text.clone(), text)
            }
            Task::CopyTwice => {
                let text = letters();
                (text.clone(), text.repeat(2))
            }
            Task::Reverse => {
                let text = letters();
                (text.clone(), text.chars().rev().collect())
            }
            Task::Sort => {
                let text = letters();
                let mut sorted: Vec<char> = text.chars().collect();
                sorted.sort_unstable();
                (text, sorted.into_iter().collect())
            }
            Task::Addition => arithmetic::addition(length, false, rng),
            Task::AdditionScratchpad => arithmetic::addition(length, true, rng),
            Task::Recall => recall(length, rng),
            Task::Parity => {
                let bits = bits(length, rng);
                let odd = bits.matches('1').count() % 2;
                (bits, odd.to_string())
            }
            Task::Majority => majority(length, rng),
        };
        Example {
            prompt: ids(&(prompt + ">")),
            answer: ids(&(answer + ".")),
        }
    }
}

/// Convert text of [`SYMBOLS`] to ids.
fn ids(text: &str) -> Vec<u32> {
    let id = |c| {
        SYMBOLS
            .chars()
            .position(|symbol| symbol == c)
            .expect("tasks write symbols only") as u32
    };
    text.chars().map(id).collect()
}

/// Write examples as JSON lines with the fields `prompt` and `answer`; lengths are drawn from these
/// two and all between.
///
/// # Errors
/// If writing fails.
///
/// # Panics
/// If the task has no examples of a length.
pub fn write_examples(
    task: Task,
    (shortest, longest): (usize, usize),
    count: u64,
    seed: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    for i in 0..count {
        let mut rng = randomness::stream(seed, "examples", i);
        let length = rng.random_range(shortest as u64..=longest as u64) as usize;
        let Example { prompt, answer } = task.example(length, &mut rng);
        let record = json!({ "prompt": text(&prompt), "answer": text(&answer) });
        writeln!(to, "{record}")?;
    }
    Ok(())
}

/// Convert ids to text.
pub fn text(ids: &[u32]) -> String {
    let symbols: Vec<char> = SYMBOLS.chars().collect();
    ids.iter()
        .map(|&id| symbols.get(id as usize).copied().unwrap_or('?'))
        .collect()
}

fn letter(i: usize) -> char {
    char::from(b'a' + i as u8)
}

fn bits(length: usize, rng: &mut impl Rng) -> String {
    (0..length)
        .map(|_| if below(rng, 2) == 1 { '1' } else { '0' })
        .collect()
}

fn majority(length: usize, rng: &mut impl Rng) -> (String, String) {
    loop {
        let bits = bits(length, rng);
        let ones = bits.matches('1').count();
        if 2 * ones != length {
            return (bits, u8::from(2 * ones > length).to_string());
        }
    }
}

fn recall(pairs: usize, rng: &mut impl Rng) -> (String, String) {
    let mut letters: Vec<char> = (0..LETTERS).map(letter).collect();
    for i in 0..pairs {
        letters.swap(i, i + below(rng, LETTERS - i));
    }
    let digits: Vec<usize> = (0..pairs).map(|_| below(rng, 10)).collect();
    let asked = below(rng, pairs);
    let said: String = letters
        .iter()
        .zip(&digits)
        .map(|(letter, digit)| format!("{letter}{digit}"))
        .collect();
    (
        format!("{said}{}", letters[asked]),
        digits[asked].to_string(),
    )
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            NAMES
                .iter()
                .find(|(_, task)| task == self)
                .map_or("", |(name, _)| name),
        )
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || NAMES.map(|(known, _)| known).join(", ");
        let found = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, task)| *task);
        found.ok_or_else(|| format!("no task is called {name:?}; there are {}", known()))
    }
}

#[cfg(test)]
mod tests;
