//! What is wrong with settings, shown where it stands.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::SettingPath;
use crate::mask::mask;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is not TOML.
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// There is no such setting.
    UnknownKey {
        /// As it was written.
        path: SettingPath,
        /// The setting that was probably meant.
        nearest: Option<String>,
        /// The keys that are known at this place.
        known: Vec<String>,
    },
    /// The value is of another type.
    WrongType {
        /// The setting.
        path: SettingPath,
        /// What belongs there.
        expected: String,
        /// What stands there.
        found: &'static str,
    },
    /// The value is of the right type and yet not possible.
    WrongValue {
        /// The setting.
        path: SettingPath,
        /// What belongs there.
        expected: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A secret is written out.
    LiteralSecret {
        /// The setting.
        path: SettingPath,
    },
    /// Settings that are right by themselves do not go together.
    Conflict {
        /// The setting to change.
        path: SettingPath,
        /// Why.
        why: String,
    },
    /// The file can't be read.
    Unreadable {
        /// What the system says.
        message: String,
    },
}

/// One thing that is wrong with the settings, and where.
///
/// Values are never part of the message, and what is shown of a file is masked: any value may be a
/// secret that was put in the wrong place.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    place: Place,
}

/// Where a problem stands.
#[derive(Clone, Debug)]
enum Place {
    /// In a file, at these bytes of the masked text.
    Text {
        source: Box<NamedSource<String>>,
        span: Range<usize>,
    },
    File(PathBuf),
    /// In a variable, a flag or a layer.
    Name(String),
    /// In what was asked for.
    Asked,
}

/// A settings file as problems quote it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'t> {
    pub(crate) file: &'t Path,
    pub(crate) text: &'t str,
}

impl Problem {
    pub(crate) fn in_text(kind: ProblemKind, quoted: Quoted<'_>, span: Range<usize>) -> Self {
        let name = quoted.file.display().to_string();
        let source = NamedSource::new(name, mask(quoted.text)).with_language("toml");
        Self { kind, place: Place::Text { source: Box::new(source), span } }
    }

    pub(crate) fn in_file(kind: ProblemKind, file: &Path) -> Self {
        Self { kind, place: Place::File(file.to_owned()) }
    }

    pub(crate) fn named(kind: ProblemKind, name: impl Into<String>) -> Self {
        Self { kind, place: Place::Name(name.into()) }
    }

    pub(crate) const fn asked(kind: ProblemKind) -> Self {
        Self { kind, place: Place::Asked }
    }

    /// Where it stands in its file.
    pub(crate) const fn start(&self) -> usize {
        match &self.place {
            Place::Text { span, .. } => span.start,
            Place::File(_) | Place::Name(_) | Place::Asked => 0,
        }
    }

    /// The file in which it stands; nothing for a variable, a flag or what was asked for.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Text { source, .. } => Some(source.name().into()),
            Place::File(file) => Some(file.clone()),
            Place::Name(_) | Place::Asked => None,
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> &ProblemKind {
        &self.kind
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Text { .. } | Place::Asked => {}
            Place::File(file) => write!(f, "{}: ", file.display())?,
            Place::Name(name) => write!(f, "{name}: ")?,
        }
        match &self.kind {
            ProblemKind::Syntax { message } => write!(f, "this is not TOML: {message}"),
            ProblemKind::UnknownKey { path, .. } => {
                write!(f, "there is no setting `{}`", mask(&path.to_string()))
            }
            ProblemKind::WrongType { path, expected, found } => {
                write!(f, "`{path}` needs {expected}, not {found}")
            }
            ProblemKind::WrongValue { path, expected, .. } => {
                write!(f, "`{path}` needs {expected}")
            }
            ProblemKind::LiteralSecret { path } => {
                write!(f, "`{path}` holds a secret, and settings are no place for one")
            }
            ProblemKind::Conflict { path, why } => write!(f, "`{path}` {why}"),
            ProblemKind::Unreadable { message } => write!(f, "can't be read: {message}"),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let code = match &self.kind {
            ProblemKind::Syntax { .. } => "settings::syntax",
            ProblemKind::UnknownKey { .. } => "settings::unknown_key",
            ProblemKind::WrongType { .. } => "settings::wrong_type",
            ProblemKind::WrongValue { .. } => "settings::wrong_value",
            ProblemKind::LiteralSecret { .. } => "settings::literal_secret",
            ProblemKind::Conflict { .. } => "settings::conflict",
            ProblemKind::Unreadable { .. } => "settings::unreadable",
        };
        Some(Box::new(code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = match &self.kind {
            ProblemKind::UnknownKey { nearest: Some(nearest), .. }
            | ProblemKind::WrongValue { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            ProblemKind::UnknownKey { known, .. } if !known.is_empty() => {
                format!("known here: {}", known.join(", "))
            }
            ProblemKind::LiteralSecret { .. } => {
                "store it with `bottega secret set NAME` and write `secret:NAME`, or write \
                 `${VARIABLE}` to take it from the environment"
                    .to_owned()
            }
            ProblemKind::Syntax { .. }
            | ProblemKind::UnknownKey { .. }
            | ProblemKind::WrongType { .. }
            | ProblemKind::WrongValue { .. }
            | ProblemKind::Conflict { .. }
            | ProblemKind::Unreadable { .. } => return None,
        };
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match &self.place {
            Place::Text { source, .. } => Some(&**source),
            Place::File(_) | Place::Name(_) | Place::Asked => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = match &self.kind {
            ProblemKind::Syntax { .. } => "here",
            ProblemKind::UnknownKey { .. } => "no such setting",
            ProblemKind::WrongType { found, .. } => found,
            ProblemKind::WrongValue { .. } => "not possible here",
            ProblemKind::LiteralSecret { .. } => "written out",
            ProblemKind::Conflict { .. } => "this one",
            ProblemKind::Unreadable { .. } => return None,
        };
        match &self.place {
            Place::Text { span, .. } => {
                let span = LabeledSpan::new(Some(label.to_owned()), span.start, span.len());
                Some(Box::new(std::iter::once(span)))
            }
            Place::File(_) | Place::Name(_) | Place::Asked => None,
        }
    }
}

/// Everything that is wrong with the settings; one at least.
#[derive(Clone, Debug)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Err` with all of them, when there are any.
    pub(crate) fn none(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the settings have a problem"),
            count => write!(f, "the settings have {count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// The known word that `word` was probably meant to be.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let lower = word.to_ascii_lowercase().replace('-', "_");
    let known: Vec<_> = known.into_iter().collect();
    // `api_key` for `key`: too far apart by letters, and yet meant.
    let part =
        |candidate: &&str| candidate.len() > 2 && lower.split('_').any(|part| part == *candidate);
    let longest = known.iter().copied().filter(part).max_by_key(|candidate| candidate.len());
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.replace('-', "_")), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
        .or(longest)
        .map(str::to_owned)
}

/// The known variable that `name` was probably meant to be.
pub(crate) fn nearest_variable<'k>(
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<String> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}
