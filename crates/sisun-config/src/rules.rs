//! Messages about values of the wrong type.

use crate::meant::choice_meant;
use crate::shape::Shape;
use toml::Value;

/// Number of characters after which a value is cut off in a message.
const SHOWN: usize = 60;

/// Format a value as TOML, on one line and not too long.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string().replace('\n', " "),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Describe the accepted values in the place of this value.
pub(crate) fn rule(key: &str, value: &Value, shape: &Shape) -> String {
    let wanted = format!("expected {}", shape.words());
    match (shape, value) {
        (Shape::Text, Value::String(_)) => "must hold at least one character".to_owned(),
        (Shape::Choice(known), Value::String(name)) => {
            choice(key, name, known.iter().map(|known| known.name))
        }
        (Shape::Choice(_), _) => wanted,
        (Shape::Integer, Value::Integer(_)) => "must not be negative".to_owned(),
        (Shape::Integer, Value::Float(x)) if x.is_finite() && x.fract() == 0.0 => (if *x < 0.0 {
            "must not be negative"
        } else {
            "is too large"
        })
        .to_owned(),
        (Shape::Integer, Value::Float(_)) => format!("{wanted}, without a fraction"),
        (Shape::Number, Value::Float(_)) => "expected a finite number".to_owned(),
        (Shape::Integer | Shape::Number, Value::String(text)) => match digits(text) {
            digits if is_too_large(&digits) => {
                format!("is too large; the largest whole number is {}", i64::MAX)
            }
            digits if matches!(shape, Shape::Integer) && !is_whole(&digits) => {
                format!("{wanted}, not text")
            }
            digits if digits.parse::<f64>().is_ok_and(f64::is_finite) => {
                format!("{wanted}, not text; write {digits}, without quotes")
            }
            _ => format!("{wanted}, not text"),
        },
        (Shape::Bool, Value::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => format!("{wanted}; write true, without quotes"),
            "false" | "no" | "off" | "0" => format!("{wanted}; write false, without quotes"),
            _ => wanted,
        },
        (Shape::Bool, Value::Integer(1)) => format!("{wanted}; write true"),
        (Shape::Bool, Value::Integer(0)) => format!("{wanted}; write false"),
        (Shape::Text, Value::Array(_)) => format!("{wanted} in quotes, not a list"),
        (Shape::Text, Value::Table(_)) => format!("{wanted} in quotes, not a table"),
        (Shape::Text, _) => format!("{wanted}; write it in quotes, as \"{value}\""),
        (Shape::Strings, _) => format!("{wanted}, as in [\"one.txt\", \"two.txt\"]"),
        (Shape::Integers, Value::Integer(_))
        | (Shape::Numbers, Value::Integer(_) | Value::Float(_)) => {
            format!("{wanted}; write [{value}]")
        }
        (
            Shape::Kinds {
                known,
                by_name: false,
            },
            Value::String(name),
        ) if known.iter().any(|kind| kind.name == *name) => {
            format!("{wanted}; write {{ kind = {name:?} }}")
        }
        _ => format!("{wanted}, not {}", kind_of(value)),
    }
}

/// Return true if this is accepted as a whole number: `1000` or `1e3`.
fn is_whole(digits: &str) -> bool {
    digits
        .parse()
        .is_ok_and(|x: f64| x.fract() == 0.0 && (0.0..9e15).contains(&x))
}

/// Return as TOML a number written in the form `1,000`.
fn digits(text: &str) -> String {
    text.trim().replace([',', ' ', '_'], "")
}

fn is_too_large(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<i64>().is_err()
}

pub(crate) fn choice<'n>(
    key: &str,
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> String {
    let all = known.clone().collect::<Vec<_>>().join(", ");
    let distance =
        |known: &str| strsim::damerau_levenshtein(known, &name.to_lowercase().replace('-', "_"));
    if let Some(meant) = choice_meant(key, name) {
        return format!("expected one of {all}; did you mean {meant:?}?");
    }
    let nearest = known.map(|known| (distance(known), known)).min();
    match nearest {
        Some((distance, nearest)) if distance <= nearest.len() / 2 => {
            format!("expected one of {all}; did you mean {nearest:?}?")
        }
        _ => format!("expected one of {all}"),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
