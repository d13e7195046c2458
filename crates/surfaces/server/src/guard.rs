//! Who is let in: the token, and how often it may be guessed.

use std::net::SocketAddr;
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
use crate::listen::{is_here, is_named};
use crate::principal::{Needs, Principal, admits};

/// How whoever calls an endpoint shows who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// The token, as a bearer.
    Token,
    /// The token, as a bearer or as the password that a browser asks for. Only for what a person reads.
    Person,
}

/// Knows the server's names, holds the token, and counts who guesses it.
///
/// Whoever has the token is let in however many others guessed: 32 characters at least can't be guessed, and so nobody
/// who guesses can lock out its owner.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Of the token, so that comparing tells nothing of its length.
    token: Digest,
    guesses: Mutex<Bucket>,
    /// Requests of whoever has it, where they are bounded.
    pace: Option<(u32, Mutex<Bucket>)>,
    since: Instant,
    /// How the server is addressed, beside the names of this machine.
    names: Mutex<Vec<String>>,
    /// Whether those are the certificate's.
    of_certificate: bool,
    /// `http` or `https`.
    scheme: &'static str,
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
        Ok(Self {
            token: Digest::of(text.as_bytes()),
            guesses,
            pace: None,
            since: Instant::now(),
            names: Mutex::default(),
            of_certificate: false,
            scheme: "http",
        })
    }

    /// So many requests a second are let in from now on; as many as come where it is zero.
    pub(crate) fn paced(&mut self, each_second: u32) {
        let bucket = Bucket::new(each_second, Duration::from_secs(1));
        self.pace = (each_second > 0).then(|| (each_second, Mutex::new(bucket)));
    }

    /// Holds whoever has the token to the pace: a program that repeats itself without end is told so.
    fn keeps_pace(&self) -> Result<(), Fault> {
        let Some((each_second, bucket)) = &self.pace else { return Ok(()) };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(self.since.elapsed()).map_err(|wait| {
            let why = format!("more than {each_second} requests came in a second");
            let error = ApiError::new(codes::LIMIT, why);
            Fault::too_many(error.step("send fewer, or set `server.requests_per_second`"), wait)
        })
    }

    /// The server goes by these names, or else by those of its certificate, where it has one.
    pub(crate) fn named(&mut self, hosts: Vec<String>, certificate: Option<Vec<String>>) {
        self.of_certificate = hosts.is_empty() && certificate.is_some();
        self.scheme = if certificate.is_some() { "https" } else { "http" };
        self.name(if self.of_certificate { certificate.unwrap_or_default() } else { hosts });
    }

    /// Whether the server goes by the names of its certificate.
    pub(crate) const fn follows_certificate(&self) -> bool {
        self.of_certificate
    }

    /// From now on it goes by these names.
    pub(crate) fn name(&self, names: Vec<String>) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// How clients write the address: by the first name that is a host's own.
    pub(crate) fn address(&self, address: SocketAddr) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match names.iter().find(|name| !name.starts_with("*.")) {
            Some(name) if name.contains(':') => format!("[{name}]:{}", address.port()),
            Some(name) => format!("{name}:{}", address.port()),
            None => address.to_string(),
        }
    }

    fn is_own(&self, authority: &str) -> bool {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        is_here(authority) || is_named(authority, &names)
    }

    /// Refuses what a page of somebody else's, opened in a browser, would send: under a name that leads here since a
    /// moment ago (DNS rebinding), or from another origin.
    pub(crate) fn is_no_stranger(
        &self,
        headers: &HeaderMap,
        target: Option<&str>,
    ) -> Result<(), Fault> {
        let refuse = |why: String, step: &str| {
            Err(Fault::from(ApiError::new(codes::REFUSED, why).step(step)))
        };
        let host = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
        // HTTP/2 names it in the target alone.
        let host = host.or(target).unwrap_or_default();
        if !self.is_own(host)
            || target.is_some_and(|target| !self.is_own(target))
            || headers.get_all(HOST).iter().count() > 1
        {
            let why = format!("`{host}` is no name of this server");
            let step = "address it as `127.0.0.1` or `localhost`, or by a name that `bottega serve --host` gives it";
            return refuse(why, step);
        }
        for origin in headers.get_all(ORIGIN) {
            let origin_host = origin.to_str().ok().and_then(|origin| {
                origin.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"))
            });
            if !origin_host.is_some_and(|own| own.eq_ignore_ascii_case(host)) {
                let why = format!("pages of {origin:?} may not use this server");
                return refuse(why, "use it from outside a browser, or from its own pages");
            }
        }
        Ok(())
    }

    /// Lets a request in, or says why not.
    pub(crate) fn admit(
        &self,
        access: Access,
        needs: Needs,
        headers: &HeaderMap,
    ) -> Result<(), Fault> {
        let principal = self.principal(access, headers)?;
        if principal == Principal::Owner {
            self.keeps_pace()?;
        }
        if admits(principal, needs) {
            return Ok(());
        }
        let error = ApiError::new(codes::REFUSED, "this token does not let do that");
        Err(error.step("ask for it whoever runs the server").into())
    }

    /// Who sent a request.
    fn principal(&self, access: Access, headers: &HeaderMap) -> Result<Principal, Fault> {
        let given = match access {
            Access::Open => return Ok(Principal::Anybody),
            Access::Token => bearer(headers),
            Access::Person => bearer(headers).or_else(|| password(headers)),
        };
        let challenge = match access {
            Access::Open | Access::Token => "Bearer realm=\"bottega\"",
            Access::Person => "Basic realm=\"bottega: any name, and the token as password\"",
        };
        let step = "send the token of the file that `bottega serve` names, as `Authorization: Bearer TOKEN`";
        let Some(given) = given else {
            let error = ApiError::new(codes::NOT_LET_IN, "the request has no token").step(step);
            return Err(Fault::unauthorized(error, challenge));
        };
        if same(&self.token, &Digest::of(given.as_bytes())) {
            return Ok(Principal::Owner);
        }
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        match guesses.take(self.since.elapsed()) {
            Ok(()) => {
                let error = ApiError::new(codes::NOT_LET_IN, "the token is wrong").step(step);
                Err(Fault::unauthorized(error, challenge))
            }
            Err(wait) => {
                let error = ApiError::new(codes::NOT_LET_IN, "too many wrong tokens").step(step);
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
    fn whoever_has_the_token_keeps_the_pace_and_health_is_not_counted() {
        let token = "t".repeat(40);
        let mut guard = Guard::new(&Secret::new(token.clone()), 1, Duration::ZERO).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let admit = |guard: &Guard, access| guard.admit(access, Needs::Look, &headers);
        for _ in 0..100 {
            admit(&guard, Access::Token).unwrap();
        }
        guard.paced(1);
        admit(&guard, Access::Token).unwrap();
        let fault = admit(&guard, Access::Token).unwrap_err();
        assert_eq!((&*fault.error.code, fault.status.as_u16()), (codes::LIMIT.name, 429));
        assert!(fault.wait().is_some(), "it is told how long to wait");
        assert!(fault.error.to_string().contains("more than 1 requests"), "{}", fault.error);
        // Whoever asks for nothing but health is anybody.
        assert!(admits(guard.principal(Access::Open, &headers).unwrap(), Needs::Nothing));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_none() {
        for token in ["", "secret", &"x".repeat(31), &"ü".repeat(32), &" ".repeat(40)] {
            let guard = Guard::new(&Secret::new(token.to_owned()), 1, Duration::ZERO);
            assert_eq!(guard.unwrap_err().code, codes::SECRET.name);
        }
    }
}
