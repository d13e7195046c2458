//! `setup`: what building and testing need from the machine.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::step::Step;
use crate::workshop::Workshop;

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also install cargo-nextest and cargo-deny, which are compiled (minutes), and a browser that tests look at pages
    /// with. Everything works without.
    #[arg(long)]
    extras: bool,
}

/// One thing that must be there.
#[derive(Debug, PartialEq, Eq)]
struct Need {
    sign: Sign,
    /// The Debian package that brings it.
    package: &'static str,
    /// What for, shown before it is installed.
    why: &'static str,
}

/// How a need shows that it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// The library `libclang`.
    LibClang,
    /// A module of Python.
    Python(&'static str),
}

/// All that the build and the tests need beside git and a Rust toolchain.
const NEEDS: &[Need] = &[
    Need {
        sign: Sign::Program("git"),
        package: "git",
        why: "commits are named in results; the demo shows a diff",
    },
    Need { sign: Sign::Program("c++"), package: "g++", why: "llama.cpp and SQLite are compiled" },
    Need { sign: Sign::Program("make"), package: "make", why: "cmake's build of llama.cpp" },
    Need { sign: Sign::Program("cmake"), package: "cmake", why: "llama.cpp's build" },
    Need { sign: Sign::Program("clang"), package: "clang", why: "reading llama.cpp's headers" },
    Need { sign: Sign::LibClang, package: "libclang-dev", why: "reading llama.cpp's headers" },
    Need {
        sign: Sign::Python("pip"),
        package: "python3-pip",
        why: "models come as wheels, through pip",
    },
    Need { sign: Sign::Python("zipfile"), package: "python3", why: "wheels are unpacked" },
    Need {
        sign: Sign::Program("bwrap"),
        package: "bubblewrap",
        why: "tests of the cage that it builds where there is no Landlock",
    },
];

/// What tests look at the server's pages with.
const BROWSER: &[Need] = &[Need {
    sign: Sign::Program("chromium"),
    package: "chromium",
    why: "the browser in which tests open pages",
}];

/// What the browser's driver and JavaScript's template run on.
const NODE: &[Need] = &[
    Need { sign: Sign::Program("node"), package: "nodejs", why: "JavaScript runs on it" },
    Need { sign: Sign::Program("npm"), package: "npm", why: "it brings packages for Node" },
];

/// Where the driver's version is pinned, and where it is installed.
const DRIVER: &str = "crates/dev/e2e/browser";

/// Parts of the Rust toolchain that `check` needs, by the command that shows them.
const COMPONENTS: &[(&str, &str)] = &[("fmt", "rustfmt"), ("clippy", "clippy")];

/// Tools that make work more pleasant and are used when they are there.
const EXTRAS: &[&str] = &["cargo-nextest", "cargo-deny"];

/// Does it.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    ensure(workshop)?;
    ensure_components()?;
    for tool in EXTRAS {
        if workshop.has(tool) {
            println!("{tool} is there");
        } else if args.extras {
            Step::cargo(&["install", "--locked", tool]).run()?;
        } else {
            println!("{tool} is not there; `cargo xtask setup --extras` compiles it");
        }
    }
    if args.extras {
        ensure_browser(workshop)?;
    } else {
        println!("a browser for the tests of pages comes with `cargo xtask setup --extras`");
    }
    println!("all that building and testing need is there");
    Ok(())
}

/// Installs what is missing; quiet when nothing is.
pub(crate) fn ensure(workshop: &Workshop) -> Result<()> {
    ensure_all(NEEDS, workshop)
}

/// Installs Node and npm where they are missing.
pub(crate) fn ensure_node(workshop: &Workshop) -> Result<()> {
    ensure_all(NODE, workshop)
}

/// Installs what is missing of the browser and its driver.
pub(crate) fn ensure_browser(workshop: &Workshop) -> Result<()> {
    ensure_all(BROWSER, workshop)?;
    ensure_node(workshop)?;
    let folder = workshop.root.join(DRIVER);
    if !folder.join("node_modules/playwright-core").is_dir() {
        Step::new("npm", &["ci"]).within(&folder).run()?;
    }
    Ok(())
}

fn ensure_all(needs: &'static [Need], workshop: &Workshop) -> Result<()> {
    let missing = missing(needs, |sign| is_met(sign, workshop));
    if missing.is_empty() {
        return Ok(());
    }
    println!("These system packages are missing and will be installed:");
    for need in &missing {
        println!("  {:<14} {}", need.package, need.why);
    }
    if !workshop.has("apt-get") {
        bail!(
            "this machine has no apt-get; install what the packages above stand for, then try again"
        );
    }
    let root = Step::new("id", &["-u"]).capture()?.trim() == "0";
    if !root && !workshop.has("sudo") {
        bail!(
            "installing needs root, and there is no sudo; as root: {}",
            install(&missing, Rights::Root)[1]
        );
    }
    let rights = if root { Rights::Root } else { Rights::Sudo };
    install(&missing, rights).iter().try_for_each(Step::run)
}

/// Adds rustfmt and clippy to a toolchain that came without.
pub(crate) fn ensure_components() -> Result<()> {
    for (command, component) in COMPONENTS {
        if !Step::cargo(&[command, "--version"]).succeeds() {
            println!("The Rust toolchain has no {component}; it will be added");
            Step::new("rustup", &["component", "add", component]).run()?;
        }
    }
    Ok(())
}

fn missing(needs: &'static [Need], is_met: impl Fn(Sign) -> bool) -> Vec<&'static Need> {
    needs.iter().filter(|need| !is_met(need.sign)).collect()
}

fn is_met(sign: Sign, workshop: &Workshop) -> bool {
    match sign {
        Sign::Program(name) => workshop.has(name),
        Sign::Python(module) => {
            Step::new("python3", &["-c", &format!("import {module}")]).succeeds()
        }
        Sign::LibClang => {
            let mut folders: Vec<_> = workshop.libclang.iter().cloned().collect();
            folders.extend(folders_below("/usr/lib", |name| name.ends_with("-linux-gnu")));
            folders.extend(
                folders_below("/usr/lib", |name| name.starts_with("llvm-"))
                    .map(|llvm| llvm.join("lib")),
            );
            folders.iter().any(|folder| holds_libclang(folder))
        }
    }
}

fn folders_below(
    parent: &str,
    wanted: fn(&str) -> bool,
) -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_str().is_some_and(wanted))
        .map(|entry| entry.path())
}

/// The rule by which bindgen finds it: `libclang.so`, or one with a version behind it.
fn holds_libclang(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| {
        name.to_str()
            .is_some_and(|name| name.starts_with("libclang.so") || name.starts_with("libclang-"))
            && name.to_string_lossy().contains(".so")
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    Root,
    Sudo,
}

fn install(missing: &[&Need], rights: Rights) -> Vec<Step> {
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    let commands: [&[&str]; 2] = [
        &["apt-get", "update", "--quiet"],
        &["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"],
    ];
    let step = |words: &[&str]| match rights {
        Rights::Root => Step::new("env", &["DEBIAN_FRONTEND=noninteractive"]).and(words),
        Rights::Sudo => Step::new("sudo", &["env", "DEBIAN_FRONTEND=noninteractive"]).and(words),
    };
    vec![step(commands[0]), step(commands[1]).and(&packages)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        let missing = missing(NEEDS, |sign| !matches!(sign, Sign::Program("cmake" | "make")));
        let steps: Vec<_> = install(&missing, Rights::Root).iter().map(Step::to_string).collect();
        assert_eq!(
            steps,
            [
                "env DEBIAN_FRONTEND=noninteractive apt-get update --quiet",
                "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends make cmake",
            ]
        );
        assert!(super::missing(NEEDS, |_| true).is_empty());
    }

    #[test]
    fn without_root_it_goes_through_sudo() {
        let all: Vec<_> = NEEDS.iter().collect();
        assert!(
            install(&all, Rights::Sudo)
                .iter()
                .all(|step| step.to_string().starts_with("sudo env "))
        );
    }

    #[test]
    fn libclang_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [("libclang-cpp.txt", false), ("libclang-14.so.1", true)] {
            fs::write(folder.path().join(name), "").unwrap();
            assert_eq!(holds_libclang(folder.path()), expected, "{name}");
        }
    }
}
