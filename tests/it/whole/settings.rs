//! A function that is told something wrong refuses to start, in one sentence that names the setting.

use std::process::{Command, Output, Stdio};

use tests::stack;

fn start(function: &str, settings: &[(&str, &str)]) -> Output {
    let binary = stack::binaries().join(function);
    let mut command = Command::new(binary);
    command.env_clear().envs(settings.iter().copied()).stdin(Stdio::null());
    // What every Lambda has; nobody listens there, since nobody is to be asked.
    command.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1").env("AWS_REGION", "eu-central-1");
    command.env("AWS_LAMBDA_FUNCTION_NAME", function).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
    command
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "x")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "x");
    command.output().expect("the function's binary")
}

fn said(output: &Output) -> String {
    assert!(!output.status.success());
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_function_without_a_setting_says_which_and_stops() {
    for function in ["signin", "portal", "scheduler", "dispatcher", "steward"] {
        let said = said(&start(function, &[]));
        assert!(said.contains("SIGNALBOX_DATABASE_SECRET_ARN is not set"), "{function}: {said}");
        assert!(said.lines().count() <= 1, "one sentence: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_function_with_a_setting_it_does_not_know_says_which_and_stops() {
    for function in ["signin", "portal", "scheduler", "dispatcher", "steward"] {
        let said = said(&start(function, &[("SIGNALBOX_DATABSE_SECRET_ARN", "x")]));
        assert!(said.contains("SIGNALBOX_DATABSE_SECRET_ARN is not a setting"), "{function}: {said}");
    }
}
