//! Evaluates one expression.

use std::sync::LazyLock;

use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::{Context, MAX_RENDERED, scan};

/// Steps one expression may take.
const FUEL: u64 = 5_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for function in ["range", "dict", "debug", "namespace", "cycler", "joiner", "lipsum"] {
        environment.remove_global(function);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("string", |value: Value| bounded(plain(&value)?));
    environment.add_filter("tojson", |value: Value| bounded(json_text(&value)?));
    environment
});

pub(super) struct Evaluator {
    root: Value,
}

impl Evaluator {
    pub(super) fn new(context: &Context) -> Self {
        Self { root: Value::from(minijinja::value::Serde(context)) }
    }

    /// The expression's value as JSON, and its size.
    pub(super) fn json(&self, expression: &str) -> Result<(serde_json::Value, usize), String> {
        let value = self.value(expression)?;
        let text = json_text(&value).map_err(|error| sentence(expression, &error))?;
        if text.len() > MAX_RENDERED {
            return Err(too_large());
        }
        let json = serde_json::from_str(&text).map_err(|_| format!("`{expression}` is no JSON value"))?;
        Ok((json, text.len()))
    }

    /// The expression's value as part of a longer text: texts as they are, all else as JSON.
    pub(super) fn text(&self, expression: &str) -> Result<String, String> {
        plain(&self.value(expression)?).map_err(|error| sentence(expression, &error))
    }

    /// Whether the expression holds.
    pub(super) fn truth(&self, expression: &str) -> Result<bool, String> {
        scan::check(expression)?;
        self.value(expression).map(|value| value.is_true())
    }

    fn value(&self, expression: &str) -> Result<Value, String> {
        let compiled = compile(expression)?;
        let value = compiled.eval(self.root.clone()).map_err(|error| sentence(expression, &error))?;
        if value.is_undefined() { Err(missing(expression)) } else { Ok(value) }
    }
}

/// The paths that an expression names, as far as they are written out.
pub(super) fn names(expression: &str) -> Result<Vec<Vec<String>>, String> {
    let compiled = compile(expression)?;
    let mut paths: Vec<Vec<String>> = compiled
        .undeclared_variables(true)
        .into_iter()
        .map(|path| path.split('.').map(str::to_owned).collect())
        .collect();
    paths.extend(subscripts(expression, "params"));
    paths.extend(subscripts(expression, "tasks"));
    Ok(paths)
}

/// `tasks['a-b'].outputs` as a path: names that are no identifiers can be written in no other way.
fn subscripts(expression: &str, root: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in expression.match_indices(root) {
        let after = &expression[at + root.len()..];
        let Some(inner) = after.trim_start().strip_prefix('[').map(str::trim_start) else { continue };
        let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) else { continue };
        let Some((name, rest)) = inner[1..].split_once(quote) else { continue };
        let Some(rest) = rest.trim_start().strip_prefix(']') else { continue };
        let mut path = vec![root.to_owned(), name.to_owned()];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
        path.extend(rest[..end].split('.').skip(1).map(str::to_owned));
        paths.push(path);
    }
    paths
}

fn compile(expression: &str) -> Result<minijinja::Expression<'static, 'static>, String> {
    ENVIRONMENT.compile_expression_owned(expression.to_owned()).map_err(|error| {
        let detail = error.detail().unwrap_or("it can't be read");
        format!("`{expression}` is no expression: {detail}")
    })
}

pub(super) fn too_large() -> String {
    format!("the rendered value is larger than {MAX_RENDERED} bytes")
}

fn missing(expression: &str) -> String {
    format!("`{expression}` names a value that does not exist")
}

/// What went wrong, without values: those may be secret to whoever reads the message.
fn sentence(expression: &str, error: &Error) -> String {
    match error.kind() {
        ErrorKind::UndefinedError => missing(expression),
        ErrorKind::OutOfFuel => format!("`{expression}` takes too long"),
        _ => match error.detail() {
            Some(detail) => format!("`{expression}` can't be evaluated: {detail}"),
            None => format!("`{expression}` can't be evaluated: {}", error.kind()),
        },
    }
}

fn json_text(value: &Value) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

fn plain(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    value.as_str().map_or_else(|| json_text(value), |text| Ok(text.to_owned()))
}

fn bounded(text: String) -> Result<String, Error> {
    if text.len() > MAX_RENDERED {
        Err(Error::new(ErrorKind::InvalidOperation, too_large()))
    } else {
        Ok(text)
    }
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let grown = text.matches(from.as_str()).count().saturating_mul(to.len()).saturating_add(text.len());
    if grown > 2 * MAX_RENDERED {
        return Err(Error::new(ErrorKind::InvalidOperation, too_large()));
    }
    bounded(text.replace(from.as_str(), &to))
}

fn join(items: Value, between: Rest<String>) -> Result<String, Error> {
    let between = between.first().map_or("", String::as_str);
    let mut joined = String::new();
    for (index, item) in items.try_iter()?.enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(&plain(&item)?);
        joined = bounded(joined)?;
    }
    Ok(joined)
}
