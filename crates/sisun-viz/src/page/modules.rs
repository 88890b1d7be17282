//! Joining script modules into a single script.
//!
//! Each module becomes a function that returns its exports, so that other names stay private. The
//! functions are called in dependency order: a module runs after its imports.
//!
//! Only this subset of the module syntax is supported, each at the beginning of a line:
//! `import { a, b as c } from "./file.js";` and `export` before `function`, `async function`,
//! `class` or `const`. Exports are never reassigned, so a copy is equivalent to the binding.

use thiserror::Error;

/// File name and text of a script.
pub(crate) type Source = (&'static str, &'static str);

/// An error of joining scripts.
#[derive(Debug, Error, PartialEq)]
pub(crate) enum ModuleError {
    #[error("{file}: `{line}` is not a form of import or export that can be joined")]
    Form { file: String, line: String },
    #[error("{importer} imports {file}, which does not exist")]
    NoFile { importer: String, file: String },
    #[error("{importer} imports `{name}`, which {file} does not export")]
    NoExport {
        importer: String,
        file: String,
        name: String,
    },
    #[error("modules import each other in a circle: {0}")]
    Circle(String),
}

/// Join a script and everything that it imports, directly or not. `sources` may be in any order.
pub(crate) fn join(entry: &str, sources: &[Source]) -> Result<String, ModuleError> {
    let mut joined = String::from("const modules = {};\n");
    for module in in_order(entry, sources)? {
        joined += &module.as_function();
    }
    Ok(joined)
}

/// Return a script and its transitive imports, each once and after its own imports.
fn in_order<'a>(entry: &str, sources: &'a [Source]) -> Result<Vec<Module<'a>>, ModuleError> {
    let mut done = Vec::new();
    visit(entry, entry, sources, &mut Vec::new(), &mut done)?;
    Ok(done)
}

/// Append a module to `done`, after its imports. `underway` holds the modules whose imports are
/// being visited, from the entry on.
fn visit<'a>(
    file: &str,
    importer: &str,
    sources: &'a [Source],
    underway: &mut Vec<&'a str>,
    done: &mut Vec<Module<'a>>,
) -> Result<(), ModuleError> {
    if done.iter().any(|module| module.file == file) {
        return Ok(());
    }
    if let Some(at) = underway.iter().position(|known| *known == file) {
        let circle: Vec<&str> = underway[at..].iter().copied().chain([file]).collect();
        return Err(ModuleError::Circle(circle.join(" → ")));
    }
    let Some(&(file, text)) = sources.iter().find(|(name, _)| *name == file) else {
        return Err(ModuleError::NoFile {
            importer: importer.to_owned(),
            file: file.to_owned(),
        });
    };
    let module = Module::parse(file, text)?;
    underway.push(file);
    for import in &module.imports {
        visit(import.file, file, sources, underway, done)?;
        let exports = done
            .iter()
            .find(|module| module.file == import.file)
            .map_or(&[][..], |module| &module.exports);
        if let Some((name, _)) = import
            .names
            .iter()
            .find(|(name, _)| !exports.contains(name))
        {
            return Err(ModuleError::NoExport {
                importer: file.to_owned(),
                file: import.file.to_owned(),
                name: (*name).to_owned(),
            });
        }
    }
    underway.pop();
    done.push(module);
    Ok(())
}

/// A parsed script.
#[derive(Debug)]
struct Module<'a> {
    file: &'a str,
    imports: Vec<Import<'a>>,
    exports: Vec<&'a str>,
    /// Lines without the imports and without the keyword `export`.
    body: String,
}

/// `import { name, name as here } from "./file.js";`
#[derive(Debug)]
struct Import<'a> {
    file: &'a str,
    /// Exported and local name of each import.
    names: Vec<(&'a str, &'a str)>,
}

impl<'a> Module<'a> {
    fn parse(file: &'a str, text: &'a str) -> Result<Self, ModuleError> {
        let mut module = Self {
            file,
            imports: Vec::new(),
            exports: Vec::new(),
            body: String::with_capacity(text.len()),
        };
        let mut rest = text;
        while !rest.is_empty() {
            // An import may span several lines.
            let end = if rest.starts_with("import ") {
                ";\n"
            } else {
                "\n"
            };
            let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
            let (statement, after) = rest.split_at(length);
            rest = after;
            let form = || ModuleError::Form {
                file: file.to_owned(),
                line: statement.lines().next().unwrap_or_default().to_owned(),
            };
            if statement.starts_with("import ") {
                module
                    .imports
                    .push(Import::parse(statement).ok_or_else(form)?);
            } else if let Some(declaration) = statement.strip_prefix("export ") {
                module
                    .exports
                    .push(declared_name(declaration).ok_or_else(form)?);
                module.body += declaration;
            } else {
                module.body += statement;
            }
        }
        Ok(module)
    }

    fn as_function(&self) -> String {
        let Self {
            file,
            imports,
            exports,
            body,
        } = self;
        let imports: String = imports.iter().map(Import::as_binding).collect();
        let body = body.trim();
        let exports = exports.join(", ");
        format!(
            "\nmodules[\"{file}\"] = (() => {{\n{imports}{body}\nreturn {{{exports}}};\n}})();\n"
        )
    }
}

impl<'a> Import<'a> {
    fn parse(statement: &'a str) -> Option<Self> {
        let (names, from) = statement
            .strip_prefix("import {")?
            .split_once("} from \"./")?;
        let file = from.trim_end().strip_suffix("\";")?;
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Some(Self {
            file,
            names: names
                .map(|name| name.split_once(" as ").unwrap_or((name, name)))
                .collect(),
        })
    }

    fn as_binding(&self) -> String {
        let names: Vec<String> = self
            .names
            .iter()
            .map(|(there, here)| {
                if there == here {
                    (*here).to_owned()
                } else {
                    format!("{there}: {here}")
                }
            })
            .collect();
        format!(
            "const {{ {} }} = modules[\"{}\"];\n",
            names.join(", "),
            self.file
        )
    }
}

/// Return the name that a declaration binds, unless it can be reassigned.
fn declared_name(declaration: &str) -> Option<&str> {
    let named = ["function ", "async function ", "class ", "const "]
        .iter()
        .find_map(|kind| declaration.strip_prefix(kind))?;
    let end = named.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))?;
    (end > 0).then(|| &named[..end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const A: Source = (
        "a.js",
        "// First.\n\nimport { b } from \"./b.js\";\nimport {\n  c as d,\n  C,\n} from \"./c.js\";\n\nb(d, C);\n",
    );
    const B: Source = (
        "b.js",
        "import { c } from \"./c.js\";\nexport async function b() {\n  return c;\n}\n",
    );
    const C: Source = (
        "c.js",
        "const own = 1;\nexport const c = () => own;\nexport class C {}\n",
    );

    #[test]
    fn imports_give_the_order() {
        let expected = "const modules = {};\n
modules[\"c.js\"] = (() => {
const own = 1;
const c = () => own;
class C {}
return {c, C};
})();

modules[\"b.js\"] = (() => {
const { c } = modules[\"c.js\"];
async function b() {
  return c;
}
return {b};
})();

modules[\"a.js\"] = (() => {
const { b } = modules[\"b.js\"];
const { c: d, C } = modules[\"c.js\"];
// First.


b(d, C);
return {};
})();
";
        assert_eq!(join("a.js", &[A, B, C]).unwrap(), expected);
        assert_eq!(join("a.js", &[C, A, B]).unwrap(), expected);
    }

    #[test]
    fn what_is_not_imported_is_left_out() {
        let joined = join("b.js", &[A, B, C]).unwrap();
        assert!(!joined.contains("a.js"), "{joined}");
    }

    #[test]
    fn a_circle_is_refused() {
        let c = (
            "c.js",
            "import { b } from \"./b.js\";\nexport const c = b;\n",
        );
        assert_eq!(
            join("a.js", &[A, B, c]),
            Err(ModuleError::Circle("b.js → c.js → b.js".to_owned()))
        );
        let own = (
            "own.js",
            "import { own } from \"./own.js\";\nexport const own = 1;\n",
        );
        assert_eq!(
            join("own.js", &[own]),
            Err(ModuleError::Circle("own.js → own.js".to_owned()))
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert_eq!(
            join("a.js", &[A, B]),
            Err(ModuleError::NoFile {
                importer: "b.js".to_owned(),
                file: "c.js".to_owned()
            })
        );
    }

    #[test]
    fn a_name_that_is_not_exported_is_named() {
        let c = ("c.js", "const c = 1;\nexport class C {}\n");
        assert_eq!(
            join("a.js", &[A, B, c]),
            Err(ModuleError::NoExport {
                importer: "b.js".to_owned(),
                file: "c.js".to_owned(),
                name: "c".to_owned()
            })
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let forms = [
            "export default 1;",
            "export let changing = 1;",
            "export { a };",
            "export * from \"./b.js\";",
            "import all from \"./b.js\";",
            "import * as all from \"./b.js\";",
            "import \"./b.js\";",
            "import { fs } from \"fs\";",
            "import { up } from \"../up.js\"",
        ];
        for form in forms {
            let text: &'static str = Box::leak(format!("{form}\n").into_boxed_str());
            let expected = ModuleError::Form {
                file: "x.js".to_owned(),
                line: form.to_owned(),
            };
            assert_eq!(join("x.js", &[("x.js", text)]), Err(expected));
        }
    }
}
