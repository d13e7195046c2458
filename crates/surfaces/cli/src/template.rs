//! Agents and tools to begin with, one of each a language: the folders of `guests/templates` and `guests/tools`, carried in
//! the binary.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bottega_api::{ApiError, codes};
use bottega_manifest::{GuestName, Manifest};
use serde::Serialize;

use crate::report::{Failure, plain, usage};

/// The languages that there are templates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    C,
    Js,
    Python,
    Rust,
}

/// What a template is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Agent,
    Tool,
}

/// A file of a template: its path in the new folder, and its bytes.
type File = (&'static str, &'static [u8]);

/// A file of `guests/`.
macro_rules! guest {
    ($($path:literal),+) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../guests/", $($path),+))
    };
}

/// The files of a template or of a language's package; their paths are those in its folder.
macro_rules! lying {
    ($folder:literal: $($path:literal)*) => {
        &[$(($path, guest!($folder, "/", $path))),*]
    };
}

impl Language {
    /// The folder's name.
    #[cfg(test)]
    const fn folder(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Js => "js",
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    /// The command that has its compiler installed, where the template's own build does not.
    const fn needs(self) -> Option<&'static str> {
        match self {
            Self::C => Some("pip install ziglang"),
            Self::Js => None,
            Self::Python => Some("pip install -r requirements.txt"),
            Self::Rust => Some("rustup target add wasm32-unknown-unknown"),
        }
    }

    const fn files(self, kind: Kind) -> &'static [File] {
        match (kind, self) {
            (Kind::Agent, Self::C) => lying!("templates/c":
                "agent.c" "bottega.h" "bottega.toml" "build.sh" "test.c"
                "tests/bids.toml" "tests/greets.toml"),
            (Kind::Agent, Self::Js) => lying!("templates/js":
                "bottega.toml" "build.sh" "package.json" "src/agent.js" "src/greeter.js"
                "test/greeter.test.js" "tests/bids.toml" "tests/greets.toml" "wit/world.wit" "wit/deps/bottega/guest.wit"),
            (Kind::Agent, Self::Python) => lying!("templates/python":
                "agent.py" "bottega.toml" "build.sh" "greeter.py" "requirements.txt"
                "test_greeter.py" "tests/bids.toml" "tests/greets.toml" "wit/world.wit" "wit/deps/bottega/guest.wit"),
            (Kind::Agent, Self::Rust) => lying!("templates/rust":
                "Cargo.lock" "Cargo.toml" "bottega.toml" "build.sh" "src/lib.rs"
                "tests/bids.toml" "tests/greets.toml"),
            (Kind::Tool, Self::C) => {
                lying!("tools/c": "bottega.toml" "build.sh" "counter.c" "test.c")
            }
            (Kind::Tool, Self::Js) => lying!("tools/js":
                "bottega.toml" "build.sh" "package.json" "src/counter.js" "src/tool.js"
                "test/counter.test.js" "wit/world.wit" "wit/deps/bottega/guest.wit"),
            (Kind::Tool, Self::Python) => lying!("tools/python":
                "bottega.toml" "build.sh" "counter.py" "requirements.txt" "test_counter.py" "tool.py"
                "wit/world.wit" "wit/deps/bottega/guest.wit"),
            (Kind::Tool, Self::Rust) => lying!("tools/rust":
                "Cargo.lock" "Cargo.toml" "bottega.toml" "build.sh" "src/lib.rs"),
        }
    }

    /// The package that agents and tools in this language are written with, in [`KIT`]. It comes along, for no registry
    /// has it. C's is a header, which stands in the agent's template itself.
    const fn kit(self) -> &'static [File] {
        match self {
            Self::C => &[("bottega.h", guest!("templates/c/bottega.h"))],
            Self::Js => lying!("js":
                "package.json" "src/agent.js" "src/index.d.ts" "src/index.js" "src/message.js" "src/tool.js"),
            Self::Python => lying!("python":
                "bottega_guest/__init__.py" "bottega_guest/agent.py" "bottega_guest/message.py"
                "bottega_guest/py.typed" "bottega_guest/tool.py" "pyproject.toml"),
            Self::Rust => lying!("rust":
                "Cargo.toml" "src/agent.rs" "src/lib.rs" "src/message.rs" "src/tool.rs" "wit/guest.wit"),
        }
    }
}

/// The folder of a language's package, beside the agent.
const KIT: &str = "bottega-guest";

/// Where a template in its own place finds that package, and in a new folder.
const WAYS: &[(&str, &str, &str)] = &[
    ("Cargo.toml", "path = \"../../rust\"", "path = \"bottega-guest\""),
    ("Cargo.toml", "[workspace]\n", "[workspace]\nexclude = [\"bottega-guest\"]\n"),
    ("package.json", "file:../../js", "file:bottega-guest"),
    ("build.sh", "kit=../../python", "kit=bottega-guest"),
    ("build.sh", "header=../../templates/c", "header=bottega-guest"),
];

/// What git is to leave alone, of every language.
const IGNORED: File = (".gitignore", guest!(".gitignore"));

/// A folder that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// The agent's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: String,
    /// The files in it.
    pub(crate) files: Vec<String>,
    /// How its compiler comes to the machine, once; nothing where its build brings it.
    pub(crate) needs: Option<&'static str>,
}

impl Made {
    /// The lines that lead on from it, up to its build by `bottega WORD build`.
    pub(crate) fn on_to_build(&self, word: &str) -> String {
        let needs = self.needs.map_or_else(String::new, |how| format!("  {how}    # once\n"));
        format!("next:\n  cd {}\n{needs}  bottega {word} build\n", self.folder)
    }
}

/// Writes a template into a new folder. What is there already is left alone, and nothing is written then.
pub(crate) fn write(
    kind: Kind,
    name: &str,
    language: Language,
    folder: &Path,
) -> Result<Made, Failure> {
    let name: GuestName = name.parse().map_err(|error: bottega_manifest::NotAGuestName| {
        usage(error.to_string(), "name it otherwise")
    })?;
    let refuse = |error: &io::Error| {
        let why = format!("`{}`: {}", folder.display(), plain(error));
        let error = ApiError::new(codes::FILE, why);
        Failure::from(error.step("choose another name or folder; what is there is left alone"))
    };
    // Making it is the test whether it is there, so that two at once can't both go on.
    fs::create_dir(folder).map_err(|error| refuse(&error))?;
    let files = files(kind, name.as_str(), language);
    for (path, bytes) in &files {
        put(&folder.join(path), bytes).map_err(|error| refuse(&error))?;
    }
    let files = files.into_iter().map(|(path, _)| path).collect();
    Ok(Made {
        name: name.to_string(),
        folder: folder.display().to_string(),
        files,
        needs: language.needs(),
    })
}

/// Every file of a new folder.
fn files(kind: Kind, name: &str, language: Language) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let called = match kind {
        Kind::Agent => "greeter",
        Kind::Tool => "word-count",
    };
    for (path, bytes) in language.files(kind) {
        // What models call it by is its name in their spelling.
        let text = String::from_utf8_lossy(bytes).replace("word_count", &name.replace('-', "_"));
        let bytes = match *path {
            // The rest of the template may go on calling itself a greeter, or a counter.
            Manifest::FILE => {
                text.replacen(&format!("name = \"{called}\""), &format!("name = \"{name}\""), 1)
            }
            _ => WAYS
                .iter()
                .filter(|(file, ..)| file == path)
                .fold(text, |text, (_, here, there)| text.replace(here, there)),
        };
        files.push(((*path).to_owned(), bytes.into_bytes()));
    }
    let with_its_own = (kind, language) == (Kind::Agent, Language::C);
    let kit = language.kit().iter().filter(|_| !with_its_own);
    files.extend(kit.map(|(path, bytes)| (format!("{KIT}/{path}"), bytes.to_vec())));
    files.push((IGNORED.0.to_owned(), IGNORED.1.to_vec()));
    files
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if path.extension().is_some_and(|ending| ending == "sh") { 0o755 } else { 0o644 };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use bottega_rehearsal::Script;
    use clap::ValueEnum as _;

    use super::*;

    fn guests() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../guests")
    }

    /// Every file below `folder` but what builds leave there.
    fn lying(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let built = ["target", "node_modules", "__pycache__"].contains(&name.as_str())
                    || name.ends_with(".out")
                    || name.ends_with(".wasm");
                if built {
                } else if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(inside, fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    fn carried(files: &[File]) -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
    }

    #[test]
    fn every_file_of_every_template_is_carried() {
        for language in Language::value_variants() {
            for (kind, place) in [(Kind::Agent, "templates"), (Kind::Tool, "tools")] {
                let folder = guests().join(place).join(language.folder());
                assert!(lying(&folder) == carried(language.files(kind)), "{kind:?} {language:?}");
            }
            if *language == Language::C {
                continue;
            }
            let mut kit = lying(&guests().join(language.folder()));
            // Only whoever depends on it locks it, and its own tests stay here.
            for left in ["Cargo.lock", "message.test.js", "test_message.py"] {
                kit.remove(left);
            }
            assert!(kit == carried(language.kit()), "{language:?}");
        }
        for place in ["templates", "tools"] {
            let folders = fs::read_dir(guests().join(place)).unwrap().count();
            assert_eq!(folders, Language::value_variants().len());
        }
    }

    #[test]
    fn what_is_made_stands_by_itself() {
        fn check(kind: Kind, language: Language, module: &str, scripts: usize) {
            let files: BTreeMap<_, _> = files(kind, "door-man", language).into_iter().collect();
            let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
            let manifest = Manifest::parse(&text("bottega.toml")).unwrap();
            assert_eq!(manifest.name.as_str(), "door-man");
            assert_eq!(manifest.module_file(), module);
            assert_eq!(manifest.build.command, "./build.sh");
            let played = files.keys().filter(|path| path.starts_with("tests/"));
            for script in played.clone() {
                Script::parse(&text(script)).unwrap();
            }
            assert_eq!(played.count(), scripts);
            let outside = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("../../");
            assert!(!files.values().any(outside), "{language:?}");
            let told = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("door_man");
            assert_eq!(files.values().any(told), kind == Kind::Tool, "{language:?}");
        }
        for language in Language::value_variants() {
            check(Kind::Agent, *language, "greeter.wasm", 2);
            check(Kind::Tool, *language, "counter.wasm", 0);
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("greeter");
        let made = write(Kind::Agent, "greeter", Language::C, &folder).unwrap();
        assert_eq!(made.files.len(), 8);
        let mode = |path: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o111
        };
        assert!(mode("build.sh") != 0 && mode("agent.c") == 0);
        fs::write(folder.join("agent.c"), "mine").unwrap();
        assert!(write(Kind::Agent, "greeter", Language::Rust, &folder).is_err());
        assert_eq!(fs::read(folder.join("agent.c")).unwrap(), b"mine");
        assert!(!folder.join("Cargo.toml").exists());
    }
}
