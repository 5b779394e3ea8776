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
    let (json, rest) = chunk(rest).ok_or_else(|| malformed("the file ends before its first chunk"))?;
    if json.kind != JSON_CHUNK {
        return Err(malformed("the first chunk is not JSON"));
    }
    if !json.is_whole {
        return Err(malformed("the file ends within its JSON"));
    }
    let binary = chunk(rest).map(|(chunk, _)| chunk).filter(|chunk| chunk.kind == BINARY_CHUNK);
    if binary.as_ref().is_some_and(|chunk| !chunk.is_whole) {
        faults.add("buffer is cut off: the file ends within it", 1);
    }
    Ok(Container { json: json.data, binary: binary.map(|chunk| chunk.data) })
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    /// Whether all of the data is there.
    is_whole: bool,
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*word), rest))
}

/// The chunk that begins here, and what follows it.
fn chunk(bytes: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let (length, rest) = word(bytes)?;
    let (kind, rest) = rest.split_at_checked(4)?;
    let is_whole = rest.len() >= length as usize;
    let (data, rest) = rest.split_at(rest.len().min(length as usize));
    Some((Chunk { kind, data, is_whole }, rest))
}
