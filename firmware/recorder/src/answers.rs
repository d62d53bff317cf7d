//! What the recorder answers at its socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_control::live::Follow;
use picam_control::lock::Origin;
use picam_control::orders::{Denied, Order, Why};
use picam_control::picture::PictureSource;
use picam_control::status::StatusSource;
use picam_control::{Answer, Later, Reply, Request};
use picam_time::{BootNs, Offer, TimeAnchor};

use crate::desk::Desk;
use crate::live::Live;
use crate::pictures::Pictures;
use crate::reload::Reload;
use crate::status::Status;

/// The card is looked at for a status no more often than this, whoever asks.
const FRESH: Duration = Duration::from_millis(200);

/// The recorder of this process.
pub(crate) struct Answers {
    status: Arc<Status>,
    desk: Arc<Desk>,
    live: Live,
    reload: Option<Reload>,
    last: Option<(Instant, Reply)>,
}

impl Answers {
    /// Without `reload` it cannot change its cameras.
    pub(crate) fn new(
        status: Arc<Status>,
        desk: Arc<Desk>,
        live: Live,
        reload: Option<Reload>,
    ) -> Self {
        Self {
            status,
            desk,
            live,
            reload,
            last: None,
        }
    }

    fn reload(&self) -> Reply {
        let Some(reload) = &self.reload else {
            return Reply::refused("this recorder cannot change its cameras", "start it anew");
        };
        match reload.begin() {
            Ok(()) => Reply::Done,
            Err(reason) => Reply::refused(reason, "the cameras record on as before"),
        }
    }

    fn switch_microphone(&self, on: bool) -> Reply {
        match self.status.ear() {
            Some(ear) => {
                ear.switch(on);
                Reply::Done
            }
            // What is not there is off.
            None if !on => Reply::Done,
            None => Reply::refused(
                "no microphone is configured",
                "set microphone.source in picam.toml, and start the recorder anew",
            ),
        }
    }

    fn set_time(&self, anchor: TimeAnchor) -> Reply {
        let offer = self.status.set_time(anchor);
        if offer != Offer::Ignored {
            tracing::info!("the time was told: {offer:?}");
        }
        // A source that is not believed and says the same is as welcome as any.
        match self.status.contradicts(&anchor) {
            Some(better) => Reply::refused(
                format!("{better} has said another time, and is believed"),
                "set the clock right before telling it",
            ),
            None => Reply::Done,
        }
    }

    fn status(&mut self) -> Reply {
        match &self.last {
            Some((asked, reply)) if asked.elapsed() < FRESH => reply.clone(),
            _ => {
                let reply = match self.status.status() {
                    Ok(status) => Reply::Status(Box::new(status)),
                    Err(error) => Reply::refused(error.reason, error.remedy),
                };
                self.last = Some((Instant::now(), reply.clone()));
                reply
            }
        }
    }
}

impl Answer for Answers {
    fn now(&self) -> BootNs {
        self.status.now()
    }

    fn answer(&mut self, request: Request, user: u32) -> Reply {
        match request {
            Request::Status {} => self.status(),
            Request::Lock {
                id,
                span,
                reason,
                origin: Origin::Page,
            } => self
                .desk
                .order_of_page(Order::Lock { id, span, reason })
                .into(),
            Request::Lock {
                id,
                span,
                reason,
                origin,
            } => self.desk.lock(id, &span, reason, origin).into(),
            Request::Save {
                save,
                origin: Origin::Page,
            } => self.desk.save_of_page(&save).into(),
            Request::Save { save, origin } => self.desk.save(&save, origin).into(),
            Request::Unlock { segment } => self.desk.unlock(&segment).into(),
            Request::Locks {} => Reply::Locks(self.desk.locks()),
            Request::Page { order } => self.desk.order_of_page(order).into(),
            Request::Reload {} => self.reload(),
            Request::Microphone { on } => self.switch_microphone(on),
            Request::Picture {
                camera,
                set,
                origin,
            } => Pictures(self.status.clone())
                .picture(&camera, set, origin)
                .into(),
            Request::Live { .. } | Request::Still { .. } => {
                Reply::refused("this is asked for in another way", "")
            }
            Request::SetTime { source, boot, utc } => {
                match TimeAnchor::new(boot, utc, source.into()) {
                    Ok(anchor) => self.set_time(anchor.told_by(user)),
                    Err(error) => {
                        Reply::refused(error.to_string(), "set the clock before telling it")
                    }
                }
            }
        }
    }

    fn begin(&mut self, request: Request) -> Result<Later, Denied> {
        let Request::Still { camera } = request else {
            return Err(Denied::new(Why::Refused, "this is answered at once", ""));
        };
        let pending = self.desk.begin_still(camera)?;
        Ok(Box::new(move || pending.wait().into()))
    }

    fn follow(&mut self, camera: char) -> Result<Follow, Denied> {
        self.live.admit(camera)
    }
}

#[cfg(test)]
mod tests {
    use picam_control::Source;
    use picam_time::{CEILING, UtcUs};

    use super::*;
    use crate::tests::idle;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    #[test]
    fn one_user_is_one_voice_whatever_it_calls_itself() {
        for (users, are_two) in [([7, 7], false), ([7, 8], true)] {
            let directory = tempfile::tempdir().unwrap();
            let (status, desk) = idle(directory.path());
            let mut answers = Answers::new(status, desk, Live::of(Vec::new()), None);
            let boot = answers.now();
            let wrong = NOON + Duration::from_secs(9 * 3600);
            let mut say = |source, utc, user| match answers
                .answer(Request::SetTime { source, boot, utc }, user)
            {
                Reply::Done => true,
                Reply::Refused { reason, .. } if reason.contains("another time") => false,
                other => panic!("{other:?}"),
            };
            assert!(say(Source::Gps, wrong, 0));
            assert!(!say(Source::Phone, NOON, users[0]));
            // Two that agree overrule a better one; one that says it twice does not.
            assert_eq!(say(Source::Ntp, NOON, users[1]), are_two);
            assert_eq!(say(Source::Gps, wrong, 0), !are_two);
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (status, desk) = idle(directory.path());
        let mut answers = Answers::new(status, desk, Live::of(Vec::new()), None);
        let boot = answers.now();
        for (utc, reason) in [(UtcUs(0), "before 2026"), (CEILING, "2100 or later")] {
            let source = Source::Gps;
            let reply = answers.answer(Request::SetTime { source, boot, utc }, 0);
            assert!(
                matches!(&reply, Reply::Refused { reason: said, .. } if said.contains(reason)),
                "{reply:?}"
            );
        }
    }

    #[test]
    fn a_microphone_that_is_not_configured_cannot_be_switched_on() {
        let directory = tempfile::tempdir().unwrap();
        let (status, desk) = idle(directory.path());
        let mut answers = Answers::new(status, desk, Live::of(Vec::new()), None);
        let mut switch = |on| answers.answer(Request::Microphone { on }, 0);
        assert_eq!(switch(false), Reply::Done);
        let Reply::Refused { remedy, .. } = switch(true) else {
            panic!("it is not there")
        };
        assert!(remedy.contains("microphone.source"), "{remedy}");
    }

    #[test]
    fn the_card_is_looked_at_for_a_status_now_and_then() {
        let directory = tempfile::tempdir().unwrap();
        let (status, desk) = idle(directory.path());
        let mut answers = Answers::new(status.clone(), desk, Live::of(Vec::new()), None);
        assert_eq!(answers.now(), status.now());
        let ask = |answers: &mut Answers| answers.answer(Request::Status {}, 0);
        assert!(matches!(ask(&mut answers), Reply::Status(_)));
        // As long as the last answer is fresh, it is given again.
        let later = Instant::now() + Duration::from_secs(3600);
        answers.last = Some((later, Reply::Done));
        assert!(matches!(ask(&mut answers), Reply::Done));
        let earlier = Instant::now().checked_sub(FRESH).unwrap();
        answers.last = Some((earlier, Reply::Done));
        assert!(matches!(ask(&mut answers), Reply::Status(_)));
    }
}
