// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The mark of a learning packet: which bits of a frame say "you may switch this yourself".

codes! {
    /// The header field that carries the mark.
    pub enum MarkField {
        /// Drop eligible indicator of the outer tag.
        OuterDei = 0, "outer-dei";
        /// Priority of the outer tag.
        OuterPcp = 1, "outer-pcp";
        /// Priority of the inner tag, the V.VLAN's.
        InnerPcp = 2, "inner-pcp";
        /// Differentiated services code point of the tenant's IP header.
        Dscp = 3, "dscp";
    }
}

impl MarkField {
    /// The bits that the field has.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::OuterDei => 1,
            Self::OuterPcp | Self::InnerPcp => 7,
            Self::Dscp => 0x3f,
        }
    }
}

/// A mark: some bits of a field, their value on a learning packet and on every other frame. The DEI of the
/// inner tag cannot be one: it says `served`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mark {
    field: MarkField,
    mask: u8,
    set: u8,
    clear: u8,
}

impl Mark {
    /// The mark unless something else is configured: DEI of the outer tag.
    pub const DEFAULT: Self = Self {
        field: MarkField::OuterDei,
        mask: 1,
        set: 1,
        clear: 0,
    };

    /// A mark. `None` if the mask is empty or wider than the field, if a value has bits outside the mask, or
    /// if both values are equal.
    #[must_use]
    pub const fn new(field: MarkField, mask: u8, set: u8, clear: u8) -> Option<Self> {
        let legal = mask != 0
            && mask & !field.bits() == 0
            && set & !mask == 0
            && clear & !mask == 0
            && set != clear;
        if legal {
            Some(Self {
                field,
                mask,
                set,
                clear,
            })
        } else {
            None
        }
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> MarkField {
        self.field
    }

    /// The bits of the field that count.
    #[must_use]
    pub const fn mask(self) -> u8 {
        self.mask
    }

    /// Their value on a learning packet.
    #[must_use]
    pub const fn set(self) -> u8 {
        self.set
    }

    /// Their value on every other frame.
    #[must_use]
    pub const fn clear(self) -> u8 {
        self.clear
    }

    /// True if a value of the field is that of a learning packet.
    #[must_use]
    pub const fn is_set_in(self, value: u8) -> bool {
        value & self.mask == self.set
    }

    /// A value of the field with the mark, or without it.
    #[must_use]
    pub const fn put(self, value: u8, marked: bool) -> u8 {
        value & !self.mask | if marked { self.set } else { self.clear }
    }

    /// As HELLO carries it.
    pub(super) const fn to_bytes(self) -> [u8; 4] {
        [self.field.code(), self.mask, self.set, self.clear]
    }

    /// From a HELLO.
    pub(super) const fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        let [field, mask, set, clear] = bytes;
        match MarkField::from_code(field) {
            Some(field) => Self::new(field, mask, set, clear),
            None => None,
        }
    }
}
