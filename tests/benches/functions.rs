//! What a function costs to start and to keep: start → first answer (goal 20 ms), start → first answer with a tenant query
//! (35 ms), resident memory (30 MB), zip (6 MB).

use std::{process::Command, time::Instant};

use local::{settings, stack::Stack};
use tests::{caller::Anonymous, tenant};

use crate::figure::{percentile, report};

const STARTS: usize = 15;

pub(crate) async fn cold_starts(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let nobody = Anonymous::at(stack.url());
    let (mut bare, mut with_query, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        stack.cloud().kill("portal").await.expect("a function");
        let started = Instant::now();
        nobody.get("/health").await.expect(200);
        bare.push(started.elapsed());
        stack.cloud().kill("portal").await.expect("a function");
        let started = Instant::now();
        tenant.operator.get("/me").await.expect(200);
        with_query.push(started.elapsed());
        let started = Instant::now();
        tenant.operator.get("/me").await.expect(200);
        warm.push(started.elapsed());
    }
    report("functions.first_answer_p50", percentile(&mut bare, 50), "ms");
    report("functions.first_tenant_query_p50", percentile(&mut with_query, 50), "ms");
    report("functions.warm_tenant_query_p50", percentile(&mut warm, 50), "ms");
}

pub(crate) async fn sizes(stack: &Stack) {
    for (name, state) in stack.cloud().functions() {
        let pids = state.idle.iter().chain(&state.busy);
        if let Some(most) = pids.filter_map(|pid| resident_mb(*pid)).reduce(f64::max) {
            report(&format!("functions.{name}.resident"), most, "MB");
        }
        report(&format!("functions.{name}.zip"), zip_mb(&name), "MB");
    }
}

fn resident_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib * 1024.0 / 1e6)
}

/// The deployment package's size: the binary as `bootstrap`, deflated as `sam build` does.
fn zip_mb(function: &str) -> f64 {
    let zip = settings::workspace().join(format!("target/bench-{function}.zip"));
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED); z.write(sys.argv[2], 'bootstrap')";
    let made = Command::new("python3")
        .args(["-c", script])
        .arg(&zip)
        .arg(settings::binaries().join(function))
        .status();
    assert!(made.is_ok_and(|s| s.success()), "python3 makes a zip");
    std::fs::metadata(&zip).expect("a zip").len() as f64 / 1e6
}
