//! Calls out stay outside: no address inside is called, however it is written and whoever names it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

#[test]
fn a_place_inside_is_never_called_however_it_is_written() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let inside = Inside::open().await;
        let (port, world) = (inside.port, World::at_once());
        let mut places: Vec<String> =
            ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "017700000001", "0.0.0.0"]
                .into_iter()
                .chain(["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost.", "127.0.0.1."])
                .flat_map(|host| [format!("http://{host}:{port}"), format!("https://{host}:{port}")])
                .collect();
        places.extend(
            [
                "https://169.254.169.254",
                "http://169.254.169.254/latest",
                "https://[fe80::1]",
                "https://10.0.0.1",
            ]
            .map(str::to_owned),
        );
        // The one excepted origin, written so that another may be meant.
        places.push(world.url().replace("http://", "https://"));
        for (n, place) in places.iter().enumerate() {
            let name = format!("inside-{n}");
            let body = json!({ "name": name, "kind": "http", "settings": { "base_url": place } });
            let answer = tenant.administrator.post("/connections", &body).await;
            if answer.status != 201 {
                assert!(matches!(answer.status, 400 | 422), "{place}: {} {}", answer.status, answer.text());
                continue;
            }
            let job = work::job(&tenant.administrator, &name, &[work::at_once("only", &name, &[])]).await;
            let run = work::run(&tenant.operator, &job).await;
            let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
            // A name that is none is a failure of another class than a place that is closed.
            assert!(seen::state(&run, "only").starts_with("failed/"), "{place}: {run:#}");
        }
        let body = json!({
            "name": "database", "kind": "postgres", "credential": credential(&tenant).await,
            "settings": { "host": "127.0.0.1", "port": port, "database": "d", "user": "u", "tls": false },
        });
        let answer = tenant.administrator.post("/connections", &body).await;
        if answer.status == 201 {
            let task = json!({ "name": "only", "connection": "database", "start": { "sql": "select 1" } });
            let job = work::job(&tenant.administrator, "database", &[task]).await;
            let run = work::run(&tenant.operator, &job).await;
            work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        }
        assert_eq!(inside.called(), 0);
        assert!(world.is_empty());
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_platform_cannot_send_us_inside() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let inside = Inside::open().await;
        let target = format!("http://127.0.0.1:{}/", inside.port);
        let to = target.clone();
        let world = World::new(move |request, _| match request.path.as_str() {
            "/runs" => Answer::Raw(201, vec![("location", to.clone())], b"{}".to_vec()),
            "/runs/" => Answer::Json(200, json!({ "state": "succeeded" })),
            _ => Answer::Raw(307, vec![("location", to.clone())], Vec::new()),
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut located = work::polled("located", "platform", &[]);
        located["start"].as_object_mut().expect("an object").remove("run_id_pointer");
        let tasks = [work::at_once("redirected", "platform", &[]), located];
        let job = work::job(&tenant.administrator, "elsewhere", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("the redirect was refused", SOON, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            seen::state(&run, "redirected") == "failed/permanent"
        })
        .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(inside.called(), 0, "{target} was called");
        invariants::hold(stack, &tenant).await;
    });
}

async fn credential(tenant: &tenant::Tenant) -> Value {
    let vault = work::vault(&tenant.administrator, "secrets").await;
    work::credential(&tenant.administrator, &vault, "password", "p4ssword").await;
    json!({ "vault": "secrets", "name": "password" })
}

/// Something on this machine that nobody outside has any business with.
struct Inside {
    port: u16,
    called: Arc<AtomicUsize>,
}

impl Inside {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let called = Arc::new(AtomicUsize::new(0));
        let count = called.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { port, called }
    }

    fn called(&self) -> usize {
        self.called.load(Ordering::Relaxed)
    }
}
