//! The password, kept as an argon2id hash.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use subtle::ConstantTimeEq;

/// Fewest characters of a password.
pub const MIN_PASSWORD_LEN: usize = 8;
/// Most bytes of a password; more would only keep the hash busy.
const MAX_PASSWORD_LEN: usize = 1024;
/// Most memory in KiB that a hash may ask for: a page that needs more would be killed by its own limit.
const MAX_MEMORY: u32 = 64 * 1024;

/// An argon2id hash in PHC form (`$argon2id$v=19$...`), as it stands in the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<phc::PasswordHash>);

/// Why a password or its hash cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Anybody could guess it.
    #[error("the password is too short: use at least {MIN_PASSWORD_LEN} characters")]
    TooShort,
    /// No person types this.
    #[error("the password is too long: use at most {MAX_PASSWORD_LEN} bytes")]
    TooLong,
    /// The configuration holds something else, perhaps the password itself.
    #[error(
        "this is no argon2id hash: {0}; put in what hashing the password printed, starting with $argon2id$"
    )]
    NotAHash(String),
    /// The system has no randomness or no memory to give.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// Hashes a new password. Takes 19 MiB and some tenths of a second: not for an async thread.
pub fn hash_password(password: &str) -> Result<PasswordHash, PasswordError> {
    check_length(password)?;
    finish(Argon2::default().hash_password(password.as_bytes()))
}

/// The same with a salt that the caller knows again.
pub fn hash_password_with(password: &str, salt: &[u8; 16]) -> Result<PasswordHash, PasswordError> {
    check_length(password)?;
    finish(Argon2::default().hash_password_with_salt(password.as_bytes(), salt))
}

fn check_length(password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < MIN_PASSWORD_LEN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_PASSWORD_LEN {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

fn finish(
    hash: argon2::password_hash::Result<phc::PasswordHash>,
) -> Result<PasswordHash, PasswordError> {
    hash.map(|hash| PasswordHash(Box::new(hash)))
        .map_err(|error| PasswordError::Failed(error.to_string()))
}

impl PasswordHash {
    /// Reads a hash from the configuration.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = phc::PasswordHash::new(text.trim())
            .map_err(|error| PasswordError::NotAHash(error.to_string()))?;
        let argon2id = hash.algorithm == argon2::ARGON2ID_IDENT;
        if !argon2id || hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError::NotAHash(
                "other algorithm, or no salt".into(),
            ));
        }
        let params = Params::try_from(&hash);
        let params = params.map_err(|error| PasswordError::NotAHash(error.to_string()))?;
        if params.m_cost() > MAX_MEMORY {
            let what = format!("it asks for more than {} MiB", MAX_MEMORY / 1024);
            return Err(PasswordError::NotAHash(what));
        }
        Ok(Self(Box::new(hash)))
    }

    /// Whether `password` is the one. Takes as long as [`hash_password`].
    pub fn verify(&self, password: &str) -> bool {
        Memory::default().verify(self, password)
    }
}

/// What one check of a password is computed in, some 19 MiB, kept for the next: handed back to the
/// allocator after each check, on whichever thread, it would pile up.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
}

impl Memory {
    /// Whether `password` is the one that `hash` was made of. A system without memory to give knows none.
    pub(super) fn verify(&mut self, hash: &PasswordHash, password: &str) -> bool {
        password.len() <= MAX_PASSWORD_LEN && self.compare(&hash.0, password).unwrap_or(false)
    }

    fn compare(&mut self, hash: &phc::PasswordHash, password: &str) -> Option<bool> {
        let (salt, wanted) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
        let version = hash.version.map(Version::try_from).transpose().ok()?;
        let params = Params::try_from(hash).ok()?;
        let missing = params.block_count().saturating_sub(self.blocks.len());
        self.blocks.try_reserve_exact(missing).ok()?;
        self.blocks
            .resize(self.blocks.len() + missing, Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, version.unwrap_or_default(), params);
        let mut output = [0; phc::Output::MAX_LENGTH];
        let output = output.get_mut(..wanted.len())?;
        argon2
            .hash_password_into_with_memory(password.as_bytes(), salt, output, &mut self.blocks)
            .ok()?;
        Some(output.ct_eq(wanted.as_bytes()).into())
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Hashes do not belong into logs.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_opens_its_hash() {
        let hash = hash_password("correct horse").unwrap();
        let stored = PasswordHash::parse(&hash.to_string()).unwrap();
        assert!(
            stored
                .to_string()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert!(stored.verify("correct horse"));
        assert!(!stored.verify("correct Horse"));
        assert!(!stored.verify(""));
        assert!(!stored.verify(&"x".repeat(5000)));
        let again = hash_password("correct horse").unwrap();
        assert_ne!(again.to_string(), hash.to_string(), "salted");
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }

    #[test]
    fn hashes_of_other_programs_verify() {
        // printf 'password' | argon2 somesalt -id -t 2 -k 65536 -p 1 (reference implementation)
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                    CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(text).unwrap();
        assert!(hash.verify("password"));
        assert!(!hash.verify("Password"));
    }

    #[test]
    fn one_memory_serves_every_check() {
        let hash = hash_password("correct horse").unwrap();
        let mut memory = Memory::default();
        assert!(!memory.verify(&hash, "wrong horse"));
        let first = memory.blocks.as_ptr();
        assert!(memory.verify(&hash, "correct horse"));
        assert!(!memory.verify(&hash, "wrong horse"));
        assert_eq!(
            (memory.blocks.as_ptr(), memory.blocks.len()),
            (first, 19_456)
        );
        assert_eq!(memory.blocks.capacity(), 19_456);
    }

    #[test]
    fn weak_passwords_and_wrong_hashes_are_refused_with_a_reason() {
        assert_eq!(hash_password("1234567"), Err(PasswordError::TooShort));
        assert_eq!(
            hash_password(&"x".repeat(2000)),
            Err(PasswordError::TooLong)
        );
        for text in [
            "",
            "hunter42",
            "$2b$12$abc",
            "$argon2i$v=19$m=16,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=70000,t=2,p=1$c29tZXNhbHQ$\
             CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            let error = PasswordHash::parse(text).unwrap_err().to_string();
            assert!(error.contains("$argon2id$"), "{error}");
        }
    }
}
