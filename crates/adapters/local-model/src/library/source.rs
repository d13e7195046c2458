//! Where a model comes from, as a user writes it.

use std::path::{Path, PathBuf};

use bottega_llm::LibraryError;
use bottega_types::Digest;
use url::Url;

/// One parsed source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `hf:owner/repo[@revision][:file]`.
    Hub { repository: String, revision: String, file: Option<String> },
    /// `ollama:[registry/][namespace/]name[:tag]`.
    Ollama { registry: Option<String>, name: String, tag: String },
    /// `oci:registry/repository[:tag]`.
    Oci { registry: String, repository: String, tag: String },
    /// `https://…[#sha256=…]`.
    Web { url: Url, digest: Option<Digest> },
    /// `wheel:name[==version]`, with `{1..22}` in the name for parts that are joined in order.
    Wheels(Vec<String>),
    /// A file on this machine.
    File(PathBuf),
}

impl Source {
    /// Reads `input`, which is no catalogue name.
    pub(crate) fn parse(input: &str) -> Result<Self, LibraryError> {
        let bad =
            |why: &str| LibraryError::BadSource { input: input.to_owned(), why: why.to_owned() };
        let Some((kind, rest)) = input.split_once(':') else {
            return Self::file(input).ok_or_else(|| LibraryError::Unknown {
                name: input.to_owned(),
                known: super::catalogue::CATALOGUE.iter().map(|e| e.name.to_owned()).collect(),
            });
        };
        match kind {
            "hf" => {
                let (repository, file) = match rest.split_once(':') {
                    Some((repository, file)) => (repository, Some(file.to_owned())),
                    None => (rest, None),
                };
                let (repository, revision) =
                    repository.split_once('@').unwrap_or((repository, "main"));
                match repository.split('/').collect::<Vec<_>>().as_slice() {
                    [owner, name] if !owner.is_empty() && !name.is_empty() => Ok(Self::Hub {
                        repository: repository.to_owned(),
                        revision: revision.to_owned(),
                        file,
                    }),
                    _ => Err(bad("write `hf:owner/repository` or `hf:owner/repository:file.gguf`")),
                }
            }
            "ollama" => {
                // As in references to images: a first part with a dot or a port is a host.
                let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
                let (registry, path) = match rest.split_once('/') {
                    Some((first, path)) if is_host(first) => (Some(first.to_owned()), path),
                    _ => (None, rest),
                };
                let (name, tag) = path.split_once(':').unwrap_or((path, "latest"));
                if name.is_empty() || tag.is_empty() || tag.contains('/') {
                    return Err(bad(
                        "write `ollama:name`, `ollama:name:tag` or `ollama:registry/namespace/name:tag`",
                    ));
                }
                let name =
                    if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
                Ok(Self::Ollama { registry, name, tag: tag.to_owned() })
            }
            "oci" => {
                let how = "write `oci:registry/repository` or `oci:registry/repository:tag`";
                let (registry, path) = rest.split_once('/').ok_or_else(|| bad(how))?;
                let (repository, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
                if registry.is_empty() || repository.is_empty() {
                    return Err(bad(how));
                }
                Ok(Self::Oci {
                    registry: registry.to_owned(),
                    repository: repository.to_owned(),
                    tag: tag.to_owned(),
                })
            }
            "http" | "https" => {
                let mut url = Url::parse(input).map_err(|error| bad(&error.to_string()))?;
                let digest = match url.fragment().and_then(|part| part.strip_prefix("sha256=")) {
                    Some(text) => Some(text.parse().map_err(|_| bad("its sha256 is no digest"))?),
                    None => None,
                };
                url.set_fragment(None);
                Ok(Self::Web { url, digest })
            }
            "wheel" => wheels(rest).map(Self::Wheels).ok_or_else(|| {
                bad("write `wheel:name==version`, or `wheel:name{1..9}==version` for parts")
            }),
            _ => Self::file(input).ok_or_else(|| {
                bad("known are `hf:`, `ollama:`, `oci:`, `https://`, `wheel:` and paths")
            }),
        }
    }

    fn file(input: &str) -> Option<Self> {
        let path = Path::new(input);
        (path.is_file() || input.ends_with(".gguf")).then(|| Self::File(path.to_owned()))
    }

    /// A name for what comes from here: letters, digits, `.`, `_` and `-`.
    pub(crate) fn suggested_name(&self) -> String {
        let name = match self {
            Self::Hub { repository, file, .. } => match file {
                Some(file) => stem(file).to_owned(),
                None => stem(repository).to_owned(),
            },
            Self::Ollama { name, tag, .. } => {
                let name = name.strip_prefix("library/").unwrap_or(name);
                if tag == "latest" { name.to_owned() } else { format!("{name}-{tag}") }
            }
            Self::Oci { repository, tag, .. } => {
                if tag == "latest" {
                    stem(repository).to_owned()
                } else {
                    format!("{}-{tag}", stem(repository))
                }
            }
            Self::Web { url, .. } => stem(url.path()).to_owned(),
            Self::Wheels(packages) => {
                let first = packages.first().map(String::as_str).unwrap_or_default();
                first.split_once("==").map_or(first, |(name, _)| name).to_owned()
            }
            Self::File(path) => {
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
            }
        };
        safe_name(&name)
    }
}

/// `name` with everything replaced that does not belong in a file's name.
pub(crate) fn safe_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let safe = safe.trim_matches(['.', '-']).to_owned();
    if safe.is_empty() { "model".to_owned() } else { safe }
}

fn stem(path: &str) -> &str {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    last.strip_suffix(".gguf").unwrap_or(last)
}

/// The packages of `name==version`, or of `name{1..9}==version` one per number.
fn wheels(text: &str) -> Option<Vec<String>> {
    let (name, version) = match text.split_once("==") {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    if version.is_some_and(|version| !plain(version)) {
        return None;
    }
    let names: Vec<String> = match name.split_once('{') {
        None => vec![name.to_owned()],
        Some((before, rest)) => {
            let (range, after) = rest.split_once('}')?;
            let (first, last) = range.split_once("..")?;
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last - first > 999 {
                return None;
            }
            (first..=last).map(|number| format!("{before}{number}{after}")).collect()
        }
    };
    if !names.iter().all(|name| plain(name)) {
        return None;
    }
    let with = |name: String| match version {
        Some(version) => format!("{name}=={version}"),
        None => name,
    };
    Some(names.into_iter().map(with).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &Source, name: &str) {
        let source = Source::parse(input).unwrap();
        assert_eq!(&source, expected);
        assert_eq!(source.suggested_name(), name);
    }

    #[test]
    fn sources_are_read() {
        let hub = |file: Option<&str>, revision: &str| Source::Hub {
            repository: "Owner/Repo-GGUF".into(),
            revision: revision.into(),
            file: file.map(str::to_owned),
        };
        check("hf:Owner/Repo-GGUF", &hub(None, "main"), "repo-gguf");
        check("hf:Owner/Repo-GGUF@v2:a/b-Q4.gguf", &hub(Some("a/b-Q4.gguf"), "v2"), "b-q4");
        let ollama = |registry: Option<&str>, name: &str, tag: &str| Source::Ollama {
            registry: registry.map(str::to_owned),
            name: name.into(),
            tag: tag.into(),
        };
        check("ollama:llama3", &ollama(None, "library/llama3", "latest"), "llama3");
        check("ollama:me/llama3:1b", &ollama(None, "me/llama3", "1b"), "me-llama3-1b");
        check(
            "ollama:registry.example/me/llama3:1b",
            &ollama(Some("registry.example"), "me/llama3", "1b"),
            "me-llama3-1b",
        );
        check(
            "ollama:127.0.0.1:5000/llama3",
            &ollama(Some("127.0.0.1:5000"), "library/llama3", "latest"),
            "llama3",
        );
        check(
            "oci:127.0.0.1:5000/a/b:v1",
            &Source::Oci {
                registry: "127.0.0.1:5000".into(),
                repository: "a/b".into(),
                tag: "v1".into(),
            },
            "b-v1",
        );
        let digest = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
        check(
            &format!("https://example.org/x/M.gguf#sha256={digest}"),
            &Source::Web {
                url: "https://example.org/x/M.gguf".parse().unwrap(),
                digest: Some(digest.parse().unwrap()),
            },
            "m",
        );
        check(
            "wheel:parts-{1..3}==0.2.0",
            &Source::Wheels(
                ["parts-1==0.2.0", "parts-2==0.2.0", "parts-3==0.2.0"].map(str::to_owned).to_vec(),
            ),
            "parts-1",
        );
        check("./some/File.gguf", &Source::File("./some/File.gguf".into()), "file");
    }

    #[test]
    fn what_is_no_source_is_refused_with_help() {
        for input in [
            "nosuchmodel",
            "hf:noslash",
            "ollama:",
            "ollama:a/b:c/d",
            "ollama:registry.example/",
            "oci:alone",
            "https://[",
            "wheel:-rf",
            "wheel:a{3..1}",
            "wheel:a==$(x)",
            "ftp://x/y",
        ] {
            assert!(Source::parse(input).is_err(), "{input}");
        }
        let error = Source::parse("nosuchmodel").unwrap_err().to_string();
        assert!(error.contains("qwen2.5-coder-1.5b"), "{error}");
    }
}
