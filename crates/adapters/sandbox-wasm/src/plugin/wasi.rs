//! The little of WASI that compilers put into a plug-in: no files, no arguments, no environment; time, random numbers
//! and lines as they were granted.
//!
//! Names, numbers and layouts: WASI, snapshot preview 1 (`wasi_snapshot_preview1.witx`).

use bottega_manifest::{Capabilities, Level};
use wasmtime::{Caller, Extern, Linker, Memory};

use super::Breach;
use super::imports::WASI;
use crate::inside::Inside;

/// `errno`.
const SUCCESS: i32 = 0;
const BADF: i32 = 8;
const FAULT: i32 = 21;
const INVAL: i32 = 28;

/// `filetype`: a device that is read and written byte by byte.
const CHARACTER_DEVICE: u8 = 2;

/// Pieces of one `fd_write`; more are refused (POSIX has as many in `IOV_MAX`).
const PIECES: u32 = 1_024;

/// `clockid`: the time of day, and one that never goes back.
const CLOCKS: [u32; 2] = [0, 1];

/// The host's clock counts milliseconds.
const NANOSECONDS: u64 = 1_000_000;

type Guest<'g> = Caller<'g, Inside>;

/// Puts all of it that was granted into a linker.
pub(crate) fn link(linker: &mut Linker<Inside>, granted: &Capabilities) -> wasmtime::Result<()> {
    nothing_there(linker)?;
    linker.func_wrap(WASI, "sched_yield", || SUCCESS)?;
    linker.func_wrap(WASI, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(Breach::Exit(code).into())
    })?;
    if granted.log {
        linker.func_wrap(WASI, "fd_write", written)?;
    }
    if granted.clock {
        linker.func_wrap(
            WASI,
            "clock_res_get",
            |guest: Guest<'_>, clock: u32, to: u32| -> wasmtime::Result<i32> {
                told(guest, clock, to, NANOSECONDS)
            },
        )?;
        linker.func_wrap(
            WASI,
            "clock_time_get",
            |mut guest: Guest<'_>, clock: u32, _precision: u64, to: u32| -> wasmtime::Result<i32> {
                let inside = guest.data_mut();
                inside.called(0)?;
                let now = inside.terms.clock.now().as_millis().saturating_mul(NANOSECONDS);
                told(guest, clock, to, now)
            },
        )?;
    }
    if granted.random {
        linker.func_wrap(WASI, "random_get", drawn)?;
    }
    Ok(())
}

/// No arguments, no environment, no files; and streams that are at their end.
fn nothing_there(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    for name in ["args_sizes_get", "environ_sizes_get"] {
        linker.func_wrap(
            WASI,
            name,
            |mut guest: Guest<'_>, count: u32, size: u32| -> wasmtime::Result<i32> {
                let both = put(&mut guest, count, &[0; 4])?.and(put(&mut guest, size, &[0; 4])?);
                Ok(code(both))
            },
        )?;
    }
    for name in ["args_get", "environ_get"] {
        linker.func_wrap(WASI, name, |_: u32, _: u32| SUCCESS)?;
    }
    linker.func_wrap(WASI, "fd_close", |_: u32| BADF)?;
    linker.func_wrap(WASI, "fd_prestat_get", |_: u32, _: u32| BADF)?;
    linker.func_wrap(WASI, "fd_prestat_dir_name", |_: u32, _: u32, _: u32| BADF)?;
    linker.func_wrap(WASI, "fd_seek", |_: u32, _: u64, _: u32, _: u32| BADF)?;
    linker.func_wrap(
        WASI,
        "fd_fdstat_get",
        |mut guest: Guest<'_>, file: u32, to: u32| -> wasmtime::Result<i32> {
            if file > 2 {
                return Ok(BADF);
            }
            let mut stat = [0; 24];
            stat[0] = CHARACTER_DEVICE;
            Ok(code(put(&mut guest, to, &stat)?))
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_read",
        |mut guest: Guest<'_>,
         file: u32,
         _pieces: u32,
         _count: u32,
         read: u32|
         -> wasmtime::Result<i32> {
            if file != 0 {
                return Ok(BADF);
            }
            Ok(code(put(&mut guest, read, &[0; 4])?))
        },
    )?;
    Ok(())
}

fn told(mut guest: Guest<'_>, clock: u32, to: u32, value: u64) -> wasmtime::Result<i32> {
    if !CLOCKS.contains(&clock) {
        return Ok(INVAL);
    }
    Ok(code(put(&mut guest, to, &value.to_le_bytes())?))
}

fn drawn(mut guest: Guest<'_>, to: u32, length: u32) -> wasmtime::Result<i32> {
    guest.data_mut().called(length as usize)?;
    let mut bytes = Vec::with_capacity(length as usize);
    while bytes.len() < length as usize {
        bytes.extend(guest.data().terms.entropy.bits().to_le_bytes());
    }
    bytes.truncate(length as usize);
    Ok(code(put(&mut guest, to, &bytes)?))
}

/// Standard output and standard error: a line of the log for each line.
fn written(
    mut guest: Guest<'_>,
    file: u32,
    pieces: u32,
    count: u32,
    written: u32,
) -> wasmtime::Result<i32> {
    let level = match file {
        1 => Level::Info,
        2 => Level::Warn,
        _ => return Ok(BADF),
    };
    if count > PIECES {
        return Ok(INVAL);
    }
    let memory = own(&mut guest)?;
    let mut spans = Vec::new();
    let mut whole = 0_u64;
    for piece in 0..u64::from(count) {
        let at = u64::from(pieces) + 8 * piece;
        let Some(span) = number(&mut guest, memory, at).zip(number(&mut guest, memory, at + 4))
        else {
            return Ok(FAULT);
        };
        whole += u64::from(span.1);
        spans.push(span);
    }
    guest.data_mut().leaves(whole)?;
    let mut text = Vec::new();
    for (offset, length) in spans {
        let at = offset as usize;
        let Some(bytes) = memory.data(&guest).get(at..at.saturating_add(length as usize)) else {
            return Ok(FAULT);
        };
        text.extend_from_slice(bytes);
    }
    for line in String::from_utf8_lossy(&text).lines() {
        // Each is a line of the log, so each is a call.
        guest.data_mut().called(line.len())?;
        guest.data().provision.host.log(level, line);
    }
    let whole = u32::try_from(whole).unwrap_or(u32::MAX);
    Ok(code(put(&mut guest, written, &whole.to_le_bytes())?))
}

/// The plug-in's own memory.
fn own(guest: &mut Guest<'_>) -> Result<Memory, Breach> {
    let memory = guest.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| Breach::Malformed("it exports no `memory`".to_owned()))
}

fn number(guest: &mut Guest<'_>, memory: Memory, at: u64) -> Option<u32> {
    let at = usize::try_from(at).ok()?;
    let bytes = memory.data(&*guest).get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Writes to the plug-in's own memory. `None` when that lies outside.
fn put(guest: &mut Guest<'_>, to: u32, bytes: &[u8]) -> Result<Option<()>, Breach> {
    let memory = own(guest)?;
    let to = to as usize;
    let place = memory.data_mut(&mut *guest).get_mut(to..to.saturating_add(bytes.len()));
    Ok(place.map(|place| place.copy_from_slice(bytes)))
}

const fn code(done: Option<()>) -> i32 {
    match done {
        Some(()) => SUCCESS,
        None => FAULT,
    }
}
