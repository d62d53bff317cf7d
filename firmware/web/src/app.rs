//! What every handler can reach.

use std::sync::Arc;

use crate::asker::Asker;
use crate::auth::Auth;
use crate::index::Index;
use crate::orders::OrderTaker;

/// The state shared by all requests.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) index: Arc<Index>,
    pub(crate) status: Asker,
    pub(crate) orders: Arc<dyn OrderTaker>,
    pub(crate) auth: Arc<Auth>,
}
