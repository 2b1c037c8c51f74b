//! The stack around the one function that sets everything up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::folder::DataFolder;
use local::postgres::{Server, connect};
use local::settings::{StackSettings, binaries, cargo, local_folder, workspace};
use local::stack::{Stack, StackError};

fn settings(name: &str) -> StackSettings {
    let built =
        Command::new(cargo()).args(["build", "--quiet", "-p", "steward"]).current_dir(workspace()).status();
    assert!(built.unwrap().success());
    let data = std::env::temp_dir().join(format!("signalbox-stack-{name}-{}", std::process::id()));
    StackSettings {
        port: Some(0),
        seed: false,
        functions: vec!["steward".to_owned()],
        binaries: binaries(),
        ..StackSettings::new(data)
    }
}

async fn ahead_s(stack: &Stack) -> f64 {
    let client = connect(&stack.superuser().url()).await.unwrap();
    let ask = "select extract(epoch from system.now() - statement_timestamp())::float8";
    client.query_one(ask, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_was_moved_stays_moved_after_a_restart_and_issuers_stay_the_same() {
    let settings = settings("time");
    let stack = Stack::start(settings.clone()).await.unwrap();
    let issuer = stack.oidc().authority();
    stack.advance(Duration::from_secs(3_600)).await.unwrap();
    stack.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!(ahead_s(&stack).await, 3_660.0);
    let second = Stack::start(settings.clone()).await.err().unwrap();
    assert!(second.to_string().starts_with("signalbox is already running at http://127.0.0.1:"), "{second}");
    stack.stop().await;

    let stack = Stack::start(settings.clone()).await.unwrap();
    assert_eq!(ahead_s(&stack).await, 3_660.0);
    assert_eq!(stack.cloud().clock().shift().as_secs(), 3_660);
    assert_eq!(stack.oidc().authority(), issuer);
    stack.stop().await;
    std::fs::remove_dir_all(settings.data_dir).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_server_is_used_and_left_running() {
    let settings = settings("guest");
    let folder = DataFolder::open(&settings.data_dir.with_extension("server"), true).unwrap();
    let guard = settings.binaries.join("signalbox");
    let server = Server::start(&folder, &local_folder(), &guard).await.unwrap();

    let settings = StackSettings { database_url: Some(server.superuser().url()), ..settings };
    let stack = Stack::start(settings.clone()).await.unwrap();
    assert!(stack.server().process().is_none());
    stack.stop().await;
    assert!(connect(&server.superuser().url()).await.is_ok());
    // Without its folder the stack would not know the logins' passwords: it makes new ones.
    let stack = Stack::start(StackSettings { fresh: true, ..settings.clone() }).await.unwrap();
    stack.stop().await;

    let elsewhere =
        StackSettings { database_url: Some("postgres://a@example.com/b".to_owned()), ..settings.clone() };
    assert!(matches!(Stack::start(elsewhere).await, Err(StackError::Postgres(_))));
    server.stop().await;
    for folder in [folder.path().to_owned(), settings.data_dir] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn a_setting_that_cannot_be_meant_is_told_before_anything_starts() {
    let settings = settings("settings");
    let astray = StackSettings { extra_egress: vec!["localhost:9099".to_owned()], ..settings.clone() };
    let told = Stack::check(&astray).await.unwrap_err().to_string();
    assert_eq!(told, "SIGNALBOX_EGRESS_ALLOW: \"localhost:9099\" is not scheme://host:port");
    let loud = StackSettings { log: "debg".to_owned(), ..settings.clone() };
    assert!(matches!(Stack::check(&loud).await, Err(StackError::NotALevel(_))));
    let meant = StackSettings { extra_egress: vec!["http://127.0.0.1:9099".to_owned()], ..settings.clone() };
    assert!(Stack::check(&meant).await.is_ok());
    std::fs::remove_dir_all(settings.data_dir).unwrap();
}

/// The runner as its own process, up to its ready line.
fn run(data: &std::path::Path) -> (Child, String) {
    let mut runner = Command::new(binaries().join("signalbox"))
        .args(["--no-demo", "--port", "0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(runner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (runner, line)
}

/// The processes that work on the data in this folder.
fn left_over(data: &std::path::Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|it| it.starts_with(data)))
        .count()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "looks for processes in /proc")]
fn kill_9_leaves_no_process_and_ctrl_c_stops_in_order() {
    let data = std::env::temp_dir().join(format!("signalbox-stack-killed-{}", std::process::id()));
    let (mut runner, line) = run(&data);
    assert!(line.starts_with("signalbox is ready at http://127.0.0.1:"), "{line:?}");
    assert!(left_over(&data) > 0);
    runner.kill().unwrap();
    runner.wait().unwrap();
    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        left_over(&data) == 0
    });
    assert!(gone, "{} processes outlive their runner", left_over(&data));

    let (mut runner, line) = run(&data);
    assert!(line.starts_with("signalbox is ready at http://127.0.0.1:"), "{line:?}");
    let interrupted = Command::new("kill").args(["-INT", &runner.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && runner.wait().unwrap().success());
    assert_eq!(left_over(&data), 0);
    assert!(!data.join("stack.json").exists() && !data.join("postgres/postmaster.pid").exists());
    std::fs::remove_dir_all(data).unwrap();
}
