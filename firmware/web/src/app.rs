//! What every handler can reach.

use std::sync::Arc;

use crate::asker::Asker;
use crate::auth::Auth;
use crate::library::Library;

/// The state shared by all requests.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) index: Arc<Library>,
    pub(crate) status: Asker,
    pub(crate) auth: Arc<Auth>,
}
