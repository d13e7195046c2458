//! What a plug-in may import, and what each import needs.

use bottega_manifest::{Capabilities, Capability};
use wasmtime::Module;

use crate::fault::LoadError;

/// The functions of Extism.
pub(crate) const ENV: &str = "extism:host/env";

/// The functions of a system (WASI, snapshot preview 1).
pub(crate) const WASI: &str = "wasi_snapshot_preview1";

/// What an import needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing: it reaches nothing but the plug-in itself.
    Nothing,
    Grant(Capability),
}

/// What an import needs; nothing where this host does not offer it.
fn need(module: &str, name: &str) -> Option<Need> {
    Some(match (module, name) {
        (
            ENV,
            "alloc" | "free" | "length" | "length_unsafe" | "memory_bytes" | "load_u8" | "load_u64"
            | "store_u8" | "store_u64" | "input_length" | "input_offset" | "input_load_u8"
            | "input_load_u64" | "output_set" | "output_offset" | "output_length" | "error_set"
            | "error_get" | "config_get" | "get_log_level",
        )
        | (
            WASI,
            "args_get"
            | "args_sizes_get"
            | "environ_get"
            | "environ_sizes_get"
            | "fd_close"
            | "fd_fdstat_get"
            | "fd_prestat_get"
            | "fd_prestat_dir_name"
            | "fd_read"
            | "fd_seek"
            | "proc_exit"
            | "sched_yield",
        ) => Need::Nothing,
        (ENV, "var_get" | "var_set") => Need::Grant(Capability::KeyValue),
        (ENV, "http_request" | "http_status_code" | "http_headers") => {
            Need::Grant(Capability::Http)
        }
        (ENV, "log_trace" | "log_debug" | "log_info" | "log_warn" | "log_error")
        | (WASI, "fd_write") => Need::Grant(Capability::Log),
        (WASI, "clock_time_get" | "clock_res_get") => Need::Grant(Capability::Clock),
        (WASI, "random_get") => Need::Grant(Capability::Random),
        _ => return None,
    })
}

/// Refuses a module that imports what was not granted or is not there.
pub(crate) fn check(module: &Module, granted: &Capabilities) -> Result<(), LoadError> {
    for import in module.imports() {
        let name = || format!("{}::{}", import.module(), import.name());
        match need(import.module(), import.name()) {
            Some(Need::Nothing) => {}
            Some(Need::Grant(capability)) if granted.grant(capability) => {}
            Some(Need::Grant(capability)) => {
                return Err(LoadError::UngrantedImport { import: name(), capability });
            }
            None => return Err(LoadError::NotOffered { import: name() }),
        }
    }
    Ok(())
}

/// The capabilities that a module asks for, in the order of the catalogue.
pub(crate) fn asked_for(module: &Module) -> Vec<Capability> {
    let asked: Vec<_> =
        module.imports().filter_map(|import| need(import.module(), import.name())).collect();
    let asks = |capability: &Capability| asked.contains(&Need::Grant(*capability));
    Capability::ALL.into_iter().filter(asks).collect()
}
