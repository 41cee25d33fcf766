// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One macro for numbered lists, so that the enum, its names and its help texts cannot disagree.

/// Declares a `u8` enum with a kebab-case name and the doc comment as help text per value.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( #[doc = $help:literal] $variant:ident = $code:literal, $text:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[repr(u8)]
        pub enum $name {
            $( #[doc = $help] $variant = $code, )+
        }

        impl $name {
            /// Every value, in the order of the source.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The number on the bus.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The value of a number, if it has one.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $( $code => Some(Self::$variant), )+
                    _ => None,
                }
            }

            /// The kebab-case name people see.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }

            /// One line that says what it means.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self {
                    $( Self::$variant => crate::codes::trim($help), )+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

/// Drops the blank that a doc comment starts with.
pub(crate) const fn trim(text: &'static str) -> &'static str {
    match text.as_bytes() {
        [b' ', ..] => text.split_at(1).1,
        _ => text,
    }
}
