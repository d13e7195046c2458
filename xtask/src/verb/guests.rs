//! `guests`: the packages that agents and tools are written with, and the templates in each language, made, built and tested as
//! whoever writes one does it, with compilers out of the public registries.

mod rustc;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use self::rustc::Rustc;
use crate::step::Step;
use crate::verb::setup;
use crate::workshop::Workshop;

/// Arguments of `guests`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these languages.
    #[arg(value_enum)]
    languages: Vec<Language>,
}

/// The languages that there is a template in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    C,
    Js,
    Python,
    Rust,
}

impl Language {
    const ALL: [Self; 4] = [Self::C, Self::Js, Self::Python, Self::Rust];

    /// As `agent new --lang` has it.
    const fn word(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Js => "js",
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    /// How the package of this language is tested, in its folder; C's is a header that its template tests.
    fn own_tests(self) -> Option<Step> {
        match self {
            Self::C => None,
            Self::Js => Some(Step::new("node", &["--test"])),
            Self::Python => Some(Step::new("python3", &["-B", "-m", "unittest", "-q"])),
            Self::Rust => Some(Step::cargo(&["test", "--quiet", "--locked"])),
        }
    }

    /// The Python package that is its compiler, as `pip` wants it.
    fn compiler(self, workshop: &Workshop) -> Result<Option<String>> {
        match self {
            Self::C => Ok(Some(ZIG.to_owned())),
            Self::Python => {
                let wanted = workshop.root.join("guests/templates/python/requirements.txt");
                let wanted =
                    fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
                Ok(Some(wanted.trim().to_owned()))
            }
            // npm brings it in the template's own build; Rust's is no package of Python's.
            Self::Js | Self::Rust => Ok(None),
        }
    }
}

/// C's compiler, in the version that the template was last seen with.
const ZIG: &str = "ziglang==0.15.1";

/// Does it. Every language is tried, whatever another one did.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    setup::ensure(workshop)?;
    let chosen = if args.languages.is_empty() { &Language::ALL[..] } else { &args.languages };
    if chosen.contains(&Language::Js) {
        setup::ensure_node(workshop)?;
    }
    Step::cargo(&["build", "--package", "bottega"]).within(&workshop.root).run()?;
    let mut failed = Vec::new();
    for language in chosen {
        println!("── {}", language.word());
        if let Err(error) = try_out(*language, workshop) {
            eprintln!("{error:#}");
            failed.push(language.word());
        }
    }
    if !failed.is_empty() {
        bail!("templates that failed: {}", failed.join(", "));
    }
    println!("\nguests result: ok");
    Ok(())
}

fn try_out(language: Language, workshop: &Workshop) -> Result<()> {
    if let Some(tests) = language.own_tests() {
        let folder = workshop.root.join("guests").join(language.word());
        let target = workshop.target.join("guests");
        tests.within(&folder).with("CARGO_TARGET_DIR", &target.to_string_lossy()).run()?;
    }
    // Compilers stay where they can be fetched again.
    let tools = workshop.cache.join("guest-compilers").join(language.word());
    if let Some(compiler) = language.compiler(workshop)? {
        install(&compiler, &tools)?;
    }
    let rustc = match language {
        Language::Rust => Rustc::find(&tools)?,
        Language::C | Language::Js | Language::Python => Some(Rustc::OnPath),
    };
    let Some(rustc) = rustc else {
        println!("the templates in {} are not built: there is no compiler", language.word());
        return Ok(());
    };
    let place = tempfile::tempdir().context("a folder for a while")?;
    let bottega = workshop.target.join("debug/bottega");
    let mut path = vec![tools.join("bin")];
    path.extend(workshop.path.iter().cloned());
    let path = std::env::join_paths(path).context("the path")?;
    let bottega = |words: &[&str]| {
        rustc
            .given_to(Step::new(&bottega.to_string_lossy(), words))
            .within(place.path())
            .with("BOTTEGA_HOME", &place.path().join("home").to_string_lossy())
            .with("PATH", &path.to_string_lossy())
            .with("PYTHONPATH", &tools.to_string_lossy())
            .without("CARGO_TARGET_DIR")
    };
    bottega(&["agent", "new", "greeter", "--lang", language.word()]).run()?;
    let began = Instant::now();
    bottega(&["agent", "build", "greeter"]).run()?;
    let took = began.elapsed().as_secs();
    bottega(&["agent", "test", "greeter"]).run()?;
    println!("{}: built in {took} s", language.word());
    bottega(&["tool", "new", "word-count", "--lang", language.word()]).run()?;
    bottega(&["tool", "build", "word-count"]).run()?;
    bottega(&["tool", "add", "word-count"]).run()?;
    let counted = bottega(&["tool", "call", "word_count", r#"{"text": "a b c"}"#]).capture()?;
    if counted.trim() != "3 words" {
        bail!("the tool said `{}`", counted.trim());
    }
    Ok(())
}

/// Has pip put a package into a folder of its own, unless it is there.
fn install(package: &str, tools: &Path) -> Result<()> {
    let mark = tools.join(package);
    if mark.is_file() {
        return Ok(());
    }
    let folder = tools.to_string_lossy();
    Step::new("python3", &["-m", "pip", "install", "--quiet", "--upgrade", "--target", &folder])
        .and(&[package])
        .run()?;
    fs::write(&mark, "").with_context(|| mark.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_tried() {
        for place in ["templates", "tools"] {
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests").join(place);
            let mut folders: Vec<String> = fs::read_dir(place)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            folders.sort();
            assert_eq!(folders, Language::ALL.map(Language::word));
        }
    }
}
