//! What a person should know of the settings, although nothing is wrong.

use std::fmt;
use std::path::PathBuf;

/// Something the person should know, although nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The folder's settings do not count, since nobody trusted it.
    Untrusted {
        /// The workspace.
        folder: PathBuf,
    },
    /// The folder's settings do not count, since they changed after they were trusted.
    Changed {
        /// The workspace.
        folder: PathBuf,
    },
    /// A variable that begins like Bottega's own means nothing.
    UnknownVariable {
        /// Its name.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A variable that other programs read as well can't be read here, and is ignored.
    IgnoredVariable {
        /// Its name, and what it should have been.
        why: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted { folder } => write!(
                f,
                "the settings in {}/.bottega are ignored, since this folder is not trusted",
                folder.display()
            ),
            Self::Changed { folder } => write!(
                f,
                "the settings in {}/.bottega are ignored, since they changed after you trusted them",
                folder.display()
            ),
            Self::UnknownVariable { name, nearest: Some(nearest) } => {
                write!(f, "the variable {name} means nothing; did you mean {nearest}?")
            }
            Self::UnknownVariable { name, nearest: None } => {
                write!(f, "the variable {name} means nothing")
            }
            Self::IgnoredVariable { why } => write!(f, "a variable is ignored: {why}"),
        }
    }
}

/// The notice of a variable that means nothing.
pub(crate) fn unknown_variable(name: String) -> Notice {
    let known: Vec<_> = crate::variables().into_iter().map(|variable| variable.name).collect();
    let nearest = crate::problem::nearest_variable(&name, known.iter().map(String::as_str));
    Notice::UnknownVariable { name, nearest }
}
