//! The arrows of ARCHITECTURE.md: who may use whom.

use std::collections::BTreeSet;

use super::source::{Source, production, repository, sources};

/// The modules of `shared`, from the bottom up, and what each may use of its own crate: only what stands above its line.
/// A new module is added here, or the test fails.
const MODULES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("template", &["model"]),
    ("parameters", &["model"]),
    ("seal", &["model"]),
    ("error", &["model"]),
    ("clock", &["model"]),
    ("config", &["error", "model"]),
    ("telemetry", &["config", "model"]),
    ("secrets", &["config", "error"]),
    ("keys", &["error", "model", "secrets"]),
    ("signing", &["keys", "secrets"]),
    ("archive", &["error", "keys", "model", "secrets", "signing"]),
    ("egress", &["config", "error", "model"]),
    ("queue", &["clock", "config", "error", "keys", "model", "secrets"]),
    ("db", &["clock", "config", "error", "model", "secrets"]),
    ("auth", &["clock", "config", "db", "egress", "error", "keys", "model", "secrets"]),
    ("store", &["auth", "clock", "db", "error", "keys", "model", "queue", "seal", "secrets"]),
    ("limiter", &["db", "error", "model", "store"]),
    (
        "engine",
        &["clock", "db", "error", "keys", "model", "parameters", "queue", "secrets", "store", "template"],
    ),
];

/// Crates that `model` may use: text, time, errors, and the description of the API. Nothing that waits or stores.
const MODEL: &[&str] = &[
    "serde",
    "serde_json",
    "serde_path_to_error",
    "jiff",
    "croner",
    "thiserror",
    "uuid",
    "utoipa",
    "url",
    "jsonschema",
    "percent_encoding",
];

/// Crates that only some files may name, and those files or folders.
const KEEPERS: &[(&str, &[&str])] = &[
    ("jsonwebtoken", &["shared/src/auth/token.rs", "shared/src/auth/token/"]),
    ("deadpool", &["shared/src/db"]),
    ("deadpool_postgres", &["shared/src/db"]),
    ("tokio_postgres_rustls", &["shared/src/db", "functions/dispatcher/src/connectors/postgres"]),
    (
        "tokio_postgres",
        &[
            "shared/src/db",
            "shared/src/store",
            "shared/src/error.rs",
            "functions/dispatcher/src/connectors/postgres",
        ],
    ),
    ("reqwest", &["shared/src/egress", "functions/dispatcher/src/connectors"]),
    ("oauth2", &["shared/src/auth/provider.rs"]),
    ("aws_sdk_sqs", &["shared/src/queue", "functions/signin/src"]),
    ("object_store", &["shared/src/archive"]),
    ("zstd", &["shared/src/archive"]),
    ("aws_sdk_secretsmanager", &["shared/src/secrets"]),
];

#[test]
fn a_module_of_shared_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for source in production(&["shared/src"], ".rs") {
        let Some(module) = module(&source.path) else { continue };
        let Some((_, allowed)) = MODULES.iter().find(|(known, _)| *known == module) else {
            wrong.push(format!("{}: {module} is not in the list of modules", source.path));
            continue;
        };
        // `sql` is the macro that includes a statement.
        for used in after(&source.code, "crate::") {
            if used != module && used != "sql" && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} uses {used}", source.path));
            }
        }
        if climbs_out(&source) {
            wrong.push(format!("{}: leaves its module by super::, say crate::", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_arrows_point_one_way() {
    for (at, (module, uses)) in MODULES.iter().enumerate() {
        let above: Vec<&str> = MODULES[..at].iter().map(|(name, _)| *name).collect();
        let wrong: Vec<&&str> = uses.iter().filter(|used| !above.contains(*used)).collect();
        assert!(wrong.is_empty(), "{module} uses {wrong:?}, which stand below it");
    }
}

#[test]
fn the_model_knows_no_io() {
    let mut wrong = Vec::new();
    let all = dependencies("shared");
    for source in production(&["shared/src/model", "shared/src/model.rs"], ".rs") {
        for name in all.iter().filter(|name| !MODEL.contains(&name.as_str()) && names(&source.code, name)) {
            wrong.push(format!("{}: {name}", source.path));
        }
        let io = ["std::fs", "std::net", "std::process", "std::thread", "std::env", "async fn", ".await"];
        wrong.extend(
            io.iter().filter(|io| source.code.contains(*io)).map(|io| format!("{}: {io}", source.path)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_crate_is_named_by_its_keepers_only() {
    let mut wrong = Vec::new();
    for source in production(&["shared/src", "functions"], ".rs") {
        for (name, keepers) in KEEPERS {
            let kept = keepers.iter().any(|keeper| source.path.starts_with(keeper));
            if !kept && names(&source.code, name) {
                wrong.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_use_shared_and_never_each_other() {
    let mut wrong = Vec::new();
    let functions = ["signin", "portal", "scheduler", "dispatcher", "steward", "operators"];
    for function in functions {
        let used = dependencies(&format!("functions/{function}"));
        assert!(used.contains("shared"), "{function} stands on shared");
        wrong.extend(
            used.iter()
                .filter(|name| functions.contains(&name.as_str()))
                .map(|other| format!("{function}: {other}")),
        );
        wrong.extend(
            ["local", "tests"]
                .iter()
                .filter(|name| used.contains(**name))
                .map(|name| format!("{function}: {name}")),
        );
    }
    let runner = dependencies("infra/local");
    let product = functions.into_iter().chain(["shared"]).filter(|name| runner.contains(*name));
    wrong.extend(product.map(|name| format!("the runner: {name}")));
    let shared = dependencies("shared");
    wrong.extend(
        functions
            .into_iter()
            .chain(["local", "tests"])
            .filter(|name| shared.contains(*name))
            .map(|n| format!("shared: {n}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn features_of_other_peoples_crates_stand_in_the_workspace_only() {
    for manifest in sources(&["shared", "functions", "infra", "tests"], "Cargo.toml") {
        let stray =
            manifest.text.lines().find(|line| line.contains("features =") || line.contains("version = \""));
        assert_eq!(stray, None, "{}", manifest.path);
    }
}

/// `shared/src/db/tx.rs` and `shared/src/db.rs` are `db`; `lib.rs` is none.
fn module(path: &str) -> Option<String> {
    let inner = path.strip_prefix("shared/src/")?;
    let name = inner.split('/').next()?.trim_end_matches(".rs");
    (name != "lib").then(|| name.to_owned())
}

/// `super::` in a module's own file, or twice in a row one level down, names the crate.
fn climbs_out(source: &Source) -> bool {
    let depth = source.path.trim_start_matches("shared/src/").matches('/').count();
    let climb = "super::".repeat(depth + 1);
    source.code.contains(&climb)
}

/// The names that follow `prefix`, and those of a group behind it: `crate::{a, b::c}`.
fn after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(members(group)),
            None => found.extend(word(rest)),
        }
    }
    found
}

/// The first word of each member of a use group that begins at `group`.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut found: Vec<String> = word(group.trim_start()).into_iter().collect();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.extend(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    found
}

/// The word that begins here; a macro's name is none, for all of a crate's stand at its root.
fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0 && !text[end..].starts_with('!')).then(|| text[..end].to_owned())
}

/// Whether `code` reaches into the crate `name`; a module of the same name hides the crate.
fn names(code: &str, name: &str) -> bool {
    if code.contains(&format!("mod {name};")) {
        return false;
    }
    let whole =
        |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '.');
    code.match_indices(&format!("{name}::")).any(|(at, _)| whole(at))
        || code.contains(&format!("use {name};"))
}

/// The packages a manifest depends on, as code names them.
fn dependencies(package: &str) -> BTreeSet<String> {
    let path = repository().join(package).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, after) = text.split_once("[dependencies]").expect("a manifest lists its dependencies");
    let section = after.split("\n[").next().expect("a section");
    section.lines().filter_map(|line| word(line.trim()).map(|_| line)).map(package_name).collect()
}

fn package_name(line: &str) -> String {
    line.split(['.', ' ', '=']).next().expect("a line has a first word").replace('-', "_")
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let code = "use crate::{db::{Tx, pool}, model};\nuse crate::error::Error; let x = crate::clock::now(); $crate::macros::x";
    assert_eq!(after(code, "crate::").into_iter().collect::<Vec<_>>(), ["clock", "db", "error", "model"]);
    assert!(names("use reqwest::Client;", "reqwest") && names("let c = reqwest::get();", "reqwest"));
    assert!(!names("crate::reqwest::x", "reqwest") && !names("use my_reqwest::x", "reqwest"));
    assert!(climbs_out(&Source {
        path: "shared/src/model/run.rs".to_owned(),
        text: String::new(),
        code: "use super::super::db;".to_owned(),
        literals: Vec::new(),
    }));
}
