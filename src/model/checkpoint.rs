//! Values as bytes: magic, version, length, checksum, payload.

use crate::error::{Code, Error};
use serde::{Serialize, de::DeserializeOwned};

const MAGIC: &[u8; 8] = b"CATENACK";
/// Raised whenever the layout of anything in a checkpoint changes.
const VERSION: u32 = 9;
/// Magic, version, payload length, CRC-32 of the payload.
const HEADER: usize = MAGIC.len() + 4 + 8 + 4;

/// `value` as bytes that [`open`] reads back on any platform.
pub fn seal<T: Serialize>(value: &T) -> Vec<u8> {
    let payload = postcard::to_stdvec(value).expect("plain data always serialises");
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
    bytes
}

/// Whether the bytes begin as those that [`seal`] writes.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads back what [`seal`] wrote; the error says what is wrong with the bytes.
pub fn open<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let bad = |message: String| Error::new(Code::Checkpoint, message);
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return Err(bad(format!("expected a checkpoint of at least {HEADER} bytes, got {}", bytes.len())));
    };
    if &header[..8] != MAGIC {
        return Err(bad("expected the bytes of a checkpoint, got something else".into()));
    }
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let length = u64::from_le_bytes(header[12..20].try_into().expect("eight bytes"));
    if word(8) != VERSION {
        return Err(bad(format!("expected a checkpoint of version {VERSION}, got version {}", word(8))));
    }
    if length != payload.len() as u64 {
        return Err(bad(format!("expected {length} bytes of content, got {}", payload.len())));
    }
    if crc32fast::hash(payload) != word(20) {
        return Err(bad("the checkpoint is damaged: its checksum does not fit its content".into()));
    }
    postcard::from_bytes(payload).map_err(|e| bad(format!("the checkpoint cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let good = seal(&vec![1.0, f64::NAN, -0.0]);
        assert_eq!(open::<Vec<f64>>(&good).unwrap()[0], 1.0);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(open::<Vec<f64>>(&bad).unwrap_err().code(), Code::Checkpoint, "byte {at}");
        }
        for length in 0..good.len() {
            assert!(open::<Vec<f64>>(&good[..length]).is_err(), "length {length}");
        }
    }
}
