//! Selection of the instruction set.

use std::sync::OnceLock;

/// The environment variable that lowers the level found by [`Level::detect`]: `amx`, `avx512`,
/// `avx2` or `portable`.
const VARIABLE: &str = "SISUN_SIMD";

/// The processor features that matter to the kernels. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The baseline of this architecture (on ARM that includes NEON).
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
    /// Matrix tiles of bfloat16, in addition to 512-bit vectors.
    Amx,
}

/// A value of `SISUN_SIMD` that does not name a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel(String);

impl std::fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{VARIABLE} is {:?}: set it to amx, avx512, avx2 or portable, or leave it unset",
            self.0
        )
    }
}

impl std::error::Error for UnknownLevel {}

impl Level {
    /// Return the level of this process: the processor's, or the lower one that `SISUN_SIMD` names.
    pub fn current() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wanted = Self::requested().ok().flatten().unwrap_or(Self::Amx);
            Self::detect().min(wanted)
        })
    }

    /// Return the level that `SISUN_SIMD` requests, if it is set.
    ///
    /// # Errors
    /// If the value does not name a level; [`Level::current`] then ignores it.
    pub fn requested() -> Result<Option<Self>, UnknownLevel> {
        match std::env::var_os(VARIABLE) {
            None => Ok(None),
            Some(name) => match name.to_str().and_then(Self::named) {
                Some(level) => Ok(Some(level)),
                None => Err(UnknownLevel(name.to_string_lossy().into_owned())),
            },
        }
    }

    /// Return the level with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Amx]
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// Return the name used in `SISUN_SIMD` and in `sisun devices`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        match pulp::Arch::new() {
            pulp::Arch::V4(_) if super::amx_detection::amx_available() => Self::Amx,
            pulp::Arch::V4(_) => Self::Avx512,
            pulp::Arch::V3(_) => Self::Avx2,
            _ => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::Portable
    }
}

/// Return the vector instruction set to compute with.
#[cfg(target_arch = "x86_64")]
pub(crate) fn arch() -> pulp::Arch {
    use pulp::Arch;
    use pulp::x86::{V3, V4};
    match Level::current() {
        Level::Portable => Arch::Scalar,
        Level::Avx2 => V3::try_new().map_or(Arch::Scalar, Arch::V3),
        Level::Avx512 | Level::Amx => V4::try_new().map_or(Arch::Scalar, Arch::V4),
    }
}

/// Return the vector instruction set to compute with.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn arch() -> pulp::Arch {
    pulp::Arch::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const ALL: [Level; 4] = [Level::Portable, Level::Avx2, Level::Avx512, Level::Amx];

    #[test]
    fn levels_have_names() {
        assert!(ALL.is_sorted());
        for level in ALL {
            assert_eq!(Level::named(level.name()), Some(level));
        }
        for other in ["", "AVX2", "avx", "sse2", "avx512 "] {
            assert_eq!(Level::named(other), None, "{other:?}");
        }
    }

    /// The variable is an upper bound on the level; `the_tests_on_every_lower_level` gives it every
    /// value.
    #[test]
    fn the_environment_lowers_the_level_and_never_raises_it() {
        let wanted = std::env::var(VARIABLE)
            .ok()
            .and_then(|name| Level::named(&name));
        assert_eq!(
            Level::current(),
            Level::detect().min(wanted.unwrap_or(Level::Amx))
        );
        #[cfg(target_arch = "x86_64")]
        match Level::current() {
            Level::Portable => assert!(matches!(arch(), pulp::Arch::Scalar)),
            Level::Avx2 => assert!(matches!(arch(), pulp::Arch::V3(_))),
            Level::Avx512 | Level::Amx => assert!(matches!(arch(), pulp::Arch::V4(_))),
        }
    }

    /// Run this test binary again for each level below the current one. (The longest tests are
    /// skipped; other tests of the matrix product cover its differences.)
    #[test]
    fn the_tests_on_every_lower_level() {
        for level in ALL.into_iter().filter(|level| *level < Level::current()) {
            let output = Command::new(std::env::current_exe().expect("this binary"))
                .args([
                    "--skip",
                    "the_tests_on_every_lower_level",
                    "--skip",
                    "every_shape",
                ])
                .env(VARIABLE, level.name())
                .output()
                .expect("this binary runs");
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {text}{errors}", level.name());
            let ran = text
                .split("test result: ok. ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next()?.parse().ok());
            assert!(
                ran.is_some_and(|n: usize| n > 20),
                "{}: {ran:?} tests ran: {text}",
                level.name()
            );
        }
    }
}
