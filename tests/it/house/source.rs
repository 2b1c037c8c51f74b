//! Source files as the rules see them: the code with comments and text literals blanked, and the literals apart.

use std::path::{Path, PathBuf};

/// One file of the repository.
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments, literals and their quotes replaced by spaces; lines stay where they are.
    pub(super) code: String,
    /// Every text literal, in order.
    pub(super) literals: Vec<String>,
}

/// As [`sources`], without the files that hold unit tests.
pub(super) fn production(under: &[&str], ending: &str) -> Vec<Source> {
    let mut found = sources(under, ending);
    found.retain(|source| !source.path.ends_with("/tests.rs") && !source.path.contains("/tests/"));
    found
}

/// Every file below the folders `under` whose name ends with `ending`; its code is without the unit tests at its end.
pub(super) fn sources(under: &[&str], ending: &str) -> Vec<Source> {
    let root = repository();
    let mut paths = Vec::new();
    for folder in under {
        collect(&root.join(folder), ending, &mut paths);
    }
    paths.sort();
    paths.iter().map(|path| read(&root, path)).collect()
}

/// One file.
pub(super) fn source(path: &str) -> Source {
    let root = repository();
    read(&root, &root.join(path))
}

/// The repository's root.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository").to_owned()
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
    let (code, literals) = split(without_unit_tests(&text));
    Source { path: relative, code, literals, text }
}

/// Unit tests may reach for what production code may not.
fn without_unit_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// Blanks comments and literals.
pub(super) fn split(text: &str) -> (String, Vec<String>) {
    let mut lexer = Lexer { rest: text, code: String::with_capacity(text.len()), literals: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    (lexer.code, lexer.literals)
}

struct Lexer<'a> {
    rest: &'a str,
    code: String,
    literals: Vec<String>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if let Some(hashes) = raw_string(rest) {
            let open = hashes + 2;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = rest[open..].find(&close).map_or(rest.len(), |end| open + end);
            self.literals.push(rest[open..end].to_owned());
            self.blank((end + close.len()).min(rest.len()));
        } else if rest.starts_with('"') {
            let end = closing_quote(rest);
            self.literals.push(rest[1..end].to_owned());
            self.blank((end + 1).min(rest.len()));
        } else if let Some(length) = character(rest) {
            self.blank(length);
        } else {
            self.keep_word();
        }
    }

    /// A whole word at once, so that the `r` of `for"…"` is never taken for the start of a raw literal.
    fn keep_word(&mut self) {
        let word = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let length = if word > 0 { word } else { self.rest.chars().next().map_or(0, char::len_utf8) };
        self.code.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
    }

    fn blank(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.code.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

/// The number of hashes if a raw text literal begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn closing_quote(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, if one begins here; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map(|end| end + 4);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

#[test]
fn comments_and_literals_are_blanked() {
    let (code, literals) =
        split("let a = \"use x; \\\" // no\"; // crate::b\nlet c = r#\"crate::\"d\"#; let e: &'a u8 = '\"';");
    assert_eq!(literals, ["use x; \\\" // no", "crate::\"d"]);
    assert!(!code.contains("crate") && !code.contains("use"), "{code}");
    assert!(code.contains("let e: &'a u8 ="), "{code}");
    assert_eq!(code.lines().count(), 2);
}
