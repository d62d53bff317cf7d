//! Logins, kept in memory: a random token each, and when it ends.

use std::fmt;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

/// Most logins at a time; the one that was used least recently makes room.
const MAX_SESSIONS: usize = 64;
const TOKEN_LEN: usize = 32;

/// The table of sessions. Time is handed in.
#[derive(Debug)]
pub(super) struct Sessions {
    lifetime: Duration,
    open: Vec<Session>,
}

struct Session {
    token: [u8; TOKEN_LEN],
    began: Instant,
    used: Instant,
}

/// Tokens do not belong into logs.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Sessions {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            open: Vec::new(),
        }
    }

    /// How long a session lasts.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Opens a session and returns its token in hexadecimal.
    pub(super) fn open(&mut self, now: Instant) -> Result<String, getrandom::Error> {
        let mut token = [0; TOKEN_LEN];
        getrandom::fill(&mut token)?;
        self.forget_ended(now);
        if self.open.len() >= MAX_SESSIONS {
            let oldest = (0..self.open.len()).min_by_key(|&i| self.open.get(i).map(|s| s.used));
            self.open.swap_remove(oldest.unwrap_or(0));
        }
        self.open.push(Session {
            token,
            began: now,
            used: now,
        });
        Ok(token.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether `token` is that of an open session.
    pub(super) fn check(&mut self, token: &str, now: Instant) -> bool {
        self.forget_ended(now);
        let Some(token) = parse(token) else {
            return false;
        };
        let mut found = false;
        // Every entry is looked at in full, so that the time tells nothing.
        for session in &mut self.open {
            if bool::from(session.token.ct_eq(&token)) {
                session.used = now;
                found = true;
            }
        }
        found
    }

    /// Ends a session.
    pub(super) fn close(&mut self, token: &str) {
        if let Some(token) = parse(token) {
            self.open
                .retain(|session| !bool::from(session.token.ct_eq(&token)));
        }
    }

    fn forget_ended(&mut self, now: Instant) {
        let lifetime = self.lifetime;
        self.open
            .retain(|session| now.saturating_duration_since(session.began) < lifetime);
    }
}

fn parse(token: &str) -> Option<[u8; TOKEN_LEN]> {
    if token.len() != 2 * TOKEN_LEN || !token.is_ascii() {
        return None;
    }
    let mut bytes = [0; TOKEN_LEN];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(token.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_session_lasts_until_closed_or_ended() {
        let now = Instant::now();
        let mut sessions = Sessions::new(DAY);
        let (a, b) = (sessions.open(now).unwrap(), sessions.open(now).unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 64);
        assert!(sessions.check(&a, now) && sessions.check(&b, now));
        sessions.close(&a);
        assert!(!sessions.check(&a, now) && sessions.check(&b, now));
        assert!(sessions.check(&b, now + DAY - Duration::from_secs(1)));
        assert!(!sessions.check(&b, now + DAY));
    }

    #[test]
    fn nothing_but_a_whole_token_is_one() {
        let now = Instant::now();
        let mut sessions = Sessions::new(DAY);
        let token = sessions.open(now).unwrap();
        let wide = format!("{}é", &token[..62]);
        for wrong in [
            "",
            "0",
            &token[..63],
            &format!("{token}0"),
            &"0".repeat(64),
            &wide,
        ] {
            assert!(!sessions.check(wrong, now));
            sessions.close(wrong);
        }
        assert!(sessions.check(&token, now));
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let now = Instant::now();
        let mut sessions = Sessions::new(DAY);
        let tokens: Vec<_> = (0..MAX_SESSIONS as u64)
            .map(|s| sessions.open(now + Duration::from_secs(s)).unwrap())
            .collect();
        let later = now + Duration::from_secs(1000);
        assert!(sessions.check(&tokens[0], later));
        sessions.open(later).unwrap();
        assert_eq!(sessions.open.len(), MAX_SESSIONS);
        assert!(sessions.check(&tokens[0], later));
        assert!(!sessions.check(&tokens[1], later));
    }
}
