//! What a line of the table of keys ([`super::keys`]) is made of, and what is made from it.

use picam_firstboot::settings::Access;
use toml::de::DeValue;

use super::problem::Wrong;

/// When a changed value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applies {
    /// From the camera's next start on.
    Boot,
    /// From the recorder's next start on.
    Recorder,
    /// From the page's next start on. What is changed on the page restarts it.
    Page,
    /// From the next start of each program on.
    Program,
}

impl Applies {
    /// As a sentence for a configuration file.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Boot => "Read when the camera is switched on.",
            Self::Recorder => "Read when the recorder starts.",
            Self::Page => "Read when the page starts; passwords set on the page restart it.",
            Self::Program => "Read by every program of picam when it starts.",
        }
    }
}

/// What there is to know about a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Lines, each with a space in front; none if the key above explains this one, too.
    pub(crate) help: &'static [&'static str],
    /// What to write, where there is no default to show.
    pub(crate) example: Option<&'static str>,
    pub(crate) applies: Applies,
    /// Who may see it, and change it.
    pub(crate) access: Access,
}

/// How a key's value gets into a section's fields, and how it is shown there.
pub(crate) struct Value<T> {
    pub(crate) read: fn(&DeValue<'_>, &mut T) -> Result<(), Wrong>,
    pub(crate) show: fn(&T) -> String,
}

/// The keys of one section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SectionKeys {
    /// As it is written, `[name]` or, if it may be there several times, `[[name]]`; empty for the top of the file.
    pub(crate) header: &'static str,
    pub(crate) help: &'static [&'static str],
    pub(crate) keys: &'static [Key],
}

impl SectionKeys {
    /// Empty for the top of the file.
    pub(crate) fn name(&self) -> &'static str {
        self.header.trim_matches(['[', ']'])
    }

    pub(crate) fn is_list(&self) -> bool {
        self.header.starts_with("[[")
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|own| own.name == key)
    }

    /// The key with its section in front.
    pub(crate) fn full(&self, key: &str) -> String {
        match self.name() {
            "" => key.to_owned(),
            section => format!("{section}.{key}"),
        }
    }
}

/// Fields that have lines in the table.
pub(crate) trait Keyed: Sized + 'static {
    const SECTION: SectionKeys;
    /// One for each of the section's keys.
    const VALUES: &'static [Value<Self>];
}

/// A section of the table: the structure with its fields, their defaults, and what stands in [`Keyed`].
macro_rules! keys {
    (@keyed $type:ty, $header:literal, [$($about:literal)*] $(
        [$($help:literal)*] $key:literal $field:ident, $read:expr, $show:expr, $applies:ident, $access:ident
        $(, $example:literal)?;
    )*) => {
        impl Keyed for $type {
            const SECTION: SectionKeys = SectionKeys {
                header: $header,
                help: &[$($about),*],
                keys: &[$(Key {
                    name: $key,
                    help: &[$($help),*],
                    example: [$(Some($example),)? None][0],
                    applies: Applies::$applies,
                    access: Access::$access,
                }),*],
            };
            const VALUES: &'static [Value<Self>] = &[$(Value {
                read: |value, fields| {
                    fields.$field = ($read)(value)?;
                    Ok(())
                },
                show: |fields| ($show)(&fields.$field),
            }),*];
        }
    };
    // Whose structure and defaults are those of another crate.
    ($(#[doc = $about:literal])* $header:literal for $type:ty { $(
        $(#[doc = $help:literal])*
        $key:literal $field:ident, $read:expr, $show:expr, $applies:ident, $access:ident $(, $example:literal)?;
    )* }) => {
        keys!(@keyed $type, $header, [$($about)*] $(
            [$($help)*] $key $field, $read, $show, $applies, $access $(, $example)?;
        )*);
    };
    ($(#[doc = $about:literal])* $header:literal $(#[$meta:meta])* $vis:vis struct $name:ident { $(
        $(#[doc = $help:literal])*
        $key:literal $field:ident: $type:ty = $default:expr,
        $read:expr, $show:expr, $applies:ident, $access:ident $(, $example:literal)?;
    )* } $(also { $($(#[doc = $what:literal])* $other:ident: $other_type:ty = $other_default:expr;)* })?) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        $(#[$meta])*
        // The help is written for the configuration file.
        #[allow(rustdoc::all, missing_docs)]
        $vis struct $name {
            $($(#[doc = $help])* $vis $field: $type,)*
            $($($(#[doc = $what])* $vis $other: $other_type,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($($other: $other_default,)*)? }
            }
        }

        keys!(@keyed $name, $header, [$($about)*] $(
            [$($help)*] $key $field, $read, $show, $applies, $access $(, $example)?;
        )*);
    };
}
pub(super) use keys;
