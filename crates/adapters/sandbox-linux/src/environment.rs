//! The variables that reach a command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::looks::Looks;

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
    "CC",
    "CXX",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
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
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
];

/// Names that change what a program loads or runs before its first own instruction, or that lead to other
/// programs of the user.
const DANGEROUS: &[&str] = &[
    // Shells.
    "BASH_ENV",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "IFS",
    "CDPATH",
    "GLOBIGNORE",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    "FPATH",
    "FIGNORE",
    "EXECIGNORE",
    "INPUTRC",
    // Programs that programs start.
    "PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "MAKEFLAGS",
    "MFLAGS",
    "GNUMAKEFLAGS",
    "MAKEFILES",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    // Languages.
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "DENO_INSTALL_ROOT",
    "BUN_OPTIONS",
    "PERLLIB",
    "RUBYOPT",
    "RUBYLIB",
    "RUBYSHELL",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JAVA_OPTS",
    "MAVEN_OPTS",
    "MAVEN_ARGS",
    "GRADLE_OPTS",
    "SBT_OPTS",
    "ANT_OPTS",
    "KOTLIN_OPTS",
    "CLASSPATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "R_PROFILE",
    "R_PROFILE_USER",
    "R_ENVIRON",
    "R_ENVIRON_USER",
    "JULIA_LOAD_PATH",
    "ERL_FLAGS",
    "ERL_AFLAGS",
    "ERL_ZFLAGS",
    "ELIXIR_ERL_OPTIONS",
    "GUILE_LOAD_PATH",
    "TCLLIBPATH",
    "EMACSLOADPATH",
    "VIMINIT",
    "EXINIT",
    "DOTNET_STARTUP_HOOKS",
    "DOTNET_ADDITIONAL_DEPS",
    // Libraries.
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RESOLV_HOST_CONF",
    "GLIBC_TUNABLES",
    "GETCONF_DIR",
    "RES_OPTIONS",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "SSLKEYLOGFILE",
    "CURL_HOME",
    "CURL_CA_BUNDLE",
    "WGETRC",
    "GTK_MODULES",
    "GTK_PATH",
    "GIO_MODULE_DIR",
    "GIO_EXTRA_MODULES",
    "QT_PLUGIN_PATH",
    "GTK_IM_MODULE",
    // Other programs of the user.
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "ICEAUTHORITY",
    "TMUX",
    "STY",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "KUBECONFIG",
    "WSL_INTEROP",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
];

const DANGEROUS_STARTS: &[&str] = &[
    "LD_",
    "DYLD_",
    "PYTHON",
    "GIT_",
    "PERL5",
    "LUA_",
    "BASH_FUNC_",
    "MALLOC_",
    "CORECLR_",
    "COMPLUS_",
    "NPM_CONFIG_",
    "SSH_",
    "GPG_",
    "DBUS_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "VSCODE_",
    "BOTTEGA_",
];

const SECRET_ENDS: &[&str] = &[
    "_KEY",
    "_KEYS",
    "_PASS",
    "_PASSWD",
    "_PWD",
    "_PW",
    "_PIN",
    "_AUTH",
    "_BEARER",
    "_CREDS",
    "_COOKIE",
    "_COOKIES",
    "_DSN",
    "_PAT",
    "_SALT",
    "_JWT",
    "_WEBHOOK",
    "_WEBHOOK_URL",
];

const SECRET_PARTS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSPHRASE",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
    "PRIVATE_KEY",
    "SESSION_ID",
];

/// How values of secrets begin, whatever their variable is called.
const SECRET_VALUES: &[&str] = &[
    "sk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
    "AIza",
    "hf_",
    "npm_",
    "pypi-",
    "eyJhbGciOi",
    "AGE-SECRET-KEY-",
    "-----BEGIN",
];

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
        .filter(|(name, value)| {
            !is_dangerous(name)
                && !is_secret(value)
                && !name.contains(['=', '\0'])
                && !value.contains('\0')
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Names that begin like dangerous ones, and only keep a program from the network.
const HARMLESS: &[&str] = &["NPM_CONFIG_OFFLINE"];

/// Whether a variable of that name never reaches a command.
pub(crate) fn is_dangerous(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if HARMLESS.contains(&upper.as_str()) {
        return false;
    }
    name.is_empty()
        || DANGEROUS.contains(&upper.as_str())
        || DANGEROUS_STARTS.iter().any(|start| upper.starts_with(start))
        || SECRET_ENDS.iter().any(|end| upper.ends_with(end))
        || SECRET_PARTS.iter().any(|part| upper.contains(part))
}

/// Whether a value looks like a secret, or holds one: an address with a password in it.
fn is_secret(value: &str) -> bool {
    let with_password = value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(person, _)| person.contains(':'))
    });
    with_password || SECRET_VALUES.iter().any(|start| value.starts_with(start))
}

/// Points a command at the egress proxy, under all the names that programs look for.
pub(crate) fn proxy(environment: &mut BTreeMap<String, String>, port: u16) {
    let address = format!("http://127.0.0.1:{port}");
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        environment.insert(name.to_owned(), address.clone());
        environment.insert(name.to_ascii_uppercase(), address.clone());
    }
    for name in ["no_proxy", "NO_PROXY"] {
        environment.insert(name.to_owned(), "localhost,127.0.0.1,::1".to_owned());
    }
    environment.insert("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned());
}

/// Points a caged command at its private folders, and at the toolchains of the real home.
pub(crate) fn point(
    environment: &mut BTreeMap<String, String>,
    user_home: Option<&Path>,
    looks: &Looks,
    home: &Path,
    temporary: &Path,
    writable: &[PathBuf],
    network: bool,
) {
    if let Some(user_home) = user_home {
        for (name, place) in TOOLCHAINS {
            let place = user_home.join(place);
            if !environment.contains_key(*name) && looks.is_folder(&place) {
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

    /// Every name of a list reaches a command, or none of them does: from the user, by the settings' word, or from
    /// a tool.
    #[track_caller]
    fn all(names: &str, passes: bool) {
        for name in names.split_whitespace() {
            let pair = map(&[(name, "x")]);
            let pass = [name.to_owned()];
            let none = BTreeMap::new();
            for (user, added) in [(&pair, &none), (&none, &pair)] {
                let clean = clean(&Wanted { user, pass: &pass, added, network: true });
                assert_eq!(clean.contains_key(name), passes, "{name}");
            }
        }
    }

    #[test]
    fn dangerous_names_never_pass() {
        all(
            "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT ld_preload DYLD_INSERT_LIBRARIES GCONV_PATH",
            false,
        );
        all("PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONINSPECT PYTHONBREAKPOINT", false);
        all(
            "NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NPM_CONFIG_REGISTRY npm_config_script_shell",
            false,
        );
        all(
            "GIT_SSH_COMMAND GIT_DIR GIT_EXEC_PATH GIT_CONFIG_COUNT GIT_EXTERNAL_DIFF GIT_ASKPASS",
            false,
        );
        all("BASH_ENV ENV PROMPT_COMMAND SHELLOPTS PS4 IFS ZDOTDIR CDPATH BASH_FUNC_x%%", false);
        all("PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB LUA_INIT LUA_PATH PHPRC", false);
        all(
            "JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS MAVEN_OPTS GRADLE_OPTS CLASSPATH",
            false,
        );
        all("DOTNET_STARTUP_HOOKS CORECLR_PROFILER COMPlus_AltJit ERL_FLAGS R_PROFILE_USER", false);
        all("PAGER EDITOR VISUAL BROWSER LESSOPEN MAKEFLAGS GNUMAKEFLAGS RUSTC_WRAPPER", false);
        all("OPENSSL_CONF SSLKEYLOGFILE GLIBC_TUNABLES HOSTALIASES CURL_HOME WGETRC", false);
        all(
            "DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR DISPLAY TMUX DOCKER_HOST KUBECONFIG WSL_INTEROP",
            false,
        );
        all("npm_config_offline", true);
        all("BOTTEGA_HOME BOTTEGA_ACCESS_MODE bottega_home", false);
    }

    #[test]
    fn what_looks_like_a_secret_never_passes() {
        all("MY_TOKEN GITHUB_TOKEN token ANTHROPIC_API_KEY OPENAI_APIKEY SIGNING_KEY", false);
        all("DB_PASSWORD PGPASSWORD MYSQL_PWD SMTP_PASS VAULT_SECRET_ID CLIENT_SECRET", false);
        all(
            "SSH_AUTH_SOCK aws_session_token AWS_PROFILE AZURE_CLIENT_ID GOOGLE_APPLICATION_CREDENTIALS",
            false,
        );
        all("SENTRY_DSN SLACK_WEBHOOK_URL NPM_AUTH HTTP_COOKIE", false);
        for value in ["sk-abc", "ghp_abc", "AKIA123", "https://user:word@host/x", "-----BEGIN X"] {
            check(&[("MY_FLAG", value), ("PATH", "/bin")], &[("PORT", value)], true, "PATH");
        }
        check(&[("MY_FLAG", "https://host/a:b@c")], &[], true, "MY_FLAG");
    }

    #[test]
    fn harmless_names_pass() {
        all(
            "PATH LANG LC_ALL TZ TERM CI NO_COLOR USER CC CFLAGS RUSTFLAGS CARGO_HOME GOPROXY",
            true,
        );
        all(
            "PORT NODE_ENV VIRTUAL_ENV JAVA_HOME SSL_CERT_FILE MY_SETTING KEYBOARD AUTHOR DATABASE_URL",
            true,
        );
        // Names that are none.
        let odd = [("", "x"), ("A=B", "x"), ("N", "x\0y")];
        check(&[], &odd, false, "");
    }

    #[test]
    fn a_granted_host_is_reached_through_the_proxy() {
        let mut environment = map(&[("HTTPS_PROXY", "http://elsewhere:1")]);
        proxy(&mut environment, 7);
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
            assert_eq!(environment[name], "http://127.0.0.1:7", "{name}");
        }
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
            let looks = Looks::default();
            point(
                &mut environment,
                None,
                &looks,
                Path::new("/h"),
                Path::new("/t"),
                &["/w".into()],
                false,
            );
            assert_eq!(environment.contains_key("CARGO_TARGET_DIR"), kept, "{value}");
            assert_eq!(
                (environment["HOME"].as_str(), environment["TMPDIR"].as_str()),
                ("/h", "/t")
            );
        }
    }
}
