use super::*;

/// A path of its own for one test, with nothing at it before and after.
struct Scratch(PathBuf);

impl Scratch {
    fn remove(&self) {
        let _gone = fs::remove_dir_all(&self.0).or_else(|_| fs::remove_file(&self.0));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

impl std::ops::Deref for Scratch {
    type Target = PathBuf;
    fn deref(&self) -> &PathBuf {
        &self.0
    }
}

fn scratch(name: &str) -> Scratch {
    let path = std::env::temp_dir().join(format!("signalbox-folder-{name}-{}", std::process::id()));
    let scratch = Scratch(path);
    scratch.remove();
    scratch
}

#[test]
fn only_the_owner_can_read_it() {
    let path = scratch("mode");
    let folder = DataFolder::open(&path, false).unwrap();
    folder.secret("root-key", random_keys).unwrap();
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("secrets"), mode("secrets/root-key")), (0o700, 0o700, 0o600));
}

#[test]
fn a_second_runner_is_told_where_the_first_one_is() {
    let path = scratch("lock");
    let first = DataFolder::open(&path, false).unwrap();
    let at = "http://127.0.0.1:8080".to_owned();
    first.announce(&Running { url: at.clone(), control: None, oidc: String::new(), pid: 1 }).unwrap();
    let refused = DataFolder::open(&path, true).unwrap_err().to_string();
    assert_eq!(refused, format!("signalbox is already running at {at}"));
    assert_eq!(running(&path).unwrap().url, at);
    drop(first);
    assert!(matches!(running(&path), Err(FolderError::NotRunning { .. })));
}

#[test]
fn secrets_outlive_a_restart_but_not_fresh() {
    let path = scratch("fresh");
    let open = |fresh| DataFolder::open(&path, fresh).unwrap().secret("x", random_token).unwrap();
    let first = open(false);
    assert_eq!(open(false), first);
    assert_ne!(open(true), first);
}

#[test]
fn a_path_that_cannot_be_a_folder_is_one_sentence() {
    let path = scratch("file");
    fs::write(&*path, "").unwrap();
    let sentence = DataFolder::open(&path, false).unwrap_err().to_string();
    assert!(sentence.starts_with("the data folder cannot be used: "), "{sentence}");
    assert!(!sentence.contains('\n'));
}

#[test]
fn a_port_is_kept_and_a_taken_one_is_noticed() {
    let path = scratch("port");
    let folder = DataFolder::open(&path, false).unwrap();
    let port = folder.port("oidc").unwrap().unwrap();
    assert_eq!(folder.port("oidc").unwrap(), Some(port));
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(folder.port("oidc").unwrap(), None);
}
