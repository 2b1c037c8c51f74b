//! What may be a name.

use super::MAX_NAME;

/// Checks a name that people give and read (of a job, connection, vault, schedule, …): 1 to 100 characters, none of them
/// a control character or a line break, no space at either end. `Some` is what is wrong.
#[must_use]
pub fn check_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("must not be empty");
    }
    if name.chars().count() > MAX_NAME {
        return Some("must be at most 100 characters");
    }
    if name.trim() != name {
        return Some("must not begin or end with a space");
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Some("must not contain control or invisible characters");
    }
    None
}

/// Checks a task's name, which also stands in templates and in paths: letters, digits, `_` and `-`, at most 100.
#[must_use]
pub fn check_task_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Some("must have 1 to 100 characters");
    }
    if name.starts_with('-') || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Some("may hold only letters, digits, `_` and `-`, and must not begin with `-`");
    }
    None
}

/// Separators, direction marks and zero-width characters: two names that look alike must be alike.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_and_with_sql_in_them_are_names() {
        for name in ["nightly-sales", "Verkäufe – täglich", "売上", "'; drop table jobs; --", "a b", "🚂"]
        {
            assert_eq!(check_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_nobody_can_read_are_refused() {
        for name in ["", " a", "a ", "a\nb", "a\0", "a\u{202e}b", "\u{200b}", &"x".repeat(101)] {
            assert!(check_name(name).is_some(), "{name:?}");
        }
        assert_eq!(check_name(&"é".repeat(100)), None);
    }

    #[test]
    fn a_task_name_can_stand_in_a_path() {
        for name in ["load", "load-2", "_x", "2nd"] {
            assert_eq!(check_task_name(name), None, "{name}");
        }
        for name in ["", "-a", "a/b", "a.b", "a b", "ä", "..", &"x".repeat(101)] {
            assert!(check_task_name(name).is_some(), "{name:?}");
        }
    }
}
