//! Where Chromium and its driver come from: the path; else Debian's packages, unpacked into `.local/tools/chromium`; else,
//! as root, installed into the system.

use std::path::{Path, PathBuf};
use std::process::Command;

use local::settings::on_path;

use super::Programs;
use crate::install::{debian, once, run};

/// Debian's names.
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// The programs, installed if need be.
pub(super) fn programs() -> Result<Programs, String> {
    if let (Some(chromium), Some(chromedriver)) = (on_path("chromium"), on_path("chromedriver")) {
        return Ok(Programs { chromium, chromedriver, libraries: None });
    }
    // The driver is made for one version of the browser: another one asks for another driver.
    let beside = on_path("chromium").and_then(|chromium| run(Command::new(chromium).arg("--version")).ok());
    let unpacked = once("chromium", &beside.unwrap_or_default(), unpack).map(|folder| within(&folder));
    let first = match unpacked {
        Ok(programs) if runs(&programs) => return Ok(programs),
        Ok(_) => "what was unpacked does not run".to_owned(),
        Err(why) => why,
    };
    if !rustix::process::geteuid().is_root() {
        return Err(first);
    }
    run(Command::new("apt-get").args(["install", "-y", "--no-install-recommends"]).args(PACKAGES))
        .map_err(|second| format!("{first}; {second}"))?;
    let found = on_path("chromium").zip(on_path("chromedriver"));
    found.map(|(chromium, chromedriver)| Programs { chromium, chromedriver, libraries: None }).ok_or(first)
}

fn unpack(folder: &Path) -> Result<(), String> {
    debian::unpack(folder, &PACKAGES)
}

fn within(folder: &Path) -> Programs {
    let either = |unpacked: PathBuf, name: &str| {
        if unpacked.is_file() { unpacked } else { on_path(name).unwrap_or_default() }
    };
    // Debian's `chromium` is a script with the system's paths in it: unpacked, the program itself is started.
    let chromium = either(folder.join("usr/lib/chromium/chromium"), "chromium");
    let chromedriver = either(folder.join("usr/bin/chromedriver"), "chromedriver");
    let libraries = debian::libraries(folder);
    Programs { chromium, chromedriver, libraries: Some(libraries) }
}

fn runs(programs: &Programs) -> bool {
    let version = |program: &Path| {
        let mut command = Command::new(program);
        if let Some(libraries) = &programs.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        run(command.arg("--version")).is_ok_and(|said| said.to_lowercase().contains("chrom"))
    };
    version(&programs.chromium) && version(&programs.chromedriver)
}
