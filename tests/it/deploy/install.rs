//! `infra/install` against an `aws` of our own that keeps secrets in a folder and writes down every call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::template::repository;

/// Answers as the real one would to the calls the script makes. `denied` and `broken` in the world's folder make it refuse
/// to read a secret, and make the steward fail.
const AWS: &str = r#"#!/usr/bin/env bash
world=$(dirname "$0")
echo "$*" >>"$world/calls"
option() { while [ $# -gt 1 ]; do [ "$1" = "$name" ] && { echo "$2"; return; }; shift; done; }
name=--secret-id; secret=$(option "$@")
case "$1 $2" in
    "cloudformation describe-stacks")
        name=--query; query=$(option "$@"); key=${query#*\'}; echo "${key%%\'*}" ;;
    "secretsmanager describe-secret") [ -e "$world/$secret" ] && echo 1 || echo 0 ;;
    "secretsmanager get-secret-value")
        [ -e "$world/denied" ] && { echo "AccessDenied" >&2; exit 254; }
        tr -d '\n' <"$world/$secret" | wc -c ;;
    "secretsmanager put-secret-value") cat >"$world/$secret" ;;
    "lambda invoke")
        if [ -e "$world/broken" ]; then echo '{"errorMessage":"no"}' >"${@: -1}"; echo Unhandled
        else echo '{}' >"${@: -1}"; echo None; fi ;;
esac
"#;

struct World(PathBuf);

impl World {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("install-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for the world");
        let world = Self(folder);
        world.write("aws", AWS);
        fs::set_permissions(world.0.join("aws"), fs::Permissions::from_mode(0o755)).expect("aws can be run");
        world
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("the world can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    fn install(&self) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.0.display());
        let mut script = Command::new("bash");
        script.arg(repository().join("infra/install")).arg("demo").env("PATH", path);
        script.output().expect("bash runs")
    }
}

#[test]
fn empty_key_secrets_are_filled_and_full_ones_are_kept() {
    let world = World::new("fills");
    world.write("OidcClientSecret", "secret");
    world.write("OperatorsOidcClientSecret", "secret");
    world.write("RootKeySecret", "kept");
    let done = world.install();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(world.read("RootKeySecret"), "kept");
    for name in ["QueueRootSecret", "SessionKeySecret", "OperatorsSessionKeySecret"] {
        let keys: serde_json::Value = serde_json::from_str(&world.read(name)).expect("JSON");
        assert_eq!(keys["current"], 1);
        assert_eq!(keys["keys"]["1"].as_str().map(str::len), Some(44), "32 bytes in base64");
    }
    assert!(world.read("calls").contains("lambda invoke --function-name Steward"), "the steward installs");
    let first = world.read("QueueRootSecret");
    assert!(world.install().status.success(), "a second time");
    assert_eq!(world.read("QueueRootSecret"), first);
}

#[test]
fn a_secret_that_cannot_be_read_is_not_written_over() {
    let world = World::new("denied");
    world.write("OidcClientSecret", "secret");
    world.write("OperatorsOidcClientSecret", "secret");
    world.write("RootKeySecret", "precious");
    world.write("denied", "");
    assert!(!world.install().status.success());
    assert_eq!(world.read("RootKeySecret"), "precious");
    assert!(!world.read("calls").contains("put-secret-value"));
}

#[test]
fn without_the_client_secret_nothing_is_installed() {
    let secrets = ["OidcClientSecret", "OperatorsOidcClientSecret"];
    for missing in secrets {
        let world = World::new(&format!("without-{missing}"));
        secrets.iter().filter(|it| **it != missing).for_each(|it| world.write(it, "secret"));
        let done = world.install();
        assert!(!done.status.success());
        assert!(String::from_utf8_lossy(&done.stderr).contains(&format!("{missing} is empty")));
        assert!(!world.read("calls").contains("lambda invoke"));
    }
}

#[test]
fn a_steward_that_fails_is_said() {
    let world = World::new("broken");
    world.write("OidcClientSecret", "secret");
    world.write("OperatorsOidcClientSecret", "secret");
    world.write("broken", "");
    let done = world.install();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("could not install"));
}

#[test]
fn no_key_is_passed_where_other_processes_see_it() {
    let world = World::new("quiet");
    world.write("OidcClientSecret", "secret");
    world.write("OperatorsOidcClientSecret", "secret");
    assert!(world.install().status.success());
    let root: serde_json::Value = serde_json::from_str(&world.read("RootKeySecret")).expect("JSON");
    let key = root["keys"]["1"].as_str().expect("a key");
    assert!(!world.read("calls").contains(key));
}
