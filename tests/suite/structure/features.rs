//! `cargo run` after `cargo test` builds few dependencies anew.

use std::collections::BTreeSet;
use std::process::Command;

/// Packages that have the feature `ndarray`, which only the tests ask for.
const WITH_NDARRAY: [&str; 6] = [
    "burn",
    "burn-core",
    "burn-dispatch",
    "burn-tensor",
    "sisun-kernels",
    "sisun-model",
];

/// Return the packages of a selection with their features, as they are built for this machine.
fn packages_with_features(selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(super::root())
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--format", "{p} [{f}]"])
        .args(selection)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_program_and_the_tests_use_dependencies_with_the_same_features() {
    let program =
        packages_with_features(&["--package", "sisun-cli", "--edges", "normal,no-proc-macro"]);
    let tests = packages_with_features(&["--workspace", "--edges", "normal,dev,no-proc-macro"]);
    let built_twice: BTreeSet<&str> = program
        .difference(&tests)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        built_twice,
        BTreeSet::from(WITH_NDARRAY),
        "cargo builds these twice, and all that depend on them: make their features agree, as the \
         workspace does for itertools"
    );
}
