//! Third-party code: where it comes from, what is banned, and the versions below which stands a known hole.
//!
//! `deny.toml` says the same to `cargo deny`; these tests hold it where that is not installed.

use super::template::repository;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Below these stands a known hole. jsonwebtoken's (a string `nbf` skips the check) is in no advisory list.
const FLOORS: &[(&str, [u64; 3])] = &[
    ("jsonwebtoken", [10, 3, 0]),
    ("tokio-postgres", [0, 7, 18]),
    ("postgres-protocol", [0, 6, 12]),
    ("h2", [0, 4, 16]),
    ("rustls", [0, 23, 18]),
    ("tracing-subscriber", [0, 3, 20]),
    ("aws-lc-sys", [0, 39, 0]),
];

/// One crypto provider, no unfixed advisory, no copyleft.
const BANNED: &[&str] = &["rsa", "openssl", "openssl-sys", "native-tls", "openidconnect", "serde_yaml"];

struct Package {
    name: String,
    version: [u64; 3],
    source: Option<String>,
}

fn locked(text: &str) -> Vec<Package> {
    text.split("[[package]]").skip(1).map(package).collect()
}

fn package(text: &str) -> Package {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let version = field("version").expect("a locked package has a version");
    let plain = version.split(['-', '+']).next().expect("a version has a first part");
    let mut parts = plain.split('.').map(|part| part.parse().expect("a version is numbers"));
    Package {
        name: field("name").expect("a locked package has a name"),
        version: [parts.next(), parts.next(), parts.next()].map(|part| part.unwrap_or(0)),
        source: field("source"),
    }
}

fn wrong(packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let name = &package.name;
        if package.source.as_deref().is_some_and(|source| source != REGISTRY) {
            wrong.push(format!("{name} comes from {:?}", package.source));
        }
        if BANNED.contains(&name.as_str()) || name.starts_with("fakecloud") {
            wrong.push(format!("{name} is banned"));
        }
        if let Some((_, floor)) =
            FLOORS.iter().find(|(known, floor)| known == name && package.version < *floor)
        {
            wrong.push(format!("{name} is below {floor:?}"));
        }
    }
    wrong
}

#[test]
fn locked_packages_are_clean() {
    let text = std::fs::read_to_string(repository().join("Cargo.lock")).expect("the lock file");
    let packages = locked(&text);
    for (name, _) in FLOORS {
        assert!(packages.iter().any(|package| package.name == *name), "{name} has a floor but is not used");
    }
    let wrong = wrong(&packages);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_planted_package_is_noticed() {
    let planted = |name: &str, version: &str, source: &str| {
        let text =
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n");
        wrong(&locked(&text)).len()
    };
    assert_eq!(planted("jsonwebtoken", "10.3.0", REGISTRY), 0);
    assert_eq!(planted("jsonwebtoken", "10.2.9", REGISTRY), 1);
    assert_eq!(planted("rsa", "0.9.8", REGISTRY), 1);
    assert_eq!(planted("serde", "1.0.0", "git+https://example.com/serde"), 1);
    assert_eq!(planted("serde", "1.0.0", "registry+https://example.com/index"), 1);
}

#[test]
fn deny_toml_says_the_same() {
    let text = std::fs::read_to_string(repository().join("deny.toml")).expect("deny.toml");
    for name in BANNED {
        assert!(text.contains(&format!("{{ crate = \"{name}\"")), "deny.toml does not ban {name}");
    }
    for (name, [major, minor, patch]) in FLOORS {
        let floor = format!("{{ name = \"{name}\", version = \"<{major}.{minor}.{patch}\"");
        assert!(text.contains(&floor), "deny.toml has no floor for {name}");
    }
}
