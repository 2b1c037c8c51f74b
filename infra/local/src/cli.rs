//! The command line: start the stack, or talk to the one that runs.
//!
//! `main` calls it. Every failure is one sentence on stderr and exit code 1; what a command is asked for goes to stdout
//! alone, so that it can be piped.

mod run;
mod talk;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::{settings, verify};

/// signalbox on one machine: starts everything and prints where it is.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Port of the API and the portal (default: 8080, or a free one if that is taken)
    #[arg(long)]
    port: Option<u16>,
    /// Folder for all state (default: .local/data in the workspace)
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Forget all state first
    #[arg(long)]
    fresh: bool,
    /// Set up the demo's organisations, but not what is in their workspaces
    #[arg(long)]
    no_demo: bool,
    /// A database beside the first, for a workspace that is to have one of its own; once there it stays
    #[arg(long, value_name = "NAME")]
    database: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the people of the demo
    People,
    /// Sign in as one of the people and print a bearer token
    Token {
        /// Who: ada, ben, clara, dan or eva; olga is a platform operator
        person: String,
        /// Their workspace there, for somebody who has several
        #[arg(long)]
        organisation: Option<String>,
    },
    /// Check an export that was fetched into a folder, without any server
    VerifyExport {
        /// The folder with `manifest.json`, `manifest.sig` and the files
        folder: PathBuf,
        /// The public keys, as `GET /api/v1/workspace/signing-keys` gave them
        #[arg(long, value_name = "FILE")]
        keys: PathBuf,
    },
    /// Show functions and queues
    Status,
    /// kill -9 every instance of a function
    Kill {
        /// Which function
        function: String,
    },
    /// Stop every instance of a function where it stands
    Freeze {
        /// Which function
        function: String,
    },
    /// Let frozen instances go on
    Thaw {
        /// Which function
        function: String,
    },
    /// Check an export of the audit log, by itself
    VerifyAudit {
        /// The pages of GET /api/v1/audit/export, one after another
        file: PathBuf,
        /// A head noted earlier, which the export's chain must hold
        #[arg(long)]
        head: Option<String>,
    },
    /// Give the steward an order, and print its answer
    Order {
        /// JSON: '{"do": "sweep"}'
        order: String,
    },
    /// Move time forward
    Advance {
        /// By how many seconds
        seconds: u64,
    },
}

/// Runs the command that was given.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(execute(arguments));
            // Told to stop while cargo builds, it does not wait for cargo.
            runtime.shutdown_timeout(Duration::from_millis(200));
            done
        }
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("signalbox: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> Result<(), String> {
    let data = arguments.data.unwrap_or_else(settings::default_data_dir);
    match arguments.command {
        None => {
            run::run(settings::StackSettings {
                fresh: arguments.fresh,
                port: arguments.port,
                seed: !arguments.no_demo,
                databases: arguments.database,
                ..settings::StackSettings::new(data)
            })
            .await
        }
        Some(Command::People) => {
            print!("{}", crate::people::list());
            Ok(())
        }
        Some(Command::Token { person, organisation }) => {
            talk::token(&data, &person, organisation.as_deref()).await
        }
        Some(Command::VerifyExport { folder, keys }) => {
            let checked = verify::export::export(&folder, &keys).map_err(|error| sentence(&error))?;
            println!("{checked}");
            Ok(())
        }
        Some(Command::Status) => talk::status(&data).await,
        Some(Command::Kill { function }) => talk::function(&data, "kill", &function).await,
        Some(Command::Freeze { function }) => talk::function(&data, "freeze", &function).await,
        Some(Command::Thaw { function }) => talk::function(&data, "thaw", &function).await,
        Some(Command::VerifyAudit { file, head }) => verify_audit(&file, head.as_deref()),
        Some(Command::Order { order }) => talk::order(&data, &order).await,
        Some(Command::Advance { seconds }) => talk::advance(&data, Duration::from_secs(seconds)).await,
    }
}

fn verify_audit(file: &Path, head: Option<&str>) -> Result<(), String> {
    let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = verify::audit::verify(BufReader::new(opened), head)?;
    println!("{} rows under {} seals are as they were sealed", found.rows, found.seals);
    if let (Some(head), Some(at)) = (found.head, found.sealed_at) {
        println!("head {head}, made {at}");
    }
    Ok(())
}

/// An error with its causes, as one sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_data_folder_can_be_named_before_or_after_the_command() {
        for words in [["signalbox", "--data", "/x", "people"], ["signalbox", "people", "--data", "/x"]] {
            assert_eq!(Arguments::parse_from(words).data, Some(PathBuf::from("/x")));
        }
    }
}
