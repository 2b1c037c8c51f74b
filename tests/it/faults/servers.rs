//! What runs the functions breaks: Postgres crashes under load, and the whole stack is killed and started again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use local::{
    people::{Person, sign_in},
    stack::Stack,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::{
    caller::{Caller, Proof},
    database, install, invariants, stack, tenant,
    work::{self, SOON},
    world::World,
};

#[test]
fn a_crash_of_postgres_under_load_loses_nothing() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::of_runs(3));
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks: Vec<Value> = (0..6).map(|n| work::polled(&format!("t{n}"), "platform", &[])).collect();
        let job = work::job(&tenant.administrator, "load", &tasks).await;
        let mut runs = Vec::new();
        for _ in 0..4 {
            runs.push(work::run(&tenant.operator, &job).await);
        }
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            crash(&stack).await;
            work::until("Postgres is back", SOON, async || {
                local::postgres::connect(&stack.superuser().url()).await.is_ok()
            })
            .await;
        }
        for run in &runs {
            work::until("the run is over", SOON * 3, async || {
                stack.advance(Duration::from_secs(150)).await.expect("time moves");
                tokio::time::sleep(Duration::from_millis(500)).await;
                let seen = tenant.operator.get(&format!("/runs/{}", work::id(run))).await;
                seen.status == 200 && !matches!(seen.json()["state"].as_str(), Some("pending" | "active"))
            })
            .await;
        }
        // A platform that knows no doubles: each start is made once, and one whose answer could not be recorded is a doubt.
        let attempts = invariants::count(&stack, &tenant, "attempts").await;
        assert_eq!(attempts, 24);
        assert!(world.count("POST", "/runs") <= 24, "{} starts", world.count("POST", "/runs"));
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

/// `kill -9` of one session: Postgres then drops them all and recovers. Returns once it has begun to: until then it takes more.
async fn crash(stack: &Stack) {
    let (client, another) = (database::superuser(stack).await, database::superuser(stack).await);
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.expect("a session").get(0);
    kill_process(Pid::from_raw(pid).expect("a process"), Signal::KILL).expect("a process of ours");
    work::until("every session is dropped", SOON, async || another.simple_query("").await.is_err()).await;
}

/// The stack as a user starts it.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut command = Command::new(stack::binaries().join("signalbox"));
        command.arg("--data").arg(data).args(["--port", &install::free_port().to_string()]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("signalbox starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its output");
        let url =
            line.trim().strip_prefix("signalbox is ready at ").unwrap_or_else(|| panic!("it said {line:?}"));
        Self { url: url.to_owned(), child }
    }

    async fn runs(&self) -> Vec<Value> {
        let person = Person::find("ada").expect("one of the demo's people");
        let token = sign_in::token(&self.url, person).await.expect("she signs in");
        work::all(&Caller::new(&self.url, Proof::Bearer(token)), "/runs").await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn a_killed_stack_leaves_no_process_behind_and_goes_on_where_it_was() {
    stack::run(async {
        let data = stack::folder("killed");
        let mut first = tokio::task::spawn_blocking({
            let data = data.clone();
            move || Running::start(&data)
        })
        .await
        .expect("it starts");
        let before = first.runs().await;
        assert!(!before.is_empty(), "the demo has run");
        let family = descendants(first.child.id());
        assert!(family.len() >= 3, "Postgres and functions: {family:?}");
        first.child.kill().expect("a process of ours");
        first.child.wait().expect("a child of ours");
        work::until("its processes are gone", SOON, async || family.iter().all(|process| !is_there(process)))
            .await;

        let second =
            tokio::task::spawn_blocking(move || Running::start(&data)).await.expect("it starts again");
        let after: BTreeSet<String> = second.runs().await.iter().map(work::id).collect();
        for run in &before {
            assert!(after.contains(&work::id(run)), "{run} is forgotten");
        }
    });
}

/// Id and start time: an id may be given to another process later.
type Process = (u32, String);

/// Every process that descends from this one.
fn descendants(of: u32) -> Vec<Process> {
    let mut parents: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("Linux").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((parent, started)) = stat(pid) {
            parents.entry(parent).or_default().push((pid, started));
        }
    }
    let (mut found, mut open) = (Vec::new(), vec![of]);
    while let Some(pid) = open.pop() {
        for child in parents.remove(&pid).unwrap_or_default() {
            open.push(child.0);
            found.push(child);
        }
    }
    found
}

fn is_there((pid, started): &Process) -> bool {
    stat(*pid).is_some_and(|(_, now)| now == *started)
}

/// Parent and start time of a process that is alive (proc(5): fields 4 and 22 of `stat`; the name may hold anything).
fn stat(pid: u32) -> Option<(u32, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let alive = *rest.first()? != "Z";
    alive.then_some((rest.get(1)?.parse().ok()?, (*rest.get(19)?).to_owned()))
}
