//! What this machine has for running models, measured.

use std::path::Path;
use std::time::Duration;

use bottega_llm::Hardware;
use sysinfo::System;

use crate::engine::llama::Weights;
use crate::engine::threads::{Ticks, cores};

/// How long the use of the cores is watched.
const WATCH: Duration = Duration::from_millis(300);

/// Bytes of memory that could be used, control groups considered. Nothing is known: 2 GiB.
pub(crate) fn free_memory() -> u64 {
    let Ok(mut system) = System::new() else { return 2 << 30 };
    system.refresh_memory();
    let group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    match system.available_memory() {
        0 => 2 << 30,
        free => free.min(group),
    }
}

/// Bytes free on the file system of `folder`, or of the nearest parent that exists.
pub(crate) fn free_disk(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|parent| parent.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Measures this machine; takes some tenths of a second, since busy cores are watched for a while.
pub(crate) async fn measure(models: &Path) -> Hardware {
    let before = Ticks::now();
    tokio::time::sleep(WATCH).await;
    let cores = cores();
    let free = Ticks::now().zip(before).and_then(|(now, before)| now.free_cores(before, cores));
    Hardware {
        cpu: cpu_name(),
        free_cores: free.map_or(cores, |free| (free + 0.3).floor() as u32).min(cores),
        cores,
        free_memory: free_memory(),
        free_disk: free_disk(models).unwrap_or(0),
        accelerators: Weights::accelerators(),
    }
}

fn cpu_name() -> String {
    let Ok(mut system) = System::new() else { return String::new() };
    system.refresh_cpu_all();
    system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default()
}
