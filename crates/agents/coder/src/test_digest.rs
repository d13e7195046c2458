//! What of a test run's output tells why tests failed.
//!
//! One file per runner. Each keeps compile errors, assertion messages and places, and drops what a model
//! can't use: progress, passing tests, warnings, and times, so that two equal runs read the same.

pub(crate) mod cargo;
pub(crate) mod go;
pub(crate) mod node;
pub(crate) mod plain;
pub(crate) mod pytest;

/// What was found in the output of one test run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    /// `1 failed, 3 passed`, or the reason why nothing ran; nothing when the output doesn't say.
    pub(crate) counts: Option<String>,
    /// How many tests ran, where the output says.
    pub(crate) ran: Option<usize>,
    /// The lines worth reading.
    pub(crate) kept: String,
}

/// Lines, with blank ones in a row kept once.
#[derive(Default)]
struct Kept(String);

impl Kept {
    fn push(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() && (self.0.is_empty() || self.0.ends_with("\n\n")) {
            return;
        }
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// `1 failed, 3 passed`, without zeroes, of numbers with their words.
fn counted(counts: &[(usize, &str)]) -> String {
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    told.join(", ")
}

/// The number that stands before `word`, as in `3 passed`.
fn number_before(line: &str, word: &str) -> Option<usize> {
    let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || ",;|=".contains(c)).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok())
}

/// What is missing where a run ended since a program could not be found: by the shell's exit codes for that (POSIX XCU
/// 2.8.2), or by what Python says of a module that is asked for by name.
pub(crate) fn missing_program(code: i32, text: &str) -> Option<String> {
    if matches!(code, 126 | 127) {
        let line = text.lines().rev().find(|line| line.contains("not found"));
        let told = line.map_or("a program is missing", str::trim);
        return Some(format!("{told} (exit code {code})"));
    }
    let module = text.lines().find_map(|line| line.split_once(": No module named "));
    let (python, module) =
        module.filter(|(python, _)| python.ends_with("python3") || python.ends_with("python"))?;
    let hint =
        if module == "pytest" { "; `python3 -m unittest` with shell needs nothing" } else { "" };
    Some(format!("{module} is not installed for {python}{hint}"))
}

#[cfg(test)]
mod tests;
