//! What every handler can reach.

use std::path::PathBuf;
use std::sync::Arc;

use picam_control::orders::OrderTaker;
use picam_control::picture::PictureSource;
use picam_library::{DriveBook, Library};
use tokio::sync::Semaphore;

use crate::asker::Asker;
use crate::auth::Auth;
use crate::downloads::Downloads;
use crate::live::Live;
use crate::settings::SettingsSource;

/// The state shared by all requests.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) index: Arc<Library>,
    pub(crate) drives: Arc<DriveBook>,
    pub(crate) status: Asker,
    pub(crate) orders: Arc<dyn OrderTaker>,
    pub(crate) live: Live,
    pub(crate) pictures: Arc<dyn PictureSource>,
    /// The guard's file.
    pub(crate) power: Option<PathBuf>,
    /// None where the settings are not the page's to change.
    pub(crate) settings: Option<Arc<dyn SettingsSource>>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) downloads: Downloads,
    /// One still at a time is taken for the page.
    pub(crate) stills: Arc<Semaphore>,
}
