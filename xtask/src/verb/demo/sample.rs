//! A sample repository: a copy of a folder of `examples/`, under git, with one failing test.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step::Step;
use crate::tally::Tally;

/// What must stay as it is for a mended test to count.
const FIXED: &[&str] = &["tests", "Cargo.toml"];

/// A copied sample.
#[derive(Debug)]
pub(super) struct Sample {
    folder: PathBuf,
}

/// What the tests say about a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    tally: Tally,
    passed: bool,
    /// Whether the tests are still those that it came with.
    tests_kept: bool,
}

impl Sample {
    /// Copies `from` to `to` and commits it there.
    pub(super) fn copy(from: &Path, to: &Path) -> Result<Self> {
        copy_folder(from, to).with_context(|| format!("copying the sample {}", from.display()))?;
        let sample = Self { folder: to.to_path_buf() };
        for words in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["add", "--all"],
            &["commit", "--quiet", "--no-gpg-sign", "--message", "The sample as it is shipped"],
        ] {
            sample.git(words).capture()?;
        }
        Ok(sample)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs the tests, which must fail: a sample without a bug proves nothing.
    pub(super) fn must_fail(&self) -> Result<Verdict> {
        let verdict = self.verdict()?;
        if verdict.passed || verdict.tally.failed == 0 {
            bail!("the sample in {} has no failing test ({verdict})", self.folder.display());
        }
        Ok(verdict)
    }

    /// Runs the tests as they are now.
    pub(super) fn verdict(&self) -> Result<Verdict> {
        let (status, output) = Step::cargo(&["test", "--quiet", "--no-fail-fast"])
            .without("CARGO_TARGET_DIR")
            .within(&self.folder)
            .outcome()?;
        Ok(Verdict {
            tally: Tally::of(&output),
            passed: status.success(),
            tests_kept: self.git(&["diff", "--quiet", "HEAD", "--"]).and(FIXED).succeeds(),
        })
    }

    /// What changed since it was copied.
    pub(super) fn diff(&self) -> Result<String> {
        self.git(&["--no-pager", "diff", "--no-ext-diff", "HEAD"]).capture()
    }

    /// A git command here, whatever the machine's own settings are.
    fn git(&self, words: &[&str]) -> Step {
        Step::new(
            "git",
            &[
                "-c",
                "user.name=Bottega demo",
                "-c",
                "user.email=demo@localhost",
                "-c",
                "core.hooksPath=/dev/null",
            ],
        )
        .and(words)
        .within(&self.folder)
    }
}

impl Verdict {
    /// Whether all tests pass, and none was bent.
    pub(super) fn solved(self) -> bool {
        self.passed && self.tally.passed > 0 && self.tests_kept
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo test: {}. {}", if self.passed { "ok" } else { "FAILED" }, self.tally)?;
        if !self.tests_kept {
            f.write_str(" (the tests were changed)")?;
        }
        Ok(())
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() && entry.file_name() == "target" => {}
            kind if kind.is_dir() => copy_folder(&entry.path(), &target)?,
            _ => fs::copy(entry.path(), &target).map(drop)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/invoice")
    }

    fn edit(sample: &Sample, file: &str, from: &str, to: &str) {
        let path = sample.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in {file}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    #[test]
    fn the_shipped_sample_fails_one_test_and_one_line_mends_it() {
        let home = tempfile::tempdir().unwrap();
        let sample = Sample::copy(&shipped(), &home.path().join("invoice")).unwrap();
        assert_eq!(
            sample.must_fail().unwrap().to_string(),
            "cargo test: FAILED. 5 passed; 1 failed; 0 ignored"
        );

        edit(
            &sample,
            "src/invoice.rs",
            "self.goods() + self.shipping() - self.tax()",
            "self.goods() + self.shipping() + self.tax()",
        );
        let mended = sample.verdict().unwrap();
        assert!(mended.solved(), "{mended}");
        assert_eq!(
            sample.diff().unwrap().lines().filter(|line| line.starts_with(['+', '-'])).count(),
            4
        );
        assert!(sample.must_fail().is_err());
    }

    #[test]
    fn bending_the_test_does_not_count() {
        let home = tempfile::tempdir().unwrap();
        let sample = Sample::copy(&shipped(), &home.path().join("invoice")).unwrap();
        edit(
            &sample,
            "tests/invoice.rs",
            "assert_eq!(total, \"14.39\"",
            "assert_eq!(total, \"9.59\"",
        );
        let bent = sample.verdict().unwrap();
        assert!(!bent.solved());
        assert_eq!(
            bent.to_string(),
            "cargo test: ok. 6 passed; 0 failed; 0 ignored (the tests were changed)"
        );
    }
}
