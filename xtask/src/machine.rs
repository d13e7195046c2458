//! On what machine, and at which commit, something was measured.

use serde::{Deserialize, Serialize};

use crate::step::Step;
use crate::workshop::Workshop;

/// The machine of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) system: String,
}

impl Machine {
    /// Asks the machine. What it does not tell is `unknown`.
    pub(crate) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(&read("/proc/meminfo")),
            system: Step::new("uname", &["-srm"])
                .capture()
                .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned()),
        }
    }
}

/// The commit that is checked out, marked when files differ from it.
pub(crate) fn commit(workshop: &Workshop) -> String {
    Step::new("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .within(&workshop.root)
        .capture()
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn memory_gib(meminfo: &str) -> u64 {
    let kib =
        field(meminfo, "MemTotal").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    // Rounded: the kernel keeps a part of the last GiB to itself.
    kib.map_or(0, |kib| (kib + (1 << 19)) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(
            field("a\t: 1\nmodel name\t: EPYC 9\nmodel name\t: other", "model name"),
            Some("EPYC 9")
        );
        assert_eq!(memory_gib("MemTotal:       24565236 kB\nMemFree: 1 kB"), 23);
        assert_eq!(memory_gib(""), 0);
    }
}
