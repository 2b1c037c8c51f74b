//! Where Chromium and its driver come from: the path; else Debian's packages, unpacked into `.local/tools/chromium`; else,
//! as root, installed into the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use local::settings::on_path;

use super::Programs;
use crate::install::{once, run};

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

/// Downloads the packages that the system lacks and unpacks them. No package's script runs, nothing is registered.
fn unpack(folder: &Path) -> Result<(), String> {
    if on_path("apt-get").is_none() || on_path("dpkg").is_none() {
        return Err("neither chromium and chromedriver on the path, nor apt-get and dpkg".to_owned());
    }
    if let Err(stale) = download(folder) {
        // The lists of packages are older than the packages, or were never fetched.
        run(Command::new("apt-get").args(["update", "--quiet"])).map_err(|why| format!("{stale}; {why}"))?;
        download(folder)?;
    }
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    for package in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("deb".as_ref()))
    {
        run(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
        fs::remove_file(&package).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn download(folder: &Path) -> Result<(), String> {
    let simulated = ["install", "--simulate", "--no-install-recommends", "--quiet"];
    let plan = run(Command::new("apt-get").args(simulated).args(PACKAGES))?;
    // `Inst NAME [OLD] (NEW …)`: what is missing, with all that it needs. What is merely old will do.
    let missing: Vec<&str> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter(|line| line.starts_with("chromium") || !line.contains('['))
        .filter_map(|line| line.split(' ').next())
        .collect();
    if missing.is_empty() {
        return Err("Debian's packages are installed, but not on the path".to_owned());
    }
    run(Command::new("apt-get").args(["download", "--quiet"]).args(missing).current_dir(folder)).map(drop)
}

fn within(folder: &Path) -> Programs {
    let either = |unpacked: PathBuf, name: &str| {
        if unpacked.is_file() { unpacked } else { on_path(name).unwrap_or_default() }
    };
    // Debian's `chromium` is a script with the system's paths in it: unpacked, the program itself is started.
    let chromium = either(folder.join("usr/lib/chromium/chromium"), "chromium");
    let chromedriver = either(folder.join("usr/bin/chromedriver"), "chromedriver");
    let lib = folder.join("usr/lib");
    let machine = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> =
        machine.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect();
    folders.extend(folders.clone().iter().filter_map(|folder| fs::read_dir(folder).ok()).flat_map(
        |inside| inside.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>(),
    ));
    folders.push(folder.join("lib/x86_64-linux-gnu"));
    let libraries = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
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
