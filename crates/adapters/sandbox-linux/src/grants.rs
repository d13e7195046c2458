//! Which paths a caged command may touch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::environment::TOOLCHAINS;
use crate::looks::Looks;

/// What may be done below a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    /// The names in this one folder.
    Names,
    /// Read and execute.
    Read,
    /// Read and write a device that exists.
    Device,
    /// Everything.
    Write,
}

/// Folders of the system: programs, libraries, their settings, what the machine is.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/etc",
    "/sys",
    "/home/linuxbrew",
    "/run/current-system",
    "/var/lib/dpkg/status",
    "/var/lib/ca-certificates",
    "/var/lib/gems",
    "/var/lib/ghc",
    "/var/lib/texmf",
    "/var/cache/fontconfig",
    // Often a link into `/run`.
    "/etc/resolv.conf",
];

/// What of the system is secret. Users other than root can't read it anyway.
const SYSTEM_SECRETS: &[&str] = &[
    "/sys/firmware",
    "/sys/fs/bpf",
    "/sys/fs/pstore",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/wireguard",
    "/etc/NetworkManager",
    "/etc/netplan",
    "/etc/ppp",
    "/etc/docker",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/krb5.keytab",
    "/etc/security/opasswd",
    "/etc/sssd",
    "/etc/ipsec.secrets",
    "/etc/letsencrypt",
    "/etc/pki/tls/private",
    "/etc/credstore",
    "/etc/credstore.encrypted",
];

const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
];

/// Toolchains and package caches below home.
const HOME_TOOLS: &[&str] = &[
    ".cargo",
    ".rustup",
    ".nvm",
    ".fnm",
    ".pyenv",
    ".rbenv",
    ".rvm",
    ".sdkman",
    ".asdf",
    ".volta",
    ".bun",
    ".deno",
    ".ghcup",
    ".cabal",
    ".stack",
    ".opam",
    ".elan",
    ".juliaup",
    ".julia",
    ".dotnet",
    ".nuget/packages",
    ".gem",
    ".bundle/cache",
    ".m2/repository",
    ".m2/wrapper",
    ".gradle/caches",
    ".gradle/wrapper",
    ".npm",
    ".yarn",
    ".pnpm-store",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/uv",
    ".local/share/mise",
    ".local/share/pnpm",
    ".local/share/fnm",
    ".local/share/virtualenv",
    ".cache/pip",
    ".cache/uv",
    ".cache/yarn",
    ".cache/node",
    ".cache/pre-commit",
    "go",
    "miniconda3",
    "anaconda3",
    "miniforge3",
    ".nix-profile",
];

/// Secrets below home: no grant covers them, not even one for a folder around them.
const HOME_SECRETS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".config",
    ".password-store",
    ".local/share/keyrings",
    ".mozilla",
    ".thunderbird",
    ".bottega",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".bash_history",
    ".zsh_history",
    ".nuget/NuGet/NuGet.Config",
    ".gem/credentials",
    ".bundle/config",
    ".cabal/config",
    ".terraform.d",
    ".vault-token",
];

/// What decides about the paths of one command.
pub(crate) struct Wanted<'a> {
    /// What is where.
    pub(crate) looks: &'a Looks,
    /// The user's home.
    pub(crate) home: Option<&'a Path>,
    /// Where its toolchains are, as they are spelled.
    pub(crate) toolchains: &'a [PathBuf],
    /// More that may be read.
    pub(crate) readable: &'a [PathBuf],
    /// Where the command runs: it may read there.
    pub(crate) directory: &'a Path,
    /// What may be written.
    pub(crate) writable: &'a [PathBuf],
    /// Private folders of the command: granted wherever they lie.
    pub(crate) private: &'a [PathBuf],
    /// What is left out, wherever it lies.
    pub(crate) secrets: &'a [PathBuf],
}

/// What of the system is secret and there, to users for whom file modes are no obstacle.
pub(crate) fn system_secrets(looks: &Looks) -> Vec<PathBuf> {
    SYSTEM_SECRETS.iter().filter_map(|secret| looks.existing(Path::new(secret))).collect()
}

/// What of the user's is secret and there, and what may not be touched beside it.
pub(crate) fn secrets(
    looks: &Looks,
    home: Option<&Path>,
    unreadable: &[PathBuf],
    directory: &Path,
    writable: &[PathBuf],
) -> Vec<PathBuf> {
    let mut secrets: Vec<PathBuf> =
        unreadable.iter().filter_map(|path| looks.existing(path)).collect();
    if let Some(home) = home {
        secrets.extend(HOME_SECRETS.iter().filter_map(|secret| looks.existing(&home.join(secret))));
    }
    // The folder that is worked in may lie below a secret one (`~/.config/…`): it was asked for by name.
    let named: Vec<PathBuf> = writable
        .iter()
        .map(PathBuf::as_path)
        .chain([directory])
        .map(|folder| looks.real(folder))
        .collect();
    secrets.retain(|secret| !named.iter().any(|folder| folder.starts_with(secret)));
    secrets
}

/// The grants, one per path.
pub(crate) fn grants(wanted: &Wanted<'_>) -> Vec<(PathBuf, Right)> {
    let (secrets, looks) = (wanted.secrets, wanted.looks);
    let named: Vec<PathBuf> = wanted.writable.iter().map(|path| looks.real(path)).collect();
    let directory = looks.real(wanted.directory);

    let mut grants = BTreeMap::new();
    let system = SYSTEM.iter().map(Path::new).chain(wanted.readable.iter().map(PathBuf::as_path));
    for path in system.filter_map(|path| looks.existing(path)) {
        allow(&mut grants, &path, Right::Read, secrets);
    }
    for path in toolchains(wanted).into_iter().chain([directory]) {
        allow(&mut grants, &path, Right::Read, secrets);
    }
    for path in DEVICES {
        allow(&mut grants, Path::new(path), Right::Device, secrets);
    }
    for path in &named {
        allow(&mut grants, path, Right::Write, secrets);
    }
    for path in wanted.private {
        allow(&mut grants, &looks.real(path), Right::Write, &[]);
    }
    grants.into_iter().collect()
}

/// Where programs and their caches are, if that may be read.
fn toolchains(wanted: &Wanted<'_>) -> Vec<PathBuf> {
    let home = wanted.home.map(|home| wanted.looks.real(home));
    let mut places: Vec<PathBuf> =
        wanted.toolchains.iter().filter_map(|place| wanted.looks.existing(place)).collect();
    // Nobody's variable may open a whole home or the whole machine.
    places.retain(|place| {
        !home.as_ref().is_some_and(|home| home.starts_with(place)) && place.parent().is_some()
    });
    places
}

/// Where programs and their caches are, as it is spelled: known places of home, what variables name, what `PATH`
/// lists. Only what is there.
pub(crate) fn spelled(
    looks: &Looks,
    home: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(home) = home {
        places.extend(HOME_TOOLS.iter().map(|tool| home.join(tool)));
    }
    let named = TOOLCHAINS.iter().map(|(name, _)| *name).chain([
        "GOROOT",
        "JAVA_HOME",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
    ]);
    for name in named {
        places.extend(environment.get(name).map(PathBuf::from));
    }
    if let Some(path) = environment.get("PATH") {
        places.extend(std::env::split_paths(path));
    }
    places.retain(|place| place.is_absolute() && looks.is_there(place));
    places
}

/// Grants a path. Landlock can only add, so where a secret lies below the path, what lies beside the secret
/// is granted one by one.
fn allow(grants: &mut BTreeMap<PathBuf, Right>, path: &Path, right: Right, secrets: &[PathBuf]) {
    if secrets.iter().any(|secret| path.starts_with(secret)) {
        return;
    }
    if !secrets.iter().any(|secret| secret.starts_with(path)) {
        let granted = grants.entry(path.to_owned()).or_insert(right);
        *granted = right.max(*granted);
        return;
    }
    grants.entry(path.to_owned()).or_insert(Right::Names);
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let child = entry.path();
        // A link grants nothing by itself: what it leads to is granted where it lies.
        if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            allow(grants, &child, right, secrets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secrets: &[&str], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["a/x", "b/c/y", "b/d/z"] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "").unwrap();
        }
        let secrets: Vec<_> =
            secrets.iter().filter_map(|secret| root.join(secret).canonicalize().ok()).collect();
        let mut grants = BTreeMap::new();
        allow(&mut grants, &root, Right::Write, &secrets);
        let told: Vec<_> = grants
            .iter()
            .map(|(path, right)| {
                format!("{}:{right:?}", path.strip_prefix(&root).unwrap().display())
            })
            .collect();
        assert_eq!(told.join(" "), expected);
    }

    #[test]
    fn secrets_are_left_out_of_what_is_granted_around_them() {
        check(&[], ":Write");
        check(&["nowhere"], ":Write");
        check(&["a"], ":Names b:Write");
        check(&["b/c"], ":Names a:Write b:Names b/d:Write");
        check(&[""], "");
    }
}
