//! MAPI's flag words. Unknown bits are kept: a word is what was passed, not what was meant.

use std::fmt;

macro_rules! flag_word {
    ($(#[$doc:meta])* $word:ident { $($name:ident = $value:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $word(pub u32);

        #[allow(missing_docs, reason = "the names are MAPI's own")]
        #[allow(non_upper_case_globals, reason = "the names are MAPI's own")]
        impl $word { $(pub const $name: Self = Self($value);)* }

        impl $word {
            /// The bits that have a name in this word, as (name, bit).
            pub const NAMED: &'static [(&'static str, u32)] = &[$((stringify!($name), $value),)*];

            /// All named bits together.
            pub const KNOWN: u32 = 0 $(| $value)*;

            /// Whether every bit of `bits` is set.
            pub const fn has(self, bits: Self) -> bool {
                self.0 & bits.0 == bits.0
            }

            /// Both words' bits.
            #[must_use]
            pub const fn with(self, bits: Self) -> Self {
                Self(self.0 | bits.0)
            }

            /// The bits that no document names for this word.
            pub const fn unknown(self) -> u32 {
                self.0 & !Self::KNOWN
            }

            /// The names of the set bits, in ascending order of value, and the bits without a name.
            pub fn names(self) -> (Vec<&'static str>, u32) {
                let names = Self::NAMED.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name);
                (names.collect(), self.unknown())
            }

            /// The bit of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, bit)| Self(*bit))
            }
        }

        impl fmt::Display for $word {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (names, rest) = self.names();
                match (names.is_empty(), rest) {
                    (true, rest) => write!(f, "0x{rest:X}"),
                    (false, 0) => f.write_str(&names.join("|")),
                    (false, rest) => write!(f, "{}|0x{rest:X}", names.join("|")),
                }
            }
        }
    };
}

flag_word! {
    /// `ulFlags` of `IMAPISession::Logoff` (LOGOFF-005).
    LogoffFlags {
        MAPI_LOGOFF_SHARED = 0x1;
        MAPI_LOGOFF_UI = 0x2;
    }
}

flag_word! {
    /// `ulFlags` of `MAPILogonEx`.
    LogonFlags {
        MAPI_LOGON_UI = 0x1;
        MAPI_NEW_SESSION = 0x2;
        MAPI_APP_PROFILE = 0x4;
        MAPI_ALLOW_OTHERS = 0x8;
        MAPI_EXPLICIT_PROFILE = 0x10;
        MAPI_EXTENDED = 0x20;
        MAPI_USE_DEFAULT = 0x40;
        MAPI_FORCE_DOWNLOAD = 0x1000;
        MAPI_SERVICE_UI_ALWAYS = 0x2000;
        MAPI_NO_MAIL = 0x8000;
        MAPI_NT_SERVICE = 0x1_0000;
        MAPI_PASSWORD_UI = 0x2_0000;
        MAPI_TIMEOUT_SHORT = 0x10_0000;
        MAPI_BG_SESSION = 0x20_0000;
        MAPI_UNICODE = 0x8000_0000;
    }
}

flag_word! {
    /// `ulEventMask` of `Advise` and `ulEventType` of a notification.
    EventMask {
        fnevCriticalError = 0x1;
        fnevNewMail = 0x2;
        fnevObjectCreated = 0x4;
        fnevObjectDeleted = 0x8;
        fnevObjectModified = 0x10;
        fnevObjectMoved = 0x20;
        fnevObjectCopied = 0x40;
        fnevSearchComplete = 0x80;
        fnevTableModified = 0x100;
        fnevStatusObjectModified = 0x200;
        fnevReservedForMapi = 0x4000_0000;
        fnevExtended = 0x8000_0000;
    }
}

impl EventMask {
    /// The two events that may announce the end of a session.
    pub const END_OF_SESSION: Self = Self(Self::fnevCriticalError.0 | Self::fnevExtended.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_prints_its_names_and_keeps_unknown_bits() {
        assert_eq!(LogoffFlags(0x3).to_string(), "MAPI_LOGOFF_SHARED|MAPI_LOGOFF_UI");
        assert_eq!(LogoffFlags(0x5).to_string(), "MAPI_LOGOFF_SHARED|0x4");
        assert_eq!(LogoffFlags(0).to_string(), "0x0");
    }

    #[test]
    fn the_two_logoff_bits_are_those_of_the_header() {
        assert_eq!(LogoffFlags::KNOWN, 0x3);
        assert_eq!(LogoffFlags(0xFFFF_FFFC).unknown(), 0xFFFF_FFFC);
    }
}
