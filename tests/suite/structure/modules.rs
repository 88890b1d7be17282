//! The dependency graph of a crate's modules, read from its sources: a module depends on another
//! through a `use` declaration or a path. A re-export (`pub use`) is not a dependency, and a
//! re-exported name refers to the module that defines it. Test modules are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Path of a module from the crate root; empty for the root.
type Module = Vec<String>;

/// The modules of a crate and their dependencies.
pub(crate) struct Graph {
    sources: BTreeMap<Module, String>,
    /// Imported names of each module, with their paths.
    names: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

/// Path and local name of an import.
struct Import {
    path: Vec<String>,
    name: String,
    is_reexport: bool,
}

impl Graph {
    /// Read the modules below a source folder.
    pub(crate) fn read(source: &Path) -> Self {
        let mut sources = BTreeMap::new();
        for file in super::rust_files(source) {
            let inner = file.strip_prefix(source).unwrap().with_extension("");
            let mut module: Module = inner
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if matches!(module.last().unwrap().as_str(), "mod" | "lib" | "main") {
                module.pop();
            }
            if module.iter().all(|name| name != "tests") {
                sources.insert(module, plain(&fs::read_to_string(&file).unwrap()));
            }
        }
        Self::of(sources)
    }

    /// Build the graph from sources without comments and strings.
    fn of(sources: BTreeMap<Module, String>) -> Self {
        let names = sources
            .iter()
            .map(|(module, text)| {
                let names = imports(text).into_iter();
                (module.clone(), names.map(|i| (i.name, i.path)).collect())
            })
            .collect();
        Self { sources, names }
    }

    /// Return the modules of a dependency cycle, if there is one.
    pub(crate) fn circle(&self) -> Option<Vec<String>> {
        let mut left: BTreeMap<&Module, BTreeSet<Module>> = self
            .sources
            .iter()
            .map(|(module, text)| (module, self.used_by(module, text)))
            .collect();
        // Repeatedly remove modules without dependencies, then modules without dependents.
        loop {
            let before = left.len();
            let there: BTreeSet<Module> = left.keys().map(|m| (*m).clone()).collect();
            left.retain(|_, uses| uses.iter().any(|used| there.contains(used)));
            let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
            left.retain(|module, _| used.contains(*module));
            if left.len() == before {
                break;
            }
        }
        (!left.is_empty()).then(|| left.keys().map(|module| module.join("::")).collect())
    }

    fn used_by(&self, module: &Module, text: &str) -> BTreeSet<Module> {
        let declared = imports(text)
            .into_iter()
            .filter(|import| !import.is_reexport)
            .map(|import| import.path);
        let mut used: BTreeSet<Module> = declared
            .chain(paths(text))
            .filter_map(|path| self.defined_in(module, &path, 0))
            .collect();
        used.remove(module);
        used
    }

    /// Return the module that defines a path as seen from `module`; `None` outside the crate.
    fn defined_in(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        // Deeper than any chain of re-exports.
        if depth > 12 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let child = || [&module[..], std::slice::from_ref(first)].concat();
        let mut at = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                rest = &path[ups..];
                module[..module.len().checked_sub(ups)?].to_vec()
            }
            _ if self.sources.contains_key(&child()) => {
                rest = path;
                module.clone()
            }
            _ => {
                let named = self.names[module].get(first).filter(|to| **to != *path)?;
                return self.defined_in(module, &[named, rest].concat(), depth + 1);
            }
        };
        while let Some((next, after)) = rest.split_first() {
            let inner = [&at[..], std::slice::from_ref(next)].concat();
            if !self.sources.contains_key(&inner) {
                break;
            }
            (at, rest) = (inner, after);
        }
        let reexported = rest
            .split_first()
            .and_then(|(name, after)| Some((self.names[&at].get(name)?, after)));
        reexported
            .and_then(|(to, after)| self.defined_in(&at, &[to, after].concat(), depth + 1))
            .or(Some(at))
    }
}

/// Remove comments, strings, characters and code compiled only for tests.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(inner) = rest.strip_prefix("r#\"") {
            inner.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else if rest.starts_with("#[cfg(test") || rest.starts_with("#[cfg(all(test") {
            item(rest)
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[skipped..];
    }
    out
}

/// Return true if a quote begins a character rather than a lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    matches!(
        (chars.next(), chars.next()),
        (Some('\\'), _) | (Some(_), Some('\''))
    )
}

/// Return the length of a quoted text, including its quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Return the length of an item with its attribute, up to the end of its block or its semicolon.
fn item(text: &str) -> usize {
    let start = text.find(']').map_or(text.len(), |end| end + 1);
    let mut depth = 0;
    for (i, c) in text[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return start + i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Return the imports of a text.
fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let before = text[..at].trim_end();
        let begins = before.is_empty() || before.ends_with([';', '{', '}', ')', ']']);
        let is_reexport = before.ends_with("pub") || before.ends_with(')');
        let Some(end) = text[at..].find(';').filter(|_| begins || is_reexport) else {
            continue;
        };
        let tree = text[at + 4..at + end]
            .split_whitespace()
            .collect::<Vec<_>>();
        for (path, name) in leaves(&tree.join(" ")) {
            found.push(Import {
                path,
                name,
                is_reexport,
            });
        }
    }
    found
}

/// Return the paths of a use tree, each with its local name.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let split = |path: &str| -> Vec<String> {
        let parts = path.split("::").map(str::trim);
        parts
            .filter(|p| !p.is_empty() && *p != "self" || path.starts_with("self"))
            .map(str::to_owned)
            .collect()
    };
    if let Some((prefix, inner)) = tree.split_once('{') {
        let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
        let prefix = split(prefix);
        let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
        for (i, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(inner[start..i].trim());
                    start = (i + 1).min(inner.len());
                }
                _ => {}
            }
        }
        return parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .flat_map(leaves)
            .map(|(path, name)| {
                let path = path.into_iter().filter(|part| part != "self");
                (prefix.iter().cloned().chain(path).collect::<Vec<_>>(), name)
            })
            .map(|(path, name)| match name.as_str() {
                "self" => (path.clone(), path.last().cloned().unwrap_or_default()),
                _ => (path, name),
            })
            .collect();
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.trim().to_owned())),
        None => (tree, None),
    };
    let path = split(path);
    let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
    vec![(path, name)]
}

/// Return the paths of two or more names outside `use` declarations.
fn paths(text: &str) -> Vec<Vec<String>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("::") {
        let start = rest[..at].rfind(|c| !is_name(c)).map_or(0, |i| i + 1);
        let end = rest[at..]
            .find(|c| !is_name(c) && c != ':')
            .map_or(rest.len(), |i| at + i);
        let path: Vec<String> = rest[start..end]
            .split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        let declared = rest[..start].trim_end().ends_with("use");
        if path.len() > 1 && !declared {
            found.push(path);
        }
        rest = &rest[end.max(at + 2)..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Graph, plain};

    fn graph(modules: &[(&str, &str)]) -> Graph {
        let sources = modules.iter().map(|(name, text)| {
            let module = name.split('/').filter(|part| !part.is_empty());
            (module.map(str::to_owned).collect(), plain(text))
        });
        Graph::of(sources.collect())
    }

    #[test]
    fn circles_are_found_through_imports_paths_and_reexports() {
        let root = ("", "mod a; mod b; pub use a::A; pub use b::{self, B as C};");
        for (a, b) in [
            ("use crate::b::B;", "use super::a::A;"),
            ("fn f() { crate::b::g(); }", "use crate::{A};"),
            ("use crate::C;", "use crate::a::{A, other::{X, Y}};"),
            ("use super::b;", "fn f() -> crate::A {}"),
        ] {
            let circle = graph(&[root, ("a", a), ("b", b)]).circle();
            assert_eq!(
                circle,
                Some(vec!["a".to_owned(), "b".to_owned()]),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn comments_strings_tests_and_reexports_make_no_circle() {
        let root = ("", "mod a; mod b; pub use a::A;");
        for b in [
            "// use crate::a::A;",
            "const X: &str = \"crate::a::A\"; const Y: char = '\\'';",
            "#[cfg(test)] mod tests { use crate::a::A; fn f() { {} } }",
            "pub use crate::a::A;",
            "pub(crate) use super::a;",
            "use std::a::A; use other::a;",
        ] {
            let circle = graph(&[root, ("a", "use crate::b::B;"), ("b", b)]).circle();
            assert_eq!(circle, None, "{b}");
        }
        let parent = ("a", "mod inner; pub use inner::X; struct Shared;");
        let child = ("a/inner", "use super::Shared; pub struct X;");
        assert_eq!(graph(&[("", "mod a;"), parent, child]).circle(), None);
        let parent = ("a", "mod inner; use inner::X; struct Shared;");
        assert!(graph(&[("", "mod a;"), parent, child]).circle().is_some());
    }
}
