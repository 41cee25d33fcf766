// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Bit layouts of the table rows: what the SystemVerilog structs are generated from.

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in Rust and SystemVerilog.
    pub name: &'static str,
    /// Highest bit in the 192-bit row.
    pub msb: usize,
    /// Lowest bit in the 192-bit row.
    pub lsb: usize,
    /// One line for people.
    pub help: &'static str,
}

/// The fields of some consecutive words of a row, ascending.
pub type Fields = &'static [Field];

/// A row: its fields from bit 0 of word 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name of the table.
    pub table: &'static str,
    /// Name of the SystemVerilog struct.
    pub name: &'static str,
    /// Words in use; the others are zero.
    pub words: usize,
    /// The fields, in parts that need not begin at bit 0.
    pub parts: &'static [Fields],
}

impl Layout {
    /// Every field, ascending.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.parts.iter().flat_map(|part| part.iter())
    }
}

/// Declares the packed form of some words of a row (`bitfield`) together with its layout.
macro_rules! packed {
    (
        #[doc = $doc:literal]
        struct $name:ident($raw:ty) at word $word:literal {
            $( #[doc = $help:literal] $ty:ty, $field:ident, $set:ident: $msb:literal, $lsb:literal; )+
        }
    ) => {
        bitfield::bitfield! {
            #[doc = $doc]
            #[derive(Clone, Copy, Default)]
            pub(crate) struct $name(pub(crate) $raw);
            $( pub(crate) $ty, $field, $set: $msb, $lsb; )+
        }

        impl $name {
            /// Where the fields are in the row.
            const FIELDS: $crate::layout::Fields = &[ $( $crate::layout::Field {
                name: stringify!($field),
                msb: 32 * $word + $msb,
                lsb: 32 * $word + $lsb,
                help: $crate::codes::trim($help),
            }, )+ ];
        }
    };
}
