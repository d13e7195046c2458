//! The port to the web.

use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::egress::{NotAWebUrl, Refusal, Target, WebUrl};

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswer {
    /// The address that answered; another than was asked for where redirects were followed.
    pub url: WebUrl,
    /// The status (RFC 9110, section 15).
    pub status: u16,
    /// Type and charset, as the server named them.
    pub content_type: Option<String>,
    /// Where a redirect leads, as the server wrote it.
    pub redirect: Option<String>,
    /// The body without its encoding; nothing of a redirect's.
    pub body: Vec<u8>,
    /// How many bytes the server announced, where it did.
    pub announced: Option<u64>,
    /// Whether the body goes on behind what was read of it.
    pub cut: bool,
}

/// Why nothing came from the web. A model reads it.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The call did not say that it would reach this host.
    #[error("{target} was not asked for, so nobody has allowed it")]
    NotAskedFor {
        /// What was to be reached.
        target: Target,
    },
    /// There is nobody to be reached, or nobody who may be.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The name has no address that can be found.
    #[error("the address of {target} was not found: {why}")]
    NotFound {
        /// What was to be reached.
        target: Target,
        /// Why not.
        why: String,
    },
    /// The connection or the conversation failed.
    #[error("{target} did not answer as it should: {why}")]
    Failed {
        /// What was to be reached.
        target: Target,
        /// What went wrong.
        why: String,
    },
    /// It took too long.
    #[error("{target} did not answer within {} s; try again, or go another way", .after.as_secs_f32())]
    Late {
        /// What was to be reached.
        target: Target,
        /// How long was waited.
        after: Duration,
    },
    /// A redirect leads to where this call may not go.
    #[error("{from} redirects to {to}, {why}")]
    Elsewhere {
        /// Who redirects.
        from: String,
        /// Where to.
        to: String,
        /// Why it was not followed, and what to do.
        why: String,
    },
    /// A redirect leads nowhere.
    #[error("{from} redirects to nothing that can be fetched: {why}")]
    Nowhere {
        /// Who redirects.
        from: String,
        /// What is wrong with where it leads.
        why: NotAWebUrl,
    },
    /// One redirect after another.
    #[error("more than {most} redirects, the last to {to}")]
    Circles {
        /// How many were followed.
        most: usize,
        /// Where the last one led.
        to: String,
    },
}

/// Reads what is in the web.
///
/// Every implementation promises:
/// * it asks with GET, without cookies, without a login and past no proxy of the environment, and tells nobody where it
///   comes from;
/// * it connects to nothing that [`Screen::decide`](bottega_policy::egress::Screen::decide) refuses for the
///   address's own host, and to no other address than those that were decided about;
/// * who was not judged is not reached: one that follows redirects judges each of them anew;
/// * time and bytes are bounded, those of a body that was compressed too; a body that breaks off is an error;
/// * dropping the future closes the connection.
#[async_trait]
pub trait Web: Send + Sync {
    /// Asks for what is at an address.
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError>;
}

/// The web of a call that asked for none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWeb;

#[async_trait]
impl Web for NoWeb {
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        Err(WebError::NotAskedFor { target: url.target().clone() })
    }
}
