//! Worked examples of public lecture notes.

use super::given::OwnNumbers;

/// A worked example that comes with the program, as TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPreset {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub toml: &'static str,
}

/// The examples.
pub const PRESETS: [OwnPreset; 2] = [
    OwnPreset {
        name: "mat",
        toml: include_str!("presets/mat.toml"),
    },
    OwnPreset {
        name: "baekgopa",
        toml: include_str!("presets/baekgopa.toml"),
    },
];

impl OwnPreset {
    /// Return its numbers.
    pub fn numbers(self) -> OwnNumbers {
        OwnNumbers::read(self.toml).expect("the project's own file is right, as a test proves")
    }
}
