//! Answers that only those can read who ask again: they are encrypted by what was asked and its `Idempotency-Key`, which are
//! not kept.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a nonce.
const NONCE: usize = 12;

/// An answer that was encrypted: nonce, ciphertext and tag, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed(String);

/// What opens an answer.
pub(super) struct Secret(LessSafeKey);

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plain {
    status: u16,
    headers: Vec<(String, String)>,
    /// In base64.
    body: String,
}

impl Secret {
    /// What opens the answer to these parts of a request, one of which nobody else knows.
    pub(super) fn of(parts: [&[u8]; 3]) -> Self {
        let mut digest = Sha256::new_with_prefix(b"facenet: answers of before\0");
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let key =
            UnboundKey::new(&AES_256_GCM, &digest.finalize()).expect("SHA-256 has the length of the key");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts an answer; none when the system gives no random numbers, and then it is not kept.
    pub(super) fn seal(&self, answer: &Plain) -> Option<Sealed> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let mut bytes = serde_json::to_vec(answer).ok()?;
        let sealing = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(sealing, Aad::empty(), &mut bytes).ok()?;
        Some(Sealed(STANDARD.encode([&nonce[..], &bytes].concat())))
    }

    /// The answer; none when it is another's, or the file was changed.
    pub(super) fn open(&self, Sealed(text): &Sealed) -> Option<Plain> {
        let bytes = STANDARD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

impl Plain {
    pub(super) fn of(status: StatusCode, headers: &axum::http::HeaderMap, body: &[u8]) -> Self {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
        Self { status: status.as_u16(), headers: headers.collect(), body: STANDARD.encode(body) }
    }

    /// The answer as it was given; none when it is none.
    pub(super) fn response(&self) -> Option<Response> {
        let mut response = Response::new(Body::from(STANDARD.decode(&self.body).ok()?));
        *response.status_mut() = StatusCode::from_u16(self.status).ok()?;
        for (name, value) in &self.headers {
            let (name, value) = (HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?);
            response.headers_mut().append(name, value);
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_request_opens_an_answer_and_nothing_of_it_can_be_read() {
        let plain = Plain { status: 201, headers: vec![], body: STANDARD.encode("Anna") };
        let secret = |key: &[u8]| Secret::of([b"k1", key, b"POST"]);
        let sealed = secret(b"once").seal(&plain).unwrap();
        assert_eq!(secret(b"once").open(&sealed), Some(plain.clone()));
        assert_eq!(secret(b"twice").open(&sealed), None);
        assert_eq!(Secret::of([b"k1once", b"", b"POST"]).open(&sealed), None, "parts are apart");
        let bytes = STANDARD.decode(&sealed.0).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&plain.body));
        assert_ne!(secret(b"once").seal(&plain), Some(sealed), "never the same bytes");
        for damaged in ["", "AAAA", "no base64!"] {
            assert_eq!(secret(b"once").open(&Sealed(damaged.into())), None);
        }
    }
}
