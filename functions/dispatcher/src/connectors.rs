//! Connectors: how each kind of platform is started, asked, stopped and tested.
//!
//! One file a kind, the same roles in each. They call out through `shared::egress` and answer in the engine's words
//! ([`Outcome`]); they touch no database of ours, keep nothing between invocations, and never try again by themselves: what may
//! be sent twice is the engine's decision. What a platform says is redacted and cut before it leaves this module.

mod airflow;
mod answer;
mod http;
mod postgres;

use shared::{
    egress::Egress,
    engine::Outcome,
    model::{
        connection::{Settings, Start},
        ids::AttemptId,
    },
    secrets::Secret,
};
use tokio::time::{Duration, Instant};

/// A poll asks this many single questions side by side.
const SIDE_BY_SIDE: usize = 8;

/// The connectors of a process.
#[derive(Clone)]
pub(crate) struct Connectors {
    egress: Egress,
}

/// A platform to call: settings, the credential as its vault gave it for this invocation, and until when.
pub(crate) struct Target<'a> {
    /// The connection's settings.
    pub settings: &'a Settings,
    /// Its secret.
    pub credential: Option<&'a Secret>,
    /// Everything must have ended by then.
    pub deadline: Instant,
}

/// An external run that an attempt owns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight<'a> {
    /// The attempt.
    pub attempt: AttemptId,
    /// What was started.
    pub start: &'a Start,
    /// The platform's id.
    pub external_id: &'a str,
    /// We asked the platform to stop it.
    pub cancelling: bool,
}

/// What a poll of a connection learnt.
#[derive(Debug, Default)]
pub(crate) struct Polled<'a> {
    /// One outcome for each run asked about. A question that failed is [`Outcome::Running`] with a warning.
    pub outcomes: Vec<(InFlight<'a>, Outcome)>,
    /// The platform asks to be left alone for so long.
    pub retry_after_s: Option<i64>,
}

/// What came of asking a platform to stop a run. Only a later poll says that it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CancelAnswer {
    /// It was asked, or had ended already.
    Asked,
    /// This kind of run cannot be stopped; it is followed to its end.
    NotPossible,
    /// The question did not arrive or was refused; ask again. The reason, for people.
    Failed(String),
}

impl Target<'_> {
    /// The time that is left.
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Connectors {
    /// Connectors over the one outbound client.
    pub(crate) fn new(egress: Egress) -> Self {
        Self { egress }
    }

    /// Starts an external run, with the attempt's id as its token where the platform takes one.
    pub(crate) async fn start(&self, target: &Target<'_>, attempt: AttemptId, start: &Start) -> Outcome {
        match (target.settings, start) {
            (Settings::Postgres(s), Start::Postgres(it)) => {
                postgres::start(&self.egress, s, target, attempt, it).await
            }
            (Settings::Http(s), Start::Http(it)) => http::start(&self.egress, s, target, attempt, it).await,
            (Settings::Airflow(s), Start::Airflow(it)) => {
                airflow::start(&self.egress, s, target, attempt, it).await
            }
            _ => answer::permanent("The task's start is of another kind than its connection."),
        }
    }

    /// Asks how runs of one connection stand.
    pub(crate) async fn poll<'a>(&self, target: &Target<'_>, runs: &[InFlight<'a>]) -> Polled<'a> {
        match target.settings {
            Settings::Postgres(_) => postgres::poll(runs),
            Settings::Http(s) => http::poll(&self.egress, s, target, runs).await,
            Settings::Airflow(s) => airflow::poll(&self.egress, s, target, runs).await,
        }
    }

    /// Asks the platform to stop a run.
    pub(crate) async fn cancel(&self, target: &Target<'_>, run: &InFlight<'_>) -> CancelAnswer {
        match target.settings {
            Settings::Postgres(_) => CancelAnswer::NotPossible,
            Settings::Http(s) => http::cancel(&self.egress, s, target, run).await,
            Settings::Airflow(s) => airflow::cancel(&self.egress, s, target, run).await,
        }
    }

    /// Tries a connection: a sentence for people, of what was found or of what is wrong.
    pub(crate) async fn test(&self, target: &Target<'_>) -> Result<String, String> {
        match target.settings {
            Settings::Postgres(s) => postgres::test(&self.egress, s, target).await,
            Settings::Http(s) => http::test(&self.egress, s, target).await,
            Settings::Airflow(s) => airflow::test(&self.egress, s, target).await,
        }
    }
}
