//! The kernel tests on every instruction set of the machine.

use sisun_kernels::Level;
use std::process::Command;

/// The environment variable that lowers the instruction set of a process.
const VARIABLE: &str = "SISUN_SIMD";

const LOWER: [Level; 3] = [Level::Avx512, Level::Avx2, Level::Portable];

#[test]
fn the_environment_lowers_the_level() {
    if let Some(wanted) = std::env::var(VARIABLE)
        .ok()
        .and_then(|name| Level::named(&name))
    {
        assert!(Level::current() <= wanted, "{:?}", Level::current());
    }
}

/// Run the kernel tests again in a process for each lower instruction set. (The unit tests do this
/// themselves.)
#[test]
fn every_level() {
    for level in LOWER.into_iter().filter(|level| *level < Level::current()) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["kernels::", "--skip", "every_level"])
            .env(VARIABLE, level.name())
            .output()
            .unwrap();
        let (text, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
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
