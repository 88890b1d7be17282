//! The tasks and what can be chosen of them.

use std::fmt;
use std::str::FromStr;

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairTask {
    /// `cab` to `cab`, letters at random.
    Copy,
    /// `cab` to `bac`.
    Reverse,
    /// `1997년 3월 5일 수요일` and `Wednesday, 5 March 1997` to `1997-03-05`.
    Dates,
    /// `삼만 오천이백칠` and `thirty-five thousand, two hundred and seven` to `35207`.
    Numbers,
    /// `신라` to `silla`.
    Romanization,
    /// `민수는 어제 배를 탔다.` to `Minsu took a boat yesterday.`
    Translation,
}

/// The tasks, by name, with the purpose of their random streams.
const TASKS: [(&str, PairTask, &str); 6] = [
    ("copy", PairTask::Copy, "pairs: copy"),
    ("reverse", PairTask::Reverse, "pairs: reverse"),
    ("dates", PairTask::Dates, "pairs: dates"),
    ("numbers", PairTask::Numbers, "pairs: numbers"),
    (
        "romanization",
        PairTask::Romanization,
        "pairs: romanization",
    ),
    ("translation", PairTask::Translation, "pairs: translation"),
];

impl PairTask {
    /// Iterate over all tasks.
    pub fn all() -> impl Iterator<Item = Self> {
        TASKS.iter().map(|(_, task, _)| *task)
    }

    /// Return the purpose of the task's random streams.
    pub(super) fn purpose(self) -> &'static str {
        let of_this = TASKS.iter().find(|(_, task, _)| *task == self);
        of_this.map_or("", |(_, _, purpose)| purpose)
    }
}

impl fmt::Display for PairTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_this = TASKS.iter().find(|(_, task, _)| task == self);
        f.write_str(of_this.map_or("", |(name, _, _)| name))
    }
}

impl FromStr for PairTask {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = TASKS.iter().find(|(known, _, _)| *known == name);
        found.map(|(_, task, _)| *task).ok_or_else(|| {
            let known = TASKS.map(|(known, _, _)| known).join(", ");
            format!("no task of pairs is called {name:?}; there are {known}")
        })
    }
}

/// The language of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PairLanguage {
    /// Korean, `ko`.
    Korean,
    /// English, `en`.
    English,
    /// Either at random, `both`. A translation is from Korean.
    #[default]
    Both,
}

impl FromStr for PairLanguage {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        match code {
            "ko" => Ok(Self::Korean),
            "en" => Ok(Self::English),
            "both" => Ok(Self::Both),
            other => Err(format!(
                "{other:?} is not a language of pairs; choose `ko`, `en` or `both`"
            )),
        }
    }
}

/// How a romanization's source is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hangul {
    /// As syllables, `syllables`: 신라.
    #[default]
    Syllables,
    /// Letter by letter, `letters`: ㅅㅣㄴㄹㅏ.
    Letters,
}

impl FromStr for Hangul {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "syllables" => Ok(Self::Syllables),
            "letters" => Ok(Self::Letters),
            other => Err(format!(
                "Hangul is written in `syllables` or `letters`, not in {other:?}"
            )),
        }
    }
}

/// What can be chosen of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairTaskOptions {
    /// Shortest and longest source of [`PairTask::Copy`] and [`PairTask::Reverse`], in letters.
    pub lengths: (usize, usize),
    /// Fewest and most digits of [`PairTask::Numbers`], at most [`PairTaskOptions::MOST_DIGITS`].
    pub digits: (usize, usize),
    /// Language of the sources of dates, numbers and translations.
    pub language: PairLanguage,
    /// Form of the sources of [`PairTask::Romanization`].
    pub hangul: Hangul,
}

impl PairTaskOptions {
    /// The largest number of digits: below 10¹⁶, quadrillions and 천조.
    pub const MOST_DIGITS: usize = 16;
}

impl Default for PairTaskOptions {
    fn default() -> Self {
        Self {
            lengths: (4, 40),
            digits: (1, 8),
            language: PairLanguage::Both,
            hangul: Hangul::Syllables,
        }
    }
}
