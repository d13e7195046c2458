//! Messages for agents that live elsewhere, signed as Standard Webhooks has it (its specification, version 1.0.0).
//!
//! The receiver finds three fields: `webhook-id`, the same however often a message is brought; `webhook-timestamp`, the
//! second at which it was signed, so that an old one can be told; and `webhook-signature`, over both and the body.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_manifest::{HttpRequest, Refusal};
use bottega_policy::egress::WebUrl;
use bottega_types::{Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::web::WebClient;

/// What a symmetric key begins with.
const BEFORE: &str = "whsec_";
/// How many bytes a key has ("Signature scheme": 24 to 64).
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that signs messages to one receiver: `whsec_`, then 24 to 64 bytes in base64.
#[derive(Clone, Debug)]
pub struct SigningKey(Secret<Vec<u8>>);

/// A secret of another form. It is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret is no signing key, which is `whsec_` and 24 to 64 random bytes in base64; \
     make one with `echo \"whsec_$(openssl rand -base64 32)\"`"
)]
pub struct NotASigningKey;

impl SigningKey {
    /// Reads a key as the secret store holds it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn read(secret: &Secret<String>) -> Result<Self, NotASigningKey> {
        let encoded = secret.expose().trim().strip_prefix(BEFORE).ok_or(NotASigningKey)?;
        let key = STANDARD.decode(encoded).map_err(|_| NotASigningKey)?;
        if KEY.contains(&key.len()) { Ok(Self(Secret::new(key))) } else { Err(NotASigningKey) }
    }

    /// The signature over a message's name, the second of its signing, and its body.
    fn sign(&self, name: &str, second: u64, body: &[u8]) -> String {
        // HMAC takes keys of every length (RFC 2104, section 3).
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
            return String::new();
        };
        mac.update(format!("{name}.{second}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A message to be brought.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its name.
    pub name: String,
    /// When it is signed.
    pub at: Timestamp,
    /// JSON.
    pub body: Vec<u8>,
    /// What caused it (W3C Trace Context, section 3.2).
    pub traceparent: Option<String>,
}

/// What the receiver said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The status code.
    pub status: u16,
    /// For how long it wants not to be asked again: `retry-after` in seconds (RFC 9110, section 10.2.3). A date is not read.
    pub put_off: Option<Duration>,
}

impl WebClient {
    /// Brings a message to an address, once. What the receiver says beside its status is not read.
    ///
    /// # Errors
    /// Denied when the address may not be reached, unavailable when nothing came back.
    pub async fn post(
        &self,
        url: &WebUrl,
        key: &SigningKey,
        post: Post,
    ) -> Result<Posted, Refusal> {
        let Post { name, at, body, traceparent } = post;
        let second = at.as_millis() / 1_000;
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-signature".to_owned(), key.sign(&name, second, &body)),
            ("webhook-timestamp".to_owned(), second.to_string()),
            ("webhook-id".to_owned(), name),
        ];
        headers.extend(traceparent.map(|trace| ("traceparent".to_owned(), trace)));
        let request = HttpRequest { method: "POST".to_owned(), url: url.clone(), headers, body };
        let answer = self.head(request).await?;
        let wanted = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let put_off = wanted.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        Ok(Posted { status: answer.status().as_u16(), put_off })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<SigningKey, NotASigningKey> {
        SigningKey::read(&Secret::new(text.to_owned()))
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signed =
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_told() {
        for wrong in ["", "hunter2", "whsec_", "whsec_aHVudGVyMg==", "whsec_not base64, is it, no"]
        {
            let told = key(wrong).unwrap_err().to_string();
            assert!(told.contains("openssl rand") && !told.contains("hunter2"), "{told}");
        }
    }
}
