//! An order to keep footage.

use picam_ring::Class;
use serde::{Deserialize, Serialize};

pub use crate::span::{Now, Span};

/// Who wants footage kept. It decides the class of what is locked, and so whom it may push out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Somebody on the page.
    Page,
    /// Somebody pressed the button.
    Button,
    /// Something hit the car.
    Impact,
    /// The owner, at the command line.
    Owner,
}

impl Origin {
    /// The class of what it locks.
    pub const fn class(self) -> Class {
        match self {
            Self::Page => Class::Manual,
            Self::Button | Self::Impact | Self::Owner => Class::Event,
        }
    }
}

/// Footage to be kept: of every camera, every segment that lies in a stretch of time, recorded already or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOrder {
    /// Chosen by who asks: the same order twice is one.
    pub id: String,
    /// When.
    pub span: Span,
    /// Why, for people.
    pub reason: String,
    /// Who.
    pub origin: Origin,
}
