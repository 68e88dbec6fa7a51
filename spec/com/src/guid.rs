//! Interface identifiers, as `MAPIGuid.h` gives them.

/// A COM identifier, in memory as COM lays it out (`Data1` to `Data3` in the machine's byte order).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid {
    /// `Data1`.
    pub data1: u32,
    /// `Data2`.
    pub data2: u16,
    /// `Data3`.
    pub data3: u16,
    /// `Data4`.
    pub data4: [u8; 8],
}

impl Guid {
    /// `{data1-0000-0000-C000-000000000046}`, the shape of every OLE and MAPI identifier.
    pub const fn ole(data1: u32) -> Self {
        Self { data1, data2: 0, data3: 0, data4: [0xC0, 0, 0, 0, 0, 0, 0, 0x46] }
    }
}

/// `IID_IUnknown`.
pub const IID_IUNKNOWN: Guid = Guid::ole(0);
/// `IID_IMAPISession` (`MAPIGuid.h`).
pub const IID_IMAPI_SESSION: Guid = Guid::ole(0x0002_0300);
/// `IID_IMAPIAdviseSink` (`MAPIGuid.h`).
pub const IID_IMAPI_ADVISE_SINK: Guid = Guid::ole(0x0002_0302);
/// `IID_IMAPIClientShutdown` (`MAPIGuid.h`).
pub const IID_IMAPI_CLIENT_SHUTDOWN: Guid = Guid::ole(0x0002_0397);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_identifier_has_the_bytes_of_the_header() {
        // SAFETY: `Guid` is `repr(C)`, 16 bytes, without padding.
        let bytes: [u8; 16] = unsafe { std::mem::transmute(IID_IMAPI_SESSION) };
        assert_eq!(bytes, [0, 3, 2, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]);
    }
}
