//! The two forms of a file: JSON alone, and the binary container (glTF 2.0, chapter 4) with JSON and one buffer.

use crate::{FormatError, malformed, surface::Faults};

/// The pieces of a file.
pub struct Container<'a> {
    pub json: &'a [u8],
    /// The buffer within a binary file.
    pub binary: Option<&'a [u8]>,
}

const MAGIC: &[u8] = b"glTF";
const JSON_CHUNK: &[u8] = b"JSON";
const BINARY_CHUNK: &[u8] = b"BIN\0";

/// Takes a file apart. A binary file that was cut off within its buffer keeps what is there of it.
pub fn split<'a>(bytes: &'a [u8], faults: &mut Faults) -> Result<Container<'a>, FormatError> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        return Ok(Container { json, binary: None });
    };
    let (version, rest) = word(rest).ok_or_else(|| malformed("the file ends within its header"))?;
    if version != 2 {
        return Err(FormatError::Unsupported(format!("version {version} of the binary format is not supported")));
    }
    let (_, rest) = word(rest).ok_or_else(|| malformed("the file ends within its header"))?;
    let (kind, json, rest, whole) = chunk(rest).ok_or_else(|| malformed("the file ends before its first chunk"))?;
    if kind != JSON_CHUNK {
        return Err(malformed("the first chunk is not JSON"));
    }
    if !whole {
        return Err(malformed("the file ends within its JSON"));
    }
    let binary = chunk(rest).filter(|(kind, ..)| *kind == BINARY_CHUNK).map(|(_, data, _, whole)| {
        faults.add("buffer is cut off: the file ends within it", usize::from(!whole));
        data
    });
    Ok(Container { json, binary })
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*word), rest))
}

/// Kind, data, what follows, and whether all of the data is there.
fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8], bool)> {
    let (length, rest) = word(bytes)?;
    let (kind, rest) = rest.split_at_checked(4)?;
    let whole = rest.len() >= length as usize;
    let (data, rest) = rest.split_at(rest.len().min(length as usize));
    Some((kind, data, rest, whole))
}
