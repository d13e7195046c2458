//! The variables that reach a command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names that are harmless and that programs need.
const KNOWN: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CI",
    "USER",
    "LOGNAME",
    "SHELL",
    "COLUMNS",
    "LINES",
    "EDITOR",
    "PAGER",
    "CC",
    "CXX",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "CMAKE_PREFIX_PATH",
    "PKG_CONFIG_PATH",
    "LIBCLANG_PATH",
    "RUSTFLAGS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUSTUP_TOOLCHAIN",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_TERM_COLOR",
    "CARGO_NET_OFFLINE",
    "GOROOT",
    "GOFLAGS",
    "GOPROXY",
    "GOTOOLCHAIN",
    "GOOS",
    "GOARCH",
    "CGO_ENABLED",
    "JAVA_HOME",
    "MAVEN_HOME",
    "ANDROID_HOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYENV_VERSION",
    "RBENV_VERSION",
    "NVM_BIN",
    "NODE_ENV",
    "DOTNET_ROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SOURCE_DATE_EPOCH",
];

/// Names that tell where the network is; they reach only commands that may use it.
const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];

/// Variables that say where a toolchain lives, and its usual place below home.
pub(crate) const TOOLCHAINS: &[(&str, &str)] = &[
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("NVM_DIR", ".nvm"),
    ("PYENV_ROOT", ".pyenv"),
    ("RBENV_ROOT", ".rbenv"),
    ("VOLTA_HOME", ".volta"),
    ("SDKMAN_DIR", ".sdkman"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("BUN_INSTALL", ".bun"),
    ("PNPM_HOME", ".local/share/pnpm"),
    ("STACK_ROOT", ".stack"),
    ("GOMODCACHE", "go/pkg/mod"),
    ("PYTHONUSERBASE", ".local"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
];

/// Names that change what a program loads or runs before its first own instruction, or that lead to other
/// programs of the user.
const DANGEROUS: &[&str] = &[
    "BASH_ENV",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "IFS",
    "CDPATH",
    "GLOBIGNORE",
    "PROMPT_COMMAND",
    "NODE_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "PERL5OPT",
    "PERL5LIB",
    "PERL5DB",
    "PERLLIB",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "GLIBC_TUNABLES",
    "RES_OPTIONS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
];

const DANGEROUS_STARTS: &[&str] = &[
    "LD_",
    "DYLD_",
    "PYTHON",
    "GIT_",
    "BASH_FUNC_",
    "MALLOC_",
    "SSH_",
    "GPG_",
    "DBUS_",
    "AWS_",
    "BOTTEGA_",
];

const SECRET_ENDS: &[&str] =
    &["_KEY", "_PASS", "_PASSWD", "_PWD", "_AUTH", "_CREDENTIALS", "_COOKIE", "_DSN", "_PAT"];

const SECRET_PARTS: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "APIKEY", "API_KEY", "CREDENTIAL", "PRIVATE_KEY"];

/// What decides about the environment of one command.
pub(crate) struct Wanted<'a> {
    /// The user's environment.
    pub(crate) user: &'a BTreeMap<String, String>,
    /// More names that may pass.
    pub(crate) pass: &'a [String],
    /// What the caller adds.
    pub(crate) added: &'a BTreeMap<String, String>,
    /// Whether the command may use the network.
    pub(crate) network: bool,
}

/// The variables of the user and the caller that may reach a command.
pub(crate) fn clean(wanted: &Wanted<'_>) -> BTreeMap<String, String> {
    let listed = |name: &str| {
        KNOWN.contains(&name)
            || name.starts_with("LC_")
            || TOOLCHAINS.iter().any(|(known, _)| *known == name)
            || (wanted.network && NETWORK.contains(&name))
            || wanted.pass.iter().any(|passed| passed == name)
    };
    let user = wanted.user.iter().filter(|(name, _)| listed(name));
    user.chain(wanted.added)
        .filter(|(name, value)| !is_dangerous(name) && !name.contains('=') && !value.contains('\0'))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a variable of that name never reaches a command.
pub(crate) fn is_dangerous(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    name.is_empty()
        || DANGEROUS.contains(&upper.as_str())
        || DANGEROUS_STARTS.iter().any(|start| upper.starts_with(start))
        || SECRET_ENDS.iter().any(|end| upper.ends_with(end))
        || SECRET_PARTS.iter().any(|part| upper.contains(part))
}

/// Points a caged command at its private folders, and at the toolchains of the real home.
pub(crate) fn point(
    environment: &mut BTreeMap<String, String>,
    user_home: Option<&Path>,
    home: &Path,
    temporary: &Path,
    writable: &[PathBuf],
    network: bool,
) {
    if let Some(user_home) = user_home {
        for (name, place) in TOOLCHAINS {
            let place = user_home.join(place);
            if !environment.contains_key(*name) && place.is_dir() {
                environment.insert((*name).to_owned(), place.to_string_lossy().into_owned());
            }
        }
    }
    if network {
        // What is downloaded must be stored, and the user's stores are not the command's to write.
        for name in ["CARGO_HOME", "GOMODCACHE"] {
            environment.remove(name);
        }
    }
    // A build folder that can't be written would fail every build; without it the default is used.
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
        let outside = environment.get(name).is_some_and(|value| {
            Path::new(value).is_absolute()
                && !writable.iter().any(|folder| Path::new(value).starts_with(folder))
        });
        if outside {
            environment.remove(name);
        }
    }
    environment.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
    for name in ["TMPDIR", "TMP", "TEMP"] {
        environment.insert(name.to_owned(), temporary.to_string_lossy().into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn check(user: &[(&str, &str)], added: &[(&str, &str)], network: bool, expected: &str) {
        let (user, added) = (map(user), map(added));
        let pass = ["MY_FLAG".to_owned(), "MY_TOKEN".to_owned(), "LD_PRELOAD".to_owned()];
        let clean = clean(&Wanted { user: &user, pass: &pass, added: &added, network });
        let names: Vec<_> = clean.keys().map(String::as_str).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn only_listed_names_pass() {
        check(
            &[("PATH", "/bin"), ("LC_ALL", "C"), ("WEIRD", "x"), ("MY_FLAG", "1")],
            &[],
            false,
            "LC_ALL MY_FLAG PATH",
        );
        check(&[("PATH", "/bin")], &[("PORT", "1"), ("PATH", "/x")], false, "PATH PORT");
    }

    #[test]
    fn dangerous_names_never_pass() {
        let names = [
            "LD_PRELOAD",
            "PYTHONSTARTUP",
            "NODE_OPTIONS",
            "GIT_SSH_COMMAND",
            "BASH_ENV",
            "ENV",
            "MY_TOKEN",
            "ANTHROPIC_API_KEY",
            "DB_PASSWORD",
            "SSH_AUTH_SOCK",
            "BASH_FUNC_x%%",
            "aws_session_token",
            "",
        ];
        let pairs: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
        check(&pairs, &pairs, true, "");
    }

    #[test]
    fn proxies_pass_with_the_network() {
        check(&[("HTTPS_PROXY", "http://p:1")], &[], false, "");
        check(&[("HTTPS_PROXY", "http://p:1")], &[], true, "HTTPS_PROXY");
    }

    #[test]
    fn a_build_folder_elsewhere_is_dropped() {
        for (value, kept) in [("/w/target", true), ("target", true), ("/elsewhere", false)] {
            let mut environment = map(&[("CARGO_TARGET_DIR", value)]);
            point(&mut environment, None, Path::new("/h"), Path::new("/t"), &["/w".into()], false);
            assert_eq!(environment.contains_key("CARGO_TARGET_DIR"), kept, "{value}");
            assert_eq!(
                (environment["HOME"].as_str(), environment["TMPDIR"].as_str()),
                ("/h", "/t")
            );
        }
    }
}
