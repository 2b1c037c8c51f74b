//! `signalbox`: the whole product on one machine, and the commands that talk to it.
//!
//! People start it with `cargo run`. It is also the guard through which every child process is started, which must
//! happen before any thread exists. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "guard") {
        let refused = local::process::guard(arguments);
        eprintln!("signalbox: {refused}");
        return ExitCode::from(127);
    }
    local::cli::main()
}
