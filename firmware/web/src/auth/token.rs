//! Tokens of programs: what stands in `Authorization: Bearer TOKEN` (RFC 6750) lets a program in as a password lets a person in.
//!
//! A token is 32 random bytes, so that its hash needs no salt and checking it takes no time: `argon2` is for what people think of.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Role;

/// Random bytes of a token.
const TOKEN_LEN: usize = 32;

/// What is known of a token: whom it makes of a program, and its SHA-256. Written `viewer-` or `owner-` and 64 hexadecimal
/// digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash {
    role: Role,
    sha256: [u8; 32],
}

impl TokenHash {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (role, digits) = text.split_once('-')?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(digits, &mut sha256).ok()?;
        Some(Self {
            role: Role::named(role)?,
            sha256,
        })
    }

    fn of(role: Role, token: &str) -> Self {
        Self {
            role,
            sha256: Sha256::digest(token.as_bytes()).into(),
        }
    }

    /// Whom the token in these headers makes of whoever sent them; `None` if there is none, or another one.
    pub(super) fn role_of(&self, headers: &HeaderMap) -> Option<Role> {
        let sent = Self::of(self.role, bearer(headers)?);
        bool::from(sent.sha256.ct_eq(&self.sha256)).then_some(self.role)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role.name(), hex::encode(self.sha256))
    }
}

/// A new token, and its hash.
///
/// # Errors
/// If the system has no random bytes.
pub fn make_token(role: Role) -> Result<(String, TokenHash), getrandom::Error> {
    let mut bytes = [0; TOKEN_LEN];
    getrandom::fill(&mut bytes)?;
    let token = format!("picam-{}", hex::encode(bytes));
    let hash = TokenHash::of(role, &token);
    Ok((token, hash))
}

/// The scheme's name is case-insensitive (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn sent(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn hashes_are_read_as_they_are_written() {
        for role in Role::ALL {
            let (token, hash) = make_token(role).unwrap();
            assert_eq!(token.len(), 6 + 64);
            assert_eq!(TokenHash::parse(&hash.to_string()), Some(hash));
            assert_ne!(make_token(role).unwrap().1, hash);
        }
        // `printf '' | sha256sum`
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            TokenHash::of(Role::Owner, "").to_string(),
            format!("owner-{empty}")
        );
        for wrong in ["", "viewer", "nobody-", "viewer-\u{e9}"] {
            assert!(TokenHash::parse(wrong).is_none(), "{wrong}");
        }
        let long = format!("viewer-{empty}00");
        let odd = format!("viewer-{}zz", &empty[2..]);
        let sign = format!("viewer-+{}", &empty[1..]);
        for wrong in [&long, &odd, &sign, &empty.to_owned()] {
            assert!(TokenHash::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_token_alone_lets_in() {
        let (token, hash) = make_token(Role::Viewer).unwrap();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let headers = sent(&format!("{scheme} {token}"));
            assert_eq!(hash.role_of(&headers), Some(Role::Viewer), "{scheme}");
        }
        let longer = format!("Bearer {token}0");
        let shorter = format!("Bearer {}", &token[1..]);
        let its_hash = format!("Bearer {hash}");
        for value in [
            "", "Bearer", "Bearer ", &token, &longer, &shorter, &its_hash,
        ] {
            assert_eq!(hash.role_of(&sent(value)), None, "{value}");
        }
        assert_eq!(hash.role_of(&HeaderMap::new()), None);
    }
}
