//! Sessions that outlive the program: a signed cookie says who somebody is, and nothing is kept of those
//! who are logged in; only of those who are no longer.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use cookie::{Cookie, CookieJar, Key};

use super::Role;
use super::ended::Ended;

/// Name of the cookie.
pub(super) const COOKIE_NAME: &str = "picam_session";
/// How long one login lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most sessions whose age is known apart from the clock.
const MAX_BEGUN: usize = 64;
/// Bytes of a key.
const KEY_LEN: usize = 32;

/// Who is logged in. Clones are the same.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    secret: [u8; KEY_LEN],
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    ended: Ended,
    /// Those that began since the program started, and when. The first login of a start may come before
    /// anybody has said what time it is: by the clock it is months old a moment later.
    begun: Vec<(String, Instant)>,
}

/// A session whose cookie is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) role: Role,
    id: String,
    /// Seconds of Unix time.
    issued: u64,
    /// Whether the cookie is to be replaced by one with the true time.
    pub(super) stale: bool,
}

/// Keys do not belong into logs.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions(..)")
    }
}

impl Sessions {
    /// Sessions that end with the program.
    pub fn fleeting() -> Result<Self, getrandom::Error> {
        let mut secret = [0; KEY_LEN];
        getrandom::fill(&mut secret)?;
        Ok(Self::new(secret, None))
    }

    /// Sessions as long as `secret` stays the same. What has been ended is kept in `file`; without one,
    /// or while it cannot be written, it is remembered until the program ends.
    pub fn kept(secret: [u8; 32], file: Option<PathBuf>) -> Self {
        Self::new(secret, file)
    }

    fn new(secret: [u8; KEY_LEN], file: Option<PathBuf>) -> Self {
        let ended = file.as_deref().map(Ended::read).unwrap_or_default();
        let state = Mutex::new(State {
            ended,
            begun: Vec::new(),
        });
        Self {
            shared: Arc::new(Shared {
                secret,
                file,
                state,
            }),
        }
    }

    /// Salt for the hash of a password that stands in plain words in a configuration: the same at every
    /// start, so that sessions outlive it.
    pub fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        let key = self.key(b"salt");
        for (byte, from) in salt.iter_mut().zip(key.signing()) {
            *byte = *from;
        }
        salt
    }

    /// The key of the sessions that one password seals: with another password, all end.
    fn key(&self, of: &[u8]) -> Key {
        Key::derive_from(&[&self.shared.secret, of].concat())
    }

    /// Opens a session and returns its cookie's value.
    pub(super) fn open(
        &self,
        seal: &str,
        role: Role,
        now: SystemTime,
    ) -> Result<String, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let id = hex::encode(id);
        let mut state = self.state();
        if state.begun.len() >= MAX_BEGUN {
            state.begun.remove(0);
        }
        state.begun.push((id.clone(), Instant::now()));
        let session = Session {
            role,
            id,
            issued: seconds(now),
            stale: false,
        };
        Ok(self.sign(seal, &session, state.ended.generation))
    }

    /// The cookie's value of a session that goes on, with the time as it is known now.
    pub(super) fn renew(&self, seal: &str, session: &Session, now: SystemTime) -> String {
        let mut state = self.state();
        let issued = match state.age_of(&session.id) {
            Some(age) => seconds(now).saturating_sub(age.as_secs()),
            None => session.issued,
        };
        let renewed = Session {
            issued,
            ..session.clone()
        };
        let generation = state.ended.generation;
        drop(state);
        self.sign(seal, &renewed, generation)
    }

    fn sign(&self, seal: &str, session: &Session, generation: u64) -> String {
        let Session {
            role, id, issued, ..
        } = session;
        let value = format!("1.{}.{generation}.{issued}.{id}", role.name());
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.key(seal.as_bytes()))
            .add(Cookie::new(COOKIE_NAME, value));
        let signed = jar.get(COOKIE_NAME);
        signed.map_or_else(String::new, |cookie| cookie.value().to_owned())
    }

    /// The session that a cookie's value is of, if it is genuine and goes on.
    pub(super) fn check(&self, seal: &str, value: &str, now: SystemTime) -> Option<Session> {
        let jar = CookieJar::new();
        let key = self.key(seal.as_bytes());
        let cookie = Cookie::new(COOKIE_NAME, value.to_owned());
        let genuine = jar.signed(&key).verify(cookie)?;
        let mut fields = genuine.value().split('.');
        let ("1", role, generation) = (fields.next()?, fields.next()?, fields.next()?) else {
            return None;
        };
        let (issued, id) = (fields.next()?.parse().ok()?, fields.next()?);
        let mut state = self.state();
        if generation.parse() != Ok(state.ended.generation) || state.ended.has(id) {
            return None;
        }
        // A clock that runs behind makes a session last longer; what it says of the future is not held
        // against anybody, as every start of a camera without a time begins in the past.
        let by_clock = Duration::from_secs(seconds(now).saturating_sub(issued));
        let age = state.age_of(id);
        if age.unwrap_or(by_clock) >= LIFETIME {
            return None;
        }
        Some(Session {
            role: Role::named(role)?,
            id: id.to_owned(),
            issued,
            stale: by_clock >= LIFETIME,
        })
    }

    /// Ends a session.
    pub(super) fn end(&self, session: &Session, now: SystemTime) {
        let mut state = self.state();
        let until = session.issued.max(seconds(now)) + LIFETIME.as_secs();
        state.ended.add(session.id.clone(), until, seconds(now));
        self.keep(&state);
    }

    /// Ends all of them. Whether that outlives the program.
    pub(super) fn end_all(&self) -> bool {
        let mut state = self.state();
        state.begun.clear();
        state.ended.next_generation();
        self.keep(&state)
    }

    fn keep(&self, state: &State) -> bool {
        let Some(file) = &self.shared.file else {
            return false;
        };
        let kept = state.ended.write(file);
        if let Err(error) = &kept {
            let file = file.display();
            tracing::error!(
                "{file} cannot be written, so that sessions that were ended come back: {error}"
            );
        }
        kept.is_ok()
    }

    // Entries are replaced whole: a panic leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn age_of(&mut self, id: &str) -> Option<Duration> {
        let found = self.begun.iter().find(|(begun, _)| begun == id);
        found.map(|(_, at)| at.elapsed())
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    static OLD: LazyLock<String> = LazyLock::new(|| hashed("correct horse"));
    static NEW: LazyLock<String> = LazyLock::new(|| hashed("battery staple"));

    fn hashed(password: &str) -> String {
        super::super::hash_password(password).unwrap().to_string()
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_172_880)
    }

    #[test]
    fn a_session_outlives_the_program_by_thirty_days() {
        let first = Sessions::kept([7; 32], None);
        let cookie = first.open(&OLD, Role::Viewer, now()).unwrap();
        for (later, valid) in [(0, true), (29, true), (30, false), (400, false)] {
            // Another start of the program.
            let sessions = Sessions::kept([7; 32], None);
            let session = sessions.check(&OLD, &cookie, now() + DAY * later);
            assert_eq!(session.is_some(), valid, "{later} days");
            assert!(session.is_none_or(|session| session.role == Role::Viewer));
        }
        let sessions = Sessions::kept([7; 32], None);
        let behind = sessions.check(&OLD, &cookie, now() - DAY * 200);
        assert!(behind.is_some(), "a clock without a time source");
    }

    #[test]
    fn another_password_or_key_ends_it() {
        let sessions = Sessions::kept([7; 32], None);
        let cookie = sessions.open(&OLD, Role::Owner, now()).unwrap();
        assert!(sessions.check(&OLD, &cookie, now()).is_some());
        assert!(sessions.check(&NEW, &cookie, now()).is_none());
        let other = Sessions::kept([8; 32], None);
        assert!(other.check(&OLD, &cookie, now()).is_none());
        assert!(
            Sessions::fleeting()
                .unwrap()
                .check(&OLD, &cookie, now())
                .is_none()
        );
        assert_ne!(sessions.salt(), other.salt());
        assert_eq!(sessions.salt(), Sessions::kept([7; 32], None).salt());
    }

    #[test]
    fn nothing_but_the_whole_cookie_is_one() {
        let sessions = Sessions::kept([7; 32], None);
        let viewer = sessions.open(&OLD, Role::Viewer, now()).unwrap();
        let unsigned = &viewer[viewer.find("1.viewer").unwrap()..];
        for wrong in [
            "",
            "0",
            unsigned,
            &viewer[1..],
            &viewer[..viewer.len() - 1],
            &format!("{viewer}0"),
            &viewer.replace("viewer", "owner"),
            &viewer.replace(".0.", ".1."),
            &"é".repeat(60),
        ] {
            assert_eq!(sessions.check(&OLD, wrong, now()), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_ended_stays_ended() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sessions");
        let sessions = Sessions::kept([7; 32], Some(file.clone()));
        let open = || sessions.open(&OLD, Role::Owner, now()).unwrap();
        let (a, b) = (open(), open());
        sessions.end(&sessions.check(&OLD, &a, now()).unwrap(), now());
        let again = Sessions::kept([7; 32], Some(file.clone()));
        for sessions in [&sessions, &again] {
            assert!(sessions.check(&OLD, &a, now()).is_none());
            assert!(sessions.check(&OLD, &b, now()).is_some());
        }
        assert!(again.end_all());
        let last = Sessions::kept([7; 32], Some(file));
        assert!(last.check(&OLD, &b, now()).is_none());
        let c = last.open(&OLD, Role::Owner, now()).unwrap();
        assert!(last.check(&OLD, &c, now()).is_some());
        let nowhere = Sessions::kept([7; 32], Some(dir.path().join("no/such/directory")));
        assert!(!nowhere.end_all(), "it says that it cannot keep it");
    }

    #[test]
    fn a_session_from_before_the_time_was_known_goes_on() {
        let sessions = Sessions::kept([7; 32], None);
        let built = now() - DAY * 150;
        let cookie = sessions.open(&OLD, Role::Owner, built).unwrap();
        let session = sessions.check(&OLD, &cookie, now()).unwrap();
        assert!(session.stale);
        let renewed = sessions.renew(&OLD, &session, now());
        let after_restart = Sessions::kept([7; 32], None);
        assert!(after_restart.check(&OLD, &cookie, now()).is_none());
        let session = after_restart.check(&OLD, &renewed, now() + DAY).unwrap();
        assert!(!session.stale);
    }
}
