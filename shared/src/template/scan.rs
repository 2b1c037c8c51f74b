//! Finds the expressions in a text and refuses what an expression may not hold.
//!
//! Done before the expression is parsed: the parser itself already computes constants.

/// The longest expression, in bytes.
const MAX_EXPRESSION: usize = 1000;
/// The most `+` in one expression: each may join two long texts.
const MAX_PLUS: usize = 16;

/// Filters that can't make much out of little.
const FILTERS: &[&str] = &[
    "default", "d", "upper", "lower", "trim", "length", "int", "float", "string", "bool", "round", "abs",
    "first", "last", "replace", "join", "split", "tojson",
];

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Stands for itself.
    Literal(&'a str),
    /// What stands between `{{` and `}}`.
    Expression(&'a str),
}

/// The parts of a text, in order.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            pieces.push(Piece::Literal(&rest[..open]));
        }
        let inner = &rest[open + 2..];
        let close = closing(inner).ok_or("a `{{` has no `}}` to it")?;
        let expression = inner[..close].trim();
        check(expression)?;
        pieces.push(Piece::Expression(expression));
        rest = &inner[close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

/// Where the `}}` of an expression is: not in a quoted text, not in the braces of a map.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in Unquoted::new(text) {
        match character {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if text[at + 1..].starts_with('}') => return Some(at),
            _ => {}
        }
    }
    None
}

pub(super) fn check(expression: &str) -> Result<(), String> {
    if expression.is_empty() {
        return Err("`{{ }}` holds no expression".into());
    }
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("an expression has at most {MAX_EXPRESSION} bytes"));
    }
    let mut plus = 0;
    for (at, character) in Unquoted::new(expression) {
        match character {
            b'*' | b'~' => {
                let what = char::from(character);
                return Err(format!("`{what}` is not available in an expression"));
            }
            b'+' => plus += 1,
            b'|' => check_filter(&expression[at + 1..])?,
            _ => {}
        }
    }
    if plus > MAX_PLUS { Err(format!("an expression has at most {MAX_PLUS} `+`")) } else { Ok(()) }
}

fn check_filter(after_bar: &str) -> Result<(), String> {
    let name = after_bar.trim_start();
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    let name = &name[..end];
    if FILTERS.contains(&name) {
        Ok(())
    } else {
        Err(format!("there is no filter {name:?}; there are {}", FILTERS.join(", ")))
    }
}

/// The bytes of an expression that stand outside of quotes, with their places.
struct Unquoted<'a> {
    bytes: std::iter::Enumerate<std::str::Bytes<'a>>,
}

impl<'a> Unquoted<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.bytes().enumerate() }
    }
}

impl Iterator for Unquoted<'_> {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<(usize, u8)> {
        let (at, byte) = self.bytes.next()?;
        if !matches!(byte, b'\'' | b'"') {
            return Some((at, byte));
        }
        while let Some((_, inside)) = self.bytes.next() {
            match inside {
                b'\\' => drop(self.bytes.next()),
                end if end == byte => break,
                _ => {}
            }
        }
        Some((at, byte))
    }
}
