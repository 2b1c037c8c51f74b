//! What an instance finds around it: environment, log file, guard.

use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use uuid::Uuid;

use super::FunctionSettings;
use crate::process::{DeathSignal, Launch};

/// A log longer than this is begun anew when its function is declared.
const MAX_LOG_BYTES: u64 = 8 * 1024 * 1024;
const MEMORY_MB: &str = "256";

/// What all functions share.
#[derive(Clone, Debug)]
pub struct Host {
    /// The `signalbox` binary.
    pub guard: PathBuf,
    /// Where `<function>.log` files are.
    pub log_folder: PathBuf,
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL`.
    pub endpoint_url: String,
    /// The account that ARNs name.
    pub account: String,
    /// `AWS_ACCESS_KEY_ID`: whoever calls the endpoint must show it.
    pub access_key_id: String,
}

impl Host {
    /// The function's ARN, as the Runtime API names it.
    pub(super) fn arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{function}", self.region, self.account)
    }

    pub(super) fn trim_log(&self, function: &str) -> io::Result<()> {
        std::fs::create_dir_all(&self.log_folder)?;
        let log = OpenOptions::new().create(true).append(true).open(self.log(function))?;
        if log.metadata()?.len() > MAX_LOG_BYTES {
            log.set_len(0)?;
        }
        Ok(())
    }

    pub(super) fn launch(&self, function: &FunctionSettings, instance: Uuid, api: SocketAddr) -> Launch {
        Launch {
            arguments: function.arguments.iter().map(Into::into).collect(),
            environment: self.environment(function, instance, api),
            log: Some(self.log(&function.name)),
            user: function.user,
            death_signal: DeathSignal::Kill,
            ..Launch::new(&self.guard, &function.binary)
        }
    }

    /// AWS "Defined runtime environment variables", and what points the SDK at this machine. Without
    /// `AWS_EC2_METADATA_DISABLED` an SDK that misses a credential would look for it on the network.
    fn environment(
        &self,
        function: &FunctionSettings,
        instance: Uuid,
        api: SocketAddr,
    ) -> Vec<(String, String)> {
        let name = &function.name;
        let ours = [
            ("AWS_LAMBDA_RUNTIME_API", api.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY_MB.to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", instance.simple().to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint_url.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        let ours = ours.map(|(name, value)| (name.to_owned(), value));
        ours.into_iter().chain(function.environment.iter().cloned()).collect()
    }

    fn log(&self, function: &str) -> PathBuf {
        self.log_folder.join(format!("{function}.log"))
    }
}
