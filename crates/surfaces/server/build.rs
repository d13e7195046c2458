//! Makes Rust of the services in `proto/`. Everything for it is Rust itself: no `protoc` has to be installed.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message as _;

/// Where the services stand, from this folder.
const PROTO: &str = "../../../proto";

const FILES: &[&str] = &[
    "bottega/v1/acl.proto",
    "bottega/v1/agents.proto",
    "bottega/v1/groups.proto",
    "bottega/v1/messages.proto",
    "bottega/v1/tenders.proto",
    "bottega/v1/tree.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let out = out()?;
    let described = protox::compile(FILES, [PROTO])?;
    // What reflection tells of.
    std::fs::write(out.join("bottega.v1.bin"), described.encode_to_vec())?;
    let configure = |folder: &str| -> std::io::Result<_> {
        let folder = out.join(folder);
        std::fs::create_dir_all(&folder)?;
        Ok(tonic_prost_build::configure().build_transport(false).out_dir(folder))
    };
    configure("server")?.build_client(false).compile_fds(described.clone())?;
    // The tests are a client like any other, with types of its own.
    configure("client")?.build_server(false).compile_fds(described)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "so cargo tells a build script where to write")]
fn out() -> Result<PathBuf, Box<dyn Error>> {
    let out = std::env::var_os("OUT_DIR").ok_or("there is no OUT_DIR: cargo runs this")?;
    Ok(Path::new(&out).to_path_buf())
}
