//! Reading what stands in front of the pictures of H.264, HEVC and AV1: bits and Exp-Golomb numbers.

use thiserror::Error;

/// Why a stream is not understood, or not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BitstreamError {
    /// The parameter set ends too early.
    #[error("parameter set is cut off")]
    Short,
    /// A profile other than the one that was agreed.
    #[error("unexpected profile_idc {0}")]
    Profile(u8),
    /// A value that no stream of ours has.
    #[error("unexpected {0}")]
    Unexpected(&'static str),
}

/// Takes the emulation prevention bytes out (7.3.1 of H.264, 7.3.1.1 of H.265).
pub(crate) fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &b in bytes {
        if zeros >= 2 && b == 3 {
            zeros = 0;
            continue;
        }
        zeros = if b == 0 { zeros + 1 } else { 0 };
        out.push(b);
    }
    out
}

/// Reads a parameter set or a header, the highest bit first.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn bit(&mut self) -> Result<bool, BitstreamError> {
        let byte = *self.bytes.get(self.at / 8).ok_or(BitstreamError::Short)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// `count` bits; the last 32 of them where there are more.
    pub fn u(&mut self, count: u32) -> Result<u32, BitstreamError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Ok(value)
    }

    /// Unsigned Exp-Golomb (9.1 of H.264, 9.2 of H.265); no value of ours needs more than 20 bits: the rate of a decoder's model.
    pub fn ue(&mut self) -> Result<u32, BitstreamError> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 20 {
                return Err(BitstreamError::Unexpected("large value"));
            }
        }
        Ok((1 << zeros) - 1 + self.u(zeros)?)
    }
}
