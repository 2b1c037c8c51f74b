//! Debian's packages, unpacked into a folder: no package's script runs, nothing is registered, nobody needs to be root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use local::settings::on_path;

use super::run;

/// Downloads the packages, with what they need and the system lacks, and unpacks them into the folder.
pub fn unpack(folder: &Path, packages: &[&str]) -> Result<(), String> {
    if on_path("apt-get").is_none() || on_path("dpkg").is_none() {
        return Err(format!("neither {} on the path, nor apt-get and dpkg", packages.join(" and ")));
    }
    if let Err(stale) = download(folder, packages) {
        // The lists of packages are older than the packages, or were never fetched.
        run(Command::new("apt-get").args(["update", "--quiet"])).map_err(|why| format!("{stale}; {why}"))?;
        download(folder, packages)?;
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

fn download(folder: &Path, packages: &[&str]) -> Result<(), String> {
    let simulated = ["install", "--simulate", "--no-install-recommends", "--quiet"];
    let plan = run(Command::new("apt-get").args(simulated).args(packages))?;
    // `Inst NAME [OLD] (NEW …)`: what is missing, with all that it needs. What is merely old will do.
    let is_wanted = |line: &&str| {
        packages.iter().any(|package| line.starts_with(package))
            || line.split(' ').nth(1).is_some_and(|old_or_new| old_or_new.starts_with('('))
    };
    let missing: Vec<&str> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter(is_wanted)
        .filter_map(|line| line.split(' ').next())
        .collect();
    if missing.is_empty() {
        return Err("Debian's packages are installed, but not on the path".to_owned());
    }
    run(Command::new("apt-get").args(["download", "--quiet"]).args(missing).current_dir(folder)).map(drop)
}

/// Where the unpacked packages' libraries are, as `LD_LIBRARY_PATH` takes them.
pub fn libraries(folder: &Path) -> String {
    let lib = folder.join("usr/lib");
    let machine = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> =
        machine.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect();
    folders.extend(folders.clone().iter().filter_map(|folder| fs::read_dir(folder).ok()).flat_map(
        |inside| inside.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>(),
    ));
    folders.push(folder.join("lib/x86_64-linux-gnu"));
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":")
}
