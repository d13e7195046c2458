//! Where agents work: a home, and a repository in it.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::home::Home;

/// Lines of the file that turns read from.
const LINES: usize = 5_000;

/// Magic numbers of file systems in memory, from statfs(2).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Refuses a folder in memory: on it a sync costs nothing.
pub(crate) fn must_be_a_disk(folder: &Path) -> Result<(), Failure> {
    let kind = u64::try_from(rustix::fs::statfs(folder)?.f_type)?;
    if IN_MEMORY.contains(&kind) {
        let folder = folder.display();
        return Err(
            format!("{folder} is in memory: set CARGO_TARGET_DIR to a folder on a disk").into()
        );
    }
    Ok(())
}

/// A small repository: a program of a few files, all committed.
pub(crate) fn small() -> Result<Home, Failure> {
    let home = Home::new();
    home.write("README.md", "# Sums\n\nAdds numbers.\n");
    home.write("long.txt", lines()?);
    commit(&home)?;
    Ok(home)
}

/// A repository of 8,000 source files in 100 folders, all committed.
pub(crate) fn large() -> Result<Home, Failure> {
    let home = Home::new();
    home.write("long.txt", lines()?);
    for file in 0..8_000 {
        let mut text = String::new();
        for part in 0..20 {
            writeln!(
                text,
                "def part_{file}_{part}(a, b):\n    \"\"\"Adds {part}.\"\"\"\n    return a + b + {part}\n"
            )?;
        }
        home.write(&format!("src/room_{}/file_{file}.py", file % 100), text);
    }
    commit(&home)?;
    Ok(home)
}

fn lines() -> Result<String, Failure> {
    let mut text = String::new();
    for line in 1..=LINES {
        writeln!(text, "line {line} of the file that is read")?;
    }
    Ok(text)
}

fn commit(home: &Home) -> Result<(), Failure> {
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    for words in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "all"]] {
        let git =
            Command::new("git").args(who).args(words).current_dir(home.workspace()).output()?;
        if !git.status.success() {
            return Err(String::from_utf8_lossy(&git.stderr).into_owned().into());
        }
    }
    Ok(())
}
