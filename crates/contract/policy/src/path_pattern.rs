//! Globs over paths, as rules and settings write them.

/// A glob over paths: `?` is one byte and `*` any bytes but `/`, `**` any bytes. Relative to the workspace, or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Reads a pattern; a `./` in front and a `/` at the end change nothing.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("./").unwrap_or(text);
        Self(if text.len() > 1 { text.trim_end_matches('/') } else { text }.to_owned())
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one path, without wildcards.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether it holds back a path: the glob matches it, or, without wildcards, it lies below the path named.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        if self.is_literal() { self.is_at_or_above(path) } else { matches(&self.0, path) }
    }

    /// Whether it holds back everything that is below a folder, now and later.
    #[must_use]
    pub fn holds_all_below(&self, folder: &str) -> bool {
        if self.is_literal() {
            return self.is_at_or_above(folder);
        }
        let head = if self.0 == "**" { Some("") } else { self.0.strip_suffix("/**") };
        head.is_some_and(|head| {
            let head = Self(head.to_owned());
            let mut above = ancestors(folder);
            above.any(|at| head.0.is_empty() || head.0 == "**" || matches(&head.0, at))
        })
    }

    /// The folder in which all that it holds back lies, or the one path that it names; empty for the workspace.
    #[must_use]
    pub fn base(&self) -> &str {
        match self.0.find(['*', '?']) {
            None => &self.0,
            Some(wild) => match self.0[..wild].rfind('/') {
                Some(0) => "/",
                Some(slash) => &self.0[..slash],
                None => "",
            },
        }
    }

    fn is_at_or_above(&self, path: &str) -> bool {
        if self.0 == "." {
            return !path.starts_with('/');
        }
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/') || self.0.ends_with('/');
        path.strip_prefix(&self.0).is_some_and(below)
    }
}

/// A path and the folders above it, the nearest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rfind('/').map(|slash| &path[..slash]))
}

/// Whether a glob matches a path whole.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    glob(pattern.as_bytes(), path.as_bytes())
}

fn glob(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] if glob(rest, path) => true,
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|skip| glob(rest, &path[skip..])),
        [b'*', rest @ ..] => {
            let stop = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=stop).any(|skip| glob(rest, &path[skip..]))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|b| *b != b'/') && glob(rest, &path[1..]),
        [byte, rest @ ..] => path.first() == Some(byte) && glob(rest, &path[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, held: &[&str], free: &[&str]) {
        let pattern = PathPattern::new(pattern);
        for path in held {
            assert!(pattern.holds(path), "{pattern:?} {path}");
        }
        for path in free {
            assert!(!pattern.holds(path), "{pattern:?} {path}");
        }
    }

    #[test]
    fn a_path_without_wildcards_is_held_with_all_below_it() {
        check("./secret.txt", &["secret.txt"], &["secret.txt2", "a/secret.txt"]);
        check("keys/", &["keys", "keys/a", "keys/a/b"], &["keys2/a", "a/keys"]);
        check(".", &["a", "a/b"], &["/etc"]);
        check("/etc", &["/etc/hosts"], &["etc/hosts", "/etcetera"]);
    }

    #[test]
    fn wildcards_stay_where_they_say() {
        check("keys/*", &["keys/a"], &["keys/a/b", "keys"]);
        check("**/*.pem", &["a.pem", "a/b/c.pem"], &["a.pem/b"]);
        check("keys/**", &["keys/a", "keys/a/b"], &["keysa"]);
    }

    #[test]
    fn what_is_held_whole_is_known() {
        let whole = |pattern: &str, folder: &str| PathPattern::new(pattern).holds_all_below(folder);
        assert!(whole("keys/**", "keys") && whole("keys/**", "keys/a") && whole("keys", "keys/a"));
        assert!(whole("**/keys/**", "a/keys") && whole("**/keys/**", "keys") && whole("**", "a"));
        assert!(!whole("keys/**", "key") && !whole("keys/*", "keys") && !whole("**/*.pem", "a"));
    }

    #[test]
    fn the_base_is_where_a_walk_begins() {
        for (pattern, base) in
            [("a/b/*.x", "a/b"), ("**/x", ""), ("a/b", "a/b"), ("/*", "/"), ("/e/x*", "/e")]
        {
            assert_eq!(PathPattern::new(pattern).base(), base, "{pattern}");
        }
    }
}
