//! Whether work with a remote model maps a local one: it must not, even with one on the disk.

use std::fs;
use std::time::Duration;

use bottega_testkit::{ScriptedServer, Serving};

use crate::report::Row;
use crate::session::TASK;
use crate::{Failure, Field, scene};

const PATIENCE: Duration = Duration::from_secs(60);
const MODEL_SIZE: u64 = 64 << 20;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let home = scene::small()?;
    let models = home.own_files().join("data/models");
    fs::create_dir_all(&models)?;
    fs::File::create(models.join("present.gguf"))?.set_len(MODEL_SIZE)?;
    let server = ScriptedServer::start(|_| Serving::silence())?;
    let mut child = field.bottega.task(&home, &server.url(), TASK)?.spawn()?;
    let waits = server.wait_for_questions(1, PATIENCE);
    let maps = fs::read_to_string(format!("/proc/{}/maps", child.id()));
    child.kill()?;
    child.wait()?;
    if !waits {
        return Err("it asked nothing".into());
    }
    let mapped: u64 = maps?.lines().filter(|line| line.ends_with(".gguf")).filter_map(size).sum();
    let mapped = mapped as f64 / f64::from(1 << 20);
    Ok(vec![
        Row::new("a local model's file mapped, with a remote model", "MiB", mapped).at_most(0.0),
    ])
}

/// Bytes of a mapping: `START-END …`, in hexadecimal.
fn size(line: &str) -> Option<u64> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    Some(u64::from_str_radix(end, 16).ok()? - u64::from_str_radix(start, 16).ok()?)
}
