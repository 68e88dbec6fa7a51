//! `HRESULT`: MAPI's named codes, and what severity and facility say.

use std::fmt;

/// A 32-bit result code. The highest bit is the severity: set means failure (ERR-001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HResult(pub u32);

/// The facility field of a code, bits 16 to 26.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(pub u16);

impl Facility {
    /// `FACILITY_NULL`.
    pub const NULL: Self = Self(0);
    /// `FACILITY_RPC`.
    pub const RPC: Self = Self(1);
    /// `FACILITY_ITF`, where MAPI's own codes live.
    pub const ITF: Self = Self(4);
    /// `FACILITY_WIN32`, where `MAPI_E_INVALID_PARAMETER` and its kin live.
    pub const WIN32: Self = Self(7);
}

macro_rules! codes {
    ($($name:ident = $value:literal;)*) => {
        #[allow(missing_docs, reason = "the names are MAPI's own")]
        impl HResult { $(pub const $name: Self = Self($value);)* }
        /// Every code this project can name, as (name, value), in the order of `MAPICode.h`.
        pub const NAMED: &[(&str, HResult)] = &[$((stringify!($name), HResult($value)),)*];
    };
}

codes! {
    S_OK = 0x0000_0000;
    S_FALSE = 0x0000_0001;
    MAPI_E_CALL_FAILED = 0x8000_4005;
    MAPI_E_INTERFACE_NOT_SUPPORTED = 0x8000_4002;
    MAPI_E_INVALID_PARAMETER = 0x8007_0057;
    MAPI_E_NOT_ENOUGH_MEMORY = 0x8007_000E;
    MAPI_E_NO_ACCESS = 0x8007_0005;
    E_NOTIMPL = 0x8000_4001;
    MAPI_E_NO_SUPPORT = 0x8004_0102;
    MAPI_E_BAD_CHARWIDTH = 0x8004_0103;
    MAPI_E_STRING_TOO_LONG = 0x8004_0105;
    MAPI_E_UNKNOWN_FLAGS = 0x8004_0106;
    MAPI_E_INVALID_ENTRYID = 0x8004_0107;
    MAPI_E_INVALID_OBJECT = 0x8004_0108;
    MAPI_E_BUSY = 0x8004_010B;
    MAPI_E_NOT_ENOUGH_DISK = 0x8004_010D;
    MAPI_E_NOT_ENOUGH_RESOURCES = 0x8004_010E;
    MAPI_E_NOT_FOUND = 0x8004_010F;
    MAPI_E_VERSION = 0x8004_0110;
    MAPI_E_LOGON_FAILED = 0x8004_0111;
    MAPI_E_SESSION_LIMIT = 0x8004_0112;
    MAPI_E_USER_CANCEL = 0x8004_0113;
    MAPI_E_UNABLE_TO_ABORT = 0x8004_0114;
    MAPI_E_NETWORK_ERROR = 0x8004_0115;
    MAPI_E_DISK_ERROR = 0x8004_0116;
    MAPI_E_TOO_COMPLEX = 0x8004_0117;
    MAPI_E_EXTENDED_ERROR = 0x8004_0119;
    MAPI_E_UNCONFIGURED = 0x8004_011C;
    MAPI_E_FAILONEPROVIDER = 0x8004_011D;
    MAPI_E_UNKNOWN_CPID = 0x8004_011E;
    MAPI_E_UNKNOWN_LCID = 0x8004_011F;
    MAPI_E_RECONNECTED = 0x8004_0125;
    MAPI_E_OFFLINE = 0x8004_0126;
    MAPI_E_END_OF_SESSION = 0x8004_0200;
    MAPI_E_UNKNOWN_ENTRYID = 0x8004_0201;
    MAPI_E_TYPE_NO_SUPPORT = 0x8004_0303;
    MAPI_E_TIMEOUT = 0x8004_0401;
    MAPI_E_CANCEL = 0x8004_0501;
    MAPI_E_NOT_INITIALIZED = 0x8004_0605;
    MAPI_W_NO_SERVICE = 0x0004_0203;
    MAPI_W_ERRORS_RETURNED = 0x0004_0380;
    MAPI_W_PARTIAL_COMPLETION = 0x0004_0680;
}

impl HResult {
    /// Whether the severity bit is clear: warnings are successes too (ERR-001, ERR-011).
    pub const fn succeeded(self) -> bool {
        self.0 & 0x8000_0000 == 0
    }

    /// The facility field.
    pub const fn facility(self) -> Facility {
        Facility((self.0 >> 16) as u16 & 0x7FF)
    }

    /// MAPI's name for the code, where it has one.
    pub fn name(self) -> Option<&'static str> {
        NAMED.iter().find(|(_, code)| *code == self).map(|(name, _)| *name)
    }

    /// The code of that name. `E_NOINTERFACE`, `E_INVALIDARG` and other twins are known by MAPI's name alone.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
    }

    /// A want of memory, disk, network or time: excuses any call at any moment (ERR-008).
    pub fn is_want_of_resources(self) -> bool {
        matches!(
            self,
            Self::MAPI_E_NOT_ENOUGH_MEMORY
                | Self::MAPI_E_NOT_ENOUGH_RESOURCES
                | Self::MAPI_E_NOT_ENOUGH_DISK
                | Self::MAPI_E_DISK_ERROR
                | Self::MAPI_E_NETWORK_ERROR
                | Self::MAPI_E_BUSY
                | Self::MAPI_E_TIMEOUT
        )
    }

    /// A person closed the dialog without confirming (B-02).
    pub fn is_cancel(self) -> bool {
        matches!(self, Self::MAPI_E_USER_CANCEL | Self::MAPI_E_CANCEL)
    }

    /// The two codes with which arguments are refused by the general conventions (ERR-005, ERR-006).
    pub fn is_refusal_of_arguments(self) -> bool {
        matches!(self, Self::MAPI_E_UNKNOWN_FLAGS | Self::MAPI_E_INVALID_PARAMETER)
    }
}

impl fmt::Display for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_decides_success() {
        assert!(HResult::MAPI_W_ERRORS_RETURNED.succeeded());
        assert!(!HResult::MAPI_E_BUSY.succeeded());
    }

    #[test]
    fn facilities_are_read_from_their_bits() {
        assert_eq!(HResult::MAPI_E_INVALID_PARAMETER.facility(), Facility::WIN32);
        assert_eq!(HResult::MAPI_E_BUSY.facility(), Facility::ITF);
        assert_eq!(HResult::MAPI_E_CALL_FAILED.facility(), Facility::NULL);
    }

    #[test]
    fn a_code_without_a_name_prints_as_hex() {
        assert_eq!(HResult(0x8099_0001).to_string(), "0x80990001");
    }
}
