//! Structural rules of the workspace (`crates/ARCHITECTURE.md`).

mod features;
mod modules;

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::Table;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A package in the output of `cargo metadata`.
#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    license: Option<String>,
    edition: String,
}

/// Return the packages of the workspace; needs neither network nor the dependencies' sources.
fn packages() -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root());
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice::<Metadata>(&output.stdout)
        .unwrap()
        .packages
}

/// Return all transitive dependencies of `name`, including those of tests, according to
/// `Cargo.lock`.
fn needed_by(name: &str) -> BTreeSet<String> {
    let lock: Table = fs::read_to_string(root().join("Cargo.lock"))
        .unwrap()
        .parse()
        .unwrap();
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let dependencies = package
            .get("dependencies")
            .and_then(|d| d.as_array())
            .into_iter()
            .flatten();
        // `name`, or `name version` if several versions are locked.
        let names = dependencies.map(|d| d.as_str().unwrap().split(' ').next().unwrap());
        needs
            .entry(package["name"].as_str().unwrap())
            .or_default()
            .extend(names);
    }
    let (mut found, mut open) = (BTreeSet::new(), vec![name]);
    while let Some(name) = open.pop() {
        for need in needs
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in Cargo.lock"))
        {
            if found.insert((*need).to_owned()) {
                open.push(need);
            }
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Return the lines of a package's sources without comments, with file and line number.
fn code(package: &Package) -> Vec<(String, String)> {
    let source = package.manifest_path.parent().unwrap().join("src");
    rust_files(&source)
        .into_iter()
        .flat_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<String> = text
                .lines()
                .map(|line| line.split("//").next().unwrap().to_owned())
                .collect();
            lines
                .into_iter()
                .enumerate()
                .map(move |(i, line)| (format!("{}:{}", path.display(), i + 1), line))
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    for (name, never) in [
        (
            "sisun-files",
            &["sisun-config", "sisun-data", "sisun-kernels", "sisun-model"][..],
        ),
        ("sisun-config", &["burn", "sisun-data", "sisun-model"]),
        ("sisun-data", &["burn", "sisun-kernels", "sisun-model"]),
        ("sisun-kernels", &["sisun-data", "sisun-model"]),
        (
            "sisun-model",
            &["sisun-data", "sisun-train", "sisun-infer", "sisun-viz"],
        ),
        (
            "sisun-seq2seq",
            &["sisun-train", "sisun-infer", "sisun-viz", "sisun-cli"],
        ),
        (
            "sisun-train",
            &["sisun-infer", "sisun-viz", "sisun-compare", "sisun-cli"],
        ),
        (
            "sisun-infer",
            &["sisun-train", "sisun-viz", "sisun-compare", "sisun-cli"],
        ),
        (
            "sisun-viz",
            &["sisun-train", "sisun-hf", "sisun-compare", "sisun-cli"],
        ),
        (
            "sisun-hf",
            &[
                "sisun-train",
                "sisun-infer",
                "sisun-viz",
                "sisun-compare",
                "sisun-cli",
            ],
        ),
        (
            "sisun-devices",
            &["sisun-infer", "sisun-viz", "sisun-hf", "sisun-cli"],
        ),
        (
            "sisun-serve",
            &["burn", "sisun-config", "sisun-files", "sisun-model"],
        ),
        ("sisun-compare", &["sisun-cli", "sisun-verify"]),
        ("sisun-verify", &["sisun-cli", "sisun-compare"]),
    ] {
        let needed = needed_by(name);
        for never in never {
            assert!(!needed.contains(*never), "{name} depends on {never}");
        }
    }
    // The traversal itself finds dependencies.
    assert!(needed_by("sisun-model").contains("burn-tensor"));
}

#[test]
fn every_member_shares_edition_licence_and_lints() {
    let packages = packages();
    assert!(packages.len() >= 9, "{} members", packages.len());
    for package in &packages {
        let manifest: Table = fs::read_to_string(&package.manifest_path)
            .unwrap()
            .parse()
            .unwrap();
        for key in ["version", "edition", "rust-version", "license"] {
            let shared = manifest["package"]
                .get(key)
                .and_then(|v| v.get("workspace")?.as_bool());
            assert_eq!(shared, Some(true), "{}: package.{key}", package.name);
        }
        let shared = manifest
            .get("lints")
            .and_then(|v| v.get("workspace")?.as_bool());
        assert_eq!(shared, Some(true), "{}: lints", package.name);
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(package.edition, "2024");
    }
    let workspace: Table = fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let lints = &workspace["workspace"]["lints"];
    for lint in ["print_stdout", "print_stderr", "unwrap_used", "dbg_macro"] {
        assert_eq!(lints["clippy"][lint].as_str(), Some("warn"), "{lint}");
    }
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("deny"));
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    for package in packages() {
        let source = package.manifest_path.parent().unwrap().join("src");
        let circle = modules::Graph::read(&source).circle();
        assert_eq!(circle, None, "modules of {} use each other", package.name);
    }
}

/// Paths in backticks that begin with a crate.
#[test]
fn documents_name_files_that_exist() {
    let documents = [
        "README.md",
        "crates/ARCHITECTURE.md",
        "crates/BENCHMARKS.md",
        ".github/CONTRIBUTING.md",
        "tests/peers/README.md",
    ];
    let mut named = 0;
    for document in documents {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for span in text.split('`').skip(1).step_by(2) {
            let place = |from: &str| root().join(from).join(span);
            let is_file = [".rs", ".js", ".md", ".toml", ".py"]
                .iter()
                .any(|end| span.ends_with(end));
            let is_whole = !span.contains([' ', '*', '{', '<', '…']) && !span.contains("NAME");
            let is_in_crate = span.starts_with("sisun-") || span.starts_with("crates/");
            if !(is_file && is_whole && is_in_crate) {
                continue;
            }
            named += 1;
            let found = [place(""), place("crates")];
            assert!(
                found.iter().any(|path| path.is_file()),
                "{document}: {span} does not exist"
            );
        }
    }
    assert!(named > 40, "only {named} paths were found");
}

#[test]
fn libraries_never_print() {
    let packages = packages();
    let libraries = packages
        .iter()
        .filter(|package| package.name != "sisun-cli");
    for (place, line) in libraries.flat_map(code) {
        for printing in ["println!", "print!", "dbg!", "clippy::print_"] {
            assert!(!line.contains(printing), "{place} prints: {line}");
        }
    }
}

/// Options and commands are added by `sisun-cli/src/hints.rs`.
#[test]
fn errors_of_libraries_name_no_options_and_no_commands() {
    let packages = packages();
    let libraries = packages
        .iter()
        .filter(|package| package.name.starts_with("sisun-") && package.name != "sisun-cli");
    let mut found = 0;
    for package in libraries {
        let source = package.manifest_path.parent().unwrap().join("src");
        for path in rust_files(&source) {
            let text = fs::read_to_string(&path).unwrap();
            for attribute in text.split("#[error(").skip(1) {
                let message = attribute.split(")]").next().unwrap();
                found += 1;
                for word in [" --", "\"--", "`sisun"] {
                    assert!(!message.contains(word), "{}: {message}", path.display());
                }
            }
        }
    }
    assert!(found > 100, "only {found} messages were found");
}

#[test]
fn unsafe_code_is_allowed_by_name_and_proven() {
    let mut found = 0;
    for package in packages() {
        let source = package.manifest_path.parent().unwrap().join("src");
        for path in rust_files(&source) {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for (i, line) in lines.iter().enumerate() {
                let code = line.split("//").next().unwrap();
                if !["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                    .iter()
                    .any(|form| code.contains(form))
                {
                    continue;
                }
                found += 1;
                let place = format!("{}:{}: {line}", path.display(), i + 1);
                assert!(
                    text.contains("allow(unsafe_code)"),
                    "{place}: not allowed in this file"
                );
                let above = lines[i.saturating_sub(9)..=i].join("\n");
                assert!(
                    above.contains("SAFETY:") || above.contains("# Safety"),
                    "{place}: no proof above"
                );
            }
        }
    }
    assert!(found > 0, "weights are mapped into memory somewhere");
}
