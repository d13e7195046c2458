//! Who is let in: the token, and how often it may be guessed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_api::{ApiError, codes};
use bottega_types::{Digest, Secret};
use tokio::time::Instant;

use crate::fault::Fault;
use crate::listen::is_here;

/// What an endpoint asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// The token, as a bearer.
    Token,
    /// The token, as a bearer or as the password that a browser asks for. Only for what a person reads.
    Person,
}

/// Refuses what a page of somebody else's, opened in a browser on this machine, would send: under a name that leads
/// here since a moment ago (DNS rebinding), or from another origin.
pub(crate) fn is_no_stranger(headers: &HeaderMap, target: Option<&str>) -> Result<(), Fault> {
    let refuse =
        |why: String, step: &str| Err(Fault::from(ApiError::new(codes::REFUSED, why).step(step)));
    let host = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    // HTTP/2 names it in the target alone.
    let host = host.or(target).unwrap_or_default();
    if !is_here(host)
        || target.is_some_and(|target| !is_here(target))
        || headers.get_all(HOST).iter().count() > 1
    {
        let why = format!("`{host}` is no name of this server");
        return refuse(why, "address it as `127.0.0.1` or `localhost`");
    }
    for origin in headers.get_all(ORIGIN) {
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if !own.is_some_and(|own| own.eq_ignore_ascii_case(host)) {
            let why = format!("pages of {origin:?} may not use this server");
            return refuse(why, "use it from outside a browser, or from its own pages");
        }
    }
    Ok(())
}

/// Holds the token, and counts who guesses it.
///
/// Whoever has the token is let in however many others guessed: 32 characters at least can't be guessed, and so nobody
/// who guesses can lock out its owner.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Of the token, so that comparing tells nothing of its length.
    token: Digest,
    guesses: Mutex<Bucket>,
    since: Instant,
}

impl Guard {
    /// Characters of a token at least.
    pub(crate) const SHORTEST: usize = 32;

    pub(crate) fn new(
        token: &Secret<String>,
        failures: u32,
        per: Duration,
    ) -> Result<Self, ApiError> {
        let text = token.expose();
        if text.len() < Self::SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = format!(
                "the token of the server has less than {} characters, or others than letters, digits and signs",
                Self::SHORTEST
            );
            return Err(ApiError::new(codes::SECRET, why)
                .step("set a longer one, or none at all: then one is drawn and kept"));
        }
        let guesses = Mutex::new(Bucket::new(failures, per));
        Ok(Self { token: Digest::of(text.as_bytes()), guesses, since: Instant::now() })
    }

    /// Lets a request in, or says why not.
    pub(crate) fn admit(&self, access: Access, headers: &HeaderMap) -> Result<(), Fault> {
        let given = match access {
            Access::Open => return Ok(()),
            Access::Token => bearer(headers),
            Access::Person => bearer(headers).or_else(|| password(headers)),
        };
        let challenge = match access {
            Access::Open | Access::Token => "Bearer realm=\"bottega\"",
            Access::Person => "Basic realm=\"bottega: any name, and the token as password\"",
        };
        let step = "send the token of the file that `bottega serve` names, as `Authorization: Bearer TOKEN`";
        let Some(given) = given else {
            let error = ApiError::new(codes::NO_SERVER, "the request has no token").step(step);
            return Err(Fault::unauthorized(error, challenge));
        };
        if same(&self.token, &Digest::of(given.as_bytes())) {
            return Ok(());
        }
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        match guesses.take(self.since.elapsed()) {
            Ok(()) => {
                let error = ApiError::new(codes::NO_SERVER, "the token is wrong").step(step);
                Err(Fault::unauthorized(error, challenge))
            }
            Err(wait) => {
                let error = ApiError::new(codes::NO_SERVER, "too many wrong tokens").step(step);
                Err(Fault::too_many(error, wait))
            }
        }
    }
}

/// Whether two digests are the same, in a time that doesn't tell where they differ.
fn same(one: &Digest, other: &Digest) -> bool {
    let pairs = one.as_bytes().iter().zip(other.as_bytes());
    std::hint::black_box(pairs.fold(0, |differing, (one, other)| differing | (one ^ other))) == 0
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    scheme(headers, "bearer").map(str::to_owned)
}

fn password(headers: &HeaderMap) -> Option<String> {
    let decoded = STANDARD.decode(scheme(headers, "basic")?).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}

fn scheme<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

/// So many at once, and one more each time a part of the span has passed.
#[derive(Debug)]
struct Bucket {
    room: u32,
    each: Duration,
    /// When it is full again.
    full: Duration,
}

impl Bucket {
    fn new(room: u32, per: Duration) -> Self {
        Self { room, each: per / room.max(1), full: Duration::ZERO }
    }

    /// Takes one out at `now`; `Err` says after what span there is one again.
    fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let full = self.full.max(now) + self.each;
        match full.checked_sub(now + self.each * self.room) {
            None | Some(Duration::ZERO) => {
                self.full = full;
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let second = Duration::from_secs;
        let mut bucket = Bucket::new(3, second(30));
        for _ in 0..3 {
            assert_eq!(bucket.take(second(5)), Ok(()));
        }
        assert_eq!(bucket.take(second(5)), Err(second(10)));
        assert_eq!(bucket.take(second(14)), Err(second(1)));
        assert_eq!(bucket.take(second(15)), Ok(()));
        assert_eq!(bucket.take(second(15)), Err(second(10)));
        assert_eq!(Bucket::new(0, second(1)).take(second(1)), Err(second(1)));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_none() {
        for token in ["", "secret", &"x".repeat(31), &"ü".repeat(32), &" ".repeat(40)] {
            let guard = Guard::new(&Secret::new(token.to_owned()), 1, Duration::ZERO);
            assert_eq!(guard.unwrap_err().code, codes::SECRET.name);
        }
    }
}
