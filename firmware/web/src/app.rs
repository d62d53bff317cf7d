//! What every handler can reach.

use std::sync::Arc;

use crate::auth::Auth;
use crate::index::Index;
use crate::status::StatusSource;

/// The state shared by all requests.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) index: Arc<Index>,
    pub(crate) status: Arc<dyn StatusSource>,
    pub(crate) auth: Arc<Auth>,
}
