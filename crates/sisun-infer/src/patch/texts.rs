//! The two texts of a patching, and the tokens of each that correspond.

use super::options::{AlignedIndex, AlignedToken, PatchOptions, bad};
use crate::answer::AnswerToken;
use crate::attention_maps::{Token, counted};
use crate::{Index, InferError, LanguageModel};
use sisun_model::Pass;

/// Two texts, read.
pub(super) struct Texts {
    pub(super) clean: Vec<Token>,
    pub(super) corrupt: Vec<Token>,
    pub(super) answer: AnswerToken,
    pub(super) against: AnswerToken,
    /// Tokens that correspond.
    pub(super) aligned: Vec<AlignedToken>,
    /// Logit differences of the clean and the corrupt run.
    pub(super) differences: [f64; 2],
}

impl Texts {
    pub(super) fn ids(tokens: &[Token]) -> Vec<u32> {
        tokens.iter().map(|token| token.id).collect()
    }

    /// Return the recovered share of a difference.
    pub(super) fn recovered(&self, difference: f64) -> f64 {
        let [clean, corrupt] = self.differences;
        (difference - corrupt) / (clean - corrupt)
    }

    /// Return true if every token of either text corresponds to the same one of the other.
    pub(super) fn whole(&self) -> bool {
        self.clean.len() == self.corrupt.len()
            && self.aligned.len() == self.clean.len()
            && self.aligned.iter().all(|pair| pair.clean == pair.corrupt)
    }
}

impl LanguageModel {
    /// Read the two texts and compare the logits of the answers after each.
    pub(super) fn patch_texts(&self, options: &PatchOptions) -> Result<Texts, InferError> {
        let clean = self.tokens(&options.clean)?;
        let corrupt = self.tokens(&options.corrupt)?;
        self.check_length(clean.len().max(corrupt.len()))?;
        let token = |answer: &str| -> Result<AnswerToken, InferError> {
            let [first, second] =
                [&options.clean, &options.corrupt].map(|text| self.answer(text, answer));
            let (first, second) = (first?, second?);
            match first.id == second.id {
                true => Ok(first),
                false => Err(bad(format!(
                    "the answer {answer:?} begins with {:?} after the clean text and with {:?} after the corrupt one: end both texts alike",
                    first.text, second.text
                ))),
            }
        };
        let (answer, against) = (token(&options.answer)?, token(&options.against)?);
        if answer.id == against.id {
            return Err(InferError::SameAnswer { token: answer.text });
        }
        let aligned = aligned(&clean, &corrupt, &options.at_tokens)?;
        let difference = |tokens: &[Token]| -> f64 {
            let ids = self.row(&Texts::ids(tokens));
            let logits = sisun_model::to_host(self.model.forward_last(ids, Pass::default())).1;
            f64::from(logits[answer.id as usize]) - f64::from(logits[against.id as usize])
        };
        let differences = [difference(&clean), difference(&corrupt)];
        let [of_clean, of_corrupt] = differences;
        let gap = (of_clean - of_corrupt).abs();
        if gap.is_nan() || gap <= 1e-6 * of_clean.abs().max(1.0) {
            return Err(bad(format!(
                "after both texts the logit of {:?} less that of {:?} is {of_clean:.6}: there is no difference of which a share could be recovered",
                answer.text, against.text
            )));
        }
        Ok(Texts {
            clean,
            corrupt,
            answer,
            against,
            aligned,
            differences,
        })
    }
}

fn aligned(
    clean: &[Token],
    corrupt: &[Token],
    given: &[AlignedIndex],
) -> Result<Vec<AlignedToken>, InferError> {
    let found = |which: &str, asked: Index, tokens: &[Token]| {
        let found = asked
            .from_start(tokens.len())
            .filter(|at| *at < tokens.len());
        found.ok_or_else(|| {
            bad(format!(
                "--at-token: there is no token {asked} in the {which} text: {}, or -{} to -1 from the end",
                listed(tokens),
                tokens.len()
            ))
        })
    };
    let pair = |pair: &AlignedIndex| {
        Ok(AlignedToken {
            clean: found("clean", pair.clean, clean)?,
            corrupt: found("corrupt", pair.corrupt, corrupt)?,
        })
    };
    match (given.is_empty(), clean.len() == corrupt.len()) {
        (false, _) => given.iter().map(pair).collect(),
        (true, true) => Ok((0..clean.len())
            .map(|at| AlignedToken {
                clean: at,
                corrupt: at,
            })
            .collect()),
        (true, false) => Err(bad(format!(
            "the clean text has {} and the corrupt one {}: give texts of the same number, or name the tokens that correspond with --at-token CLEAN:CORRUPT\n  clean: {}\n  corrupt: {}",
            counted(clean.len()),
            corrupt.len(),
            listed(clean),
            listed(corrupt)
        ))),
    }
}

/// List tokens with their numbers.
fn listed(tokens: &[Token]) -> String {
    let one = |(number, token): (usize, &Token)| format!("{number} {:?}", token.text);
    tokens
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}
