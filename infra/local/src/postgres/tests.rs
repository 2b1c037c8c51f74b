use std::path::Path;

use super::*;
use crate::folder::DataFolder;
use crate::settings;

/// The guard is built by `cargo build --bins`, which a test of the library alone does not do.
fn guard() -> PathBuf {
    let guard = settings::binaries().join("signalbox");
    assert!(guard.is_file(), "run `cargo build --workspace --bins` first");
    guard
}

fn folder(name: &str) -> DataFolder {
    let path = std::env::temp_dir().join(format!("signalbox-postgres-{name}-{}", std::process::id()));
    DataFolder::open(&path, true).unwrap()
}

async fn start(folder: &DataFolder) -> Server {
    Server::start(folder, &settings::local_folder(), &guard()).await.unwrap()
}

async fn count(login: &Login, sql: &str) -> i64 {
    connect(&login.url()).await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn neither_login_reaches_the_other_database_and_a_restart_goes_on() {
    let folder = folder("restart");
    let server = start(&folder).await;
    let made = Databases::ensure(&server, &folder, (&[], false)).await.unwrap();
    assert!(made.warehouse_is_new);
    for (login, database) in
        [(&made.steward, "warehouse"), (&made.warehouse, "signalbox"), (&made.warehouse, "postgres")]
    {
        let refused = connect(&login.in_database(database).url()).await.err().unwrap();
        assert!(reason(&refused).contains("permission denied for database"), "{refused:?}");
    }
    let client = connect(&made.warehouse.url()).await.unwrap();
    client.batch_execute("create table kept (); insert into kept default values").await.unwrap();
    server.stop().await;

    let server = start(&folder).await;
    let again = Databases::ensure(&server, &folder, (&[], false)).await.unwrap();
    assert_eq!((again.warehouse.port, again.warehouse_is_new), (made.warehouse.port, false));
    assert_eq!(count(&again.warehouse, "select count(*) from kept").await, 1);
    server.stop().await;
    std::fs::remove_dir_all(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_committed_outlives_kill_9() {
    let folder = folder("kill");
    let server = start(&folder).await;
    let client = connect(&server.superuser().url()).await.unwrap();
    client.batch_execute("create table kept as select 1").await.unwrap();
    server.process().unwrap().kill();
    drop(server);
    let server = start(&folder).await;
    assert_eq!(count(server.superuser(), "select count(*) from kept").await, 1);
    server.stop().await;
    std::fs::remove_dir_all(folder.path()).unwrap();
}

#[tokio::test]
async fn root_can_run_it_as_nobody() {
    let folder = folder("nobody");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let installation = find(&settings::local_folder(), None).unwrap();
    let started = Server::start_as(Identity::User(65_534), &folder, &installation, &guard()).await;
    match started {
        Ok(server) => {
            assert_eq!(count(server.superuser(), "select count(*) from pg_database").await, 3);
            server.stop().await;
            // A later start finds whose data they are.
            let path = folder.path().to_owned();
            drop(folder);
            let folder = DataFolder::open(&path, false).unwrap();
            start(&folder).await.stop().await;
            std::fs::remove_dir_all(path).unwrap();
        }
        // Where the programs lie in a closed folder, that is the sentence.
        Err(refused) => {
            assert!(matches!(refused, PostgresError::Root { .. }), "{refused}");
            std::fs::remove_dir_all(folder.path()).unwrap();
        }
    }
}

#[tokio::test]
async fn what_others_have_on_a_server_is_left_alone() {
    let folder = folder("theirs");
    let server = start(&folder).await;
    let client = connect(&server.superuser().url()).await.unwrap();
    client.batch_execute("create role warehouse").await.unwrap();
    let refused = Databases::ensure(&server, &folder, (&[], true)).await.unwrap_err();
    assert!(matches!(refused, PostgresError::NotOurs { .. }), "{refused}");
    client.batch_execute("drop role warehouse").await.unwrap();
    client.batch_execute("create database warehouse").await.unwrap();
    let refused = Databases::ensure(&server, &folder, (&[], true)).await.unwrap_err();
    assert!(matches!(refused, PostgresError::NotOurs { .. }), "{refused}");
    server.stop().await;
    std::fs::remove_dir_all(folder.path()).unwrap();
}

#[test]
fn a_folder_closed_to_others_is_one_sentence() {
    let folder = folder("closed");
    let closed = folder.path().join("secrets");
    let refused = Identity::User(65_534).prepare(Path::new("/usr"), &closed.join("data/postgres"));
    if let Err(refused) = refused {
        assert!(!refused.to_string().contains('\n'));
    }
    std::fs::remove_dir_all(folder.path()).unwrap();
}

#[test]
fn a_given_server_must_be_on_this_machine() {
    let refused = |url| Server::given(url).unwrap_err().to_string();
    assert!(refused("postgres://a:b@db.example.com/x").ends_with("the server must be on this machine"));
    assert!(refused("mysql://a:b@127.0.0.1/x").ends_with("it must begin with postgres://"));
    let given = Server::given("postgres://a:p%40ss@localhost:6000").unwrap();
    let login = given.superuser();
    assert_eq!((login.port, login.password.as_str(), login.database.as_str()), (6000, "p@ss", "postgres"));
}
