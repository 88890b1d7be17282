//! Messages of serde and the operating system, rewritten in plain words: serde's in terms of the
//! file that was read (`expected a whole number` for `expected usize`).

use std::borrow::Cow;

/// Rewrite a message of serde without Rust terms. Other messages are returned unchanged.
pub fn plain_words(message: &str) -> String {
    let line = message.replace('\n', " ");
    let line = line.trim();
    let (body, place) = match line.rfind(" at line ") {
        Some(at) if line[at..].contains(" column ") => line.split_at(at),
        _ => (line, ""),
    };
    let told = if let Some(rest) = body
        .strip_prefix("invalid type: ")
        .or_else(|| body.strip_prefix("invalid value: "))
    {
        match rest.rsplit_once(", expected ") {
            Some((found, wanted)) => {
                format!("expected {}, not {}", expected(wanted), unexpected(found))
            }
            None => body.to_owned(),
        }
    } else if let Some((n, wanted)) = body
        .strip_prefix("invalid length ")
        .and_then(|r| r.split_once(", expected "))
    {
        format!("expected {}, not {n} of them", expected(wanted))
    } else if let Some((name, known)) = named(body, "unknown variant `") {
        format!("{name:?} is not known here{known}")
    } else if let Some((name, known)) = named(body, "unknown field `") {
        format!("unknown key {name}{known}")
    } else if let Some(name) = body
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        format!("{name} is missing")
    } else if let Some(name) = body
        .strip_prefix("duplicate field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        format!("{name} stands twice")
    } else if body.starts_with("data did not match any variant")
        || body.starts_with("no variant of enum ")
    {
        "this is none of the forms that are understood here".to_owned()
    } else if body.starts_with("EOF while parsing ") {
        "it ends before it is complete".to_owned()
    } else if body == "key must be a string" {
        "a name in double quotes is expected".to_owned()
    } else if body == "expected value" || body == "expected ident" {
        "a value is expected: text in double quotes, a number, true, false, null, a list or an object".to_owned()
    } else if body.starts_with("control character ") {
        "a text holds a line end or another control character that is not escaped, as in \\n"
            .to_owned()
    } else if body == "trailing characters" {
        "something follows after its end".to_owned()
    } else {
        body.to_owned()
    };
    format!("{told}{place}")
}

/// Rewrite system errors inside a message in plain words: `no such file or folder` for
/// `No such file or directory (os error 2)`.
pub fn plain_system_words(message: &str) -> Cow<'_, str> {
    const NUMBER: &str = " (os error ";
    let mut told = Cow::Borrowed(message);
    let mut from = 0;
    while let Some(at) = told[from..].find(NUMBER).map(|at| from + at) {
        let digits = at + NUMBER.len();
        let n = told[digits..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if n == 0 || told.as_bytes().get(digits + n) != Some(&b')') {
            from = digits;
            continue;
        }
        // The system's messages contain none of these characters.
        let begins = told[..at]
            .rfind([':', '(', '\n', '`', '"'])
            .map_or(0, |before| before + 1);
        let begins = begins + (told[begins..at].len() - told[begins..at].trim_start().len());
        let plain = match &told[begins..at] {
            "No such file or directory" => "no such file or folder".to_owned(),
            "Not a directory" => "not a folder".to_owned(),
            "Is a directory" => "is a folder".to_owned(),
            "Directory not empty" => "folder not empty".to_owned(),
            other => {
                let mut characters = other.chars();
                let first = characters.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(characters).collect()
            }
        };
        told.to_mut().replace_range(begins..digits + n + 1, &plain);
        from = begins + plain.len();
    }
    told
}

/// Return the name in backticks after `start`, with the alternatives that serde lists.
fn named<'m>(body: &'m str, start: &str) -> Option<(&'m str, String)> {
    let rest = body.strip_prefix(start)?;
    // The name may contain backticks itself; the text after it never does.
    if let Some((name, _)) = rest.rsplit_once("`, there are no ") {
        return Some((name, "; nothing can stand here".to_owned()));
    }
    let (name, known) = rest.rsplit_once("`, expected ")?;
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    Some((name, format!("; known here: {}", known.join(", "))))
}

/// Rewrite the value that serde found ([`serde::de::Unexpected`]).
fn unexpected(found: &str) -> String {
    let inside = |prefix: &str| {
        found
            .strip_prefix(prefix)
            .map(|rest| rest.trim_matches('`').to_owned())
    };
    if let Some(value) = inside("boolean ")
        .or_else(|| inside("integer "))
        .or_else(|| inside("floating point "))
    {
        return value;
    }
    if let Some(text) = found
        .strip_prefix("string ")
        .or_else(|| found.strip_prefix("character "))
    {
        return format!("the text {}", text.replace('`', "\""));
    }
    match found {
        "sequence" => "a list",
        "map" | "struct" | "newtype struct" => "a table",
        "unit value" | "null" | "Option value" => "nothing",
        "byte array" => "bytes",
        other if other == "enum" || other.ends_with(" variant") => "a name",
        other => other,
    }
    .to_owned()
}

/// Rewrite the type that serde expected.
fn expected(wanted: &str) -> String {
    const UNSIGNED: [&str; 6] = ["u8", "u16", "u32", "u64", "u128", "usize"];
    const SIGNED: [&str; 6] = ["i8", "i16", "i32", "i64", "i128", "isize"];
    let first = wanted.split(' ').next().unwrap_or(wanted);
    if let Some(kind) = wanted.strip_prefix("a nonzero ") {
        return if UNSIGNED.contains(&kind) {
            "a whole number of at least 1"
        } else {
            "a whole number other than 0"
        }
        .to_owned();
    }
    let counted = |start: &str, end: &str| {
        let n = wanted.strip_prefix(start)?;
        let n = if end.is_empty() {
            n
        } else {
            n.strip_suffix(end)?
        };
        n.parse::<usize>().is_ok().then(|| format!("a list of {n}"))
    };
    if let Some(list) =
        counted("an array of length ", "").or_else(|| counted("a tuple of size ", ""))
    {
        return list;
    }
    match wanted {
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "a borrowed string" | "path string" | "a character" | "string"
        | "os string" => "text",
        "a sequence" | "sequence" | "an array" => "a list",
        "a map" | "map" => "a table",
        "unit" | "unit struct" => "nothing",
        "option" => "a value or nothing",
        "bytes" | "byte array" | "a byte array" | "a borrowed byte array" => "bytes",
        _ if UNSIGNED.contains(&wanted) => "a whole number of at least 0",
        _ if SIGNED.contains(&wanted) => "a whole number",
        _ if wanted.contains("enum") || wanted.contains("variant") => {
            "one of the names that are known here"
        }
        _ if wanted.starts_with("tuple struct ") || first == "tuple" => "a list",
        _ if first == "struct" || first == "newtype" => "a table",
        _ if first == "unit" => "nothing",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde::de::value::Error;
    use serde::de::{Error as _, Unexpected};

    /// Terms of Rust or serde that a user's configuration never contains.
    const RUST: [&str; 16] = [
        "f64",
        "usize",
        "u64",
        "i64",
        "struct",
        "variant",
        "enum",
        "tuple",
        "newtype",
        "map",
        "sequence",
        "Option",
        "None",
        "invalid type",
        "non-zero",
        "nonzero",
    ];

    #[test]
    fn every_form_that_serde_has_is_put_in_plain_words() {
        let found = [
            Unexpected::Bool(true),
            Unexpected::Unsigned(3),
            Unexpected::Signed(-3),
            Unexpected::Float(1.5),
            Unexpected::Char('x'),
            Unexpected::Str("x, expected y"),
            Unexpected::Bytes(b"x"),
            Unexpected::Unit,
            Unexpected::Option,
            Unexpected::NewtypeStruct,
            Unexpected::Seq,
            Unexpected::Map,
            Unexpected::Enum,
            Unexpected::UnitVariant,
            Unexpected::NewtypeVariant,
            Unexpected::TupleVariant,
            Unexpected::StructVariant,
        ];
        let wanted = [
            "f32",
            "f64",
            "u8",
            "u16",
            "u32",
            "u64",
            "usize",
            "i8",
            "i16",
            "i32",
            "i64",
            "isize",
            "a nonzero usize",
            "a nonzero i64",
            "a boolean",
            "a string",
            "path string",
            "a character",
            "a sequence",
            "a map",
            "unit",
            "option",
            "struct Config",
            "struct Config with 3 elements",
            "tuple struct Pair with 2 elements",
            "a tuple of size 2",
            "an array of length 2",
            "enum Norm",
            "variant identifier",
            "struct variant Kind::Rope",
            "unit variant Kind::None",
            "internally tagged enum Kind",
            "newtype struct Path",
            "unit struct Nothing",
            "a byte array",
        ];
        for found in found {
            for wanted in wanted {
                for error in [
                    Error::invalid_type(found, &wanted),
                    Error::invalid_value(found, &wanted),
                ] {
                    told(&error.to_string());
                }
                told(&Error::invalid_length(3, &wanted).to_string());
            }
        }
        for known in [&[][..], &["a"], &["a", "b"], &["a", "b", "c"]] {
            told(&Error::unknown_variant("x", known).to_string());
            told(&Error::unknown_field("x", known).to_string());
        }
        told(&Error::missing_field("x").to_string());
        told(&Error::duplicate_field("x").to_string());
        #[derive(Deserialize, Debug)]
        #[serde(untagged)]
        enum Either {
            #[expect(dead_code, reason = "only its error is looked at")]
            Number(f64),
        }
        told(&toml_error::<Either>("\"x\""));
    }

    fn toml_error<T: for<'de> Deserialize<'de> + std::fmt::Debug>(text: &str) -> String {
        let value: toml::Value = text.parse().expect("a value");
        value.try_into::<T>().expect_err("an error").to_string()
    }

    #[track_caller]
    fn told(message: &str) {
        let plain = plain_words(message);
        // The repeated value may contain any word.
        let words: Vec<&str> = plain
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .collect();
        for word in RUST {
            assert!(
                !words.contains(&word) && !plain.contains("invalid type"),
                "{word} in {plain:?} of {message:?}"
            );
        }
    }

    #[test]
    fn values_and_places_stay() {
        for (message, plain) in [
            (
                "invalid type: string \"x\", expected usize",
                "expected a whole number of at least 0, not the text \"x\"",
            ),
            (
                "invalid type: floating point `1.5`, expected u64",
                "expected a whole number of at least 0, not 1.5",
            ),
            (
                "invalid value: integer `-1`, expected usize at line 2 column 7",
                "expected a whole number of at least 0, not -1 at line 2 column 7",
            ),
            (
                "unknown variant `a`b`, expected `c` or `d`",
                "\"a`b\" is not known here; known here: c, d",
            ),
            ("missing field `x`", "x is missing"),
            (
                "trailing comma at line 1 column 3",
                "trailing comma at line 1 column 3",
            ),
            (
                "EOF while parsing an object at line 1 column 12",
                "it ends before it is complete at line 1 column 12",
            ),
            (
                "key must be a string at line 1 column 2",
                "a name in double quotes is expected at line 1 column 2",
            ),
            (
                "trailing characters at line 1 column 9",
                "something follows after its end at line 1 column 9",
            ),
        ] {
            assert_eq!(plain_words(message), plain);
        }
    }

    #[test]
    fn what_the_system_says_is_put_in_plain_words() {
        for (message, plain) in [
            (
                "cannot read a/b: No such file or directory (os error 2)",
                "cannot read a/b: no such file or folder",
            ),
            (
                "it is damaged (x: Input/output error (os error 5)); see y: Is a directory (os error 21)",
                "it is damaged (x: input/output error); see y: is a folder",
            ),
            (
                "No such file or directory (os error 2)",
                "no such file or folder",
            ),
            (
                "`한글`: Permission denied (os error 13)\nto go on",
                "`한글`: permission denied\nto go on",
            ),
            (
                "an (os error of mine) and (os error 7",
                "an (os error of mine) and (os error 7",
            ),
            ("nothing of the kind", "nothing of the kind"),
        ] {
            assert_eq!(plain_system_words(message), plain);
        }
        // The message is checked whatever this system calls the error.
        let error = std::fs::read("/does/not/exist")
            .expect_err("it is not there")
            .to_string();
        assert!(!plain_system_words(&error).contains("os error"), "{error}");
    }
}
