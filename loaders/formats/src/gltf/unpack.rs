//! The codecs and filters of EXT_meshopt_compression, by the library that defines them. Its decoders check what they
//! read; what they need from us is a buffer of the right size.

use super::accessor::Fault;

/// Largest distance of elements, in words of four bytes, that is taken.
macro_rules! by_words {
    ($words:expr, $encoded:expr, $count:expr, $($n:literal)*) => {
        match $words {
            $($n => meshopt::decode_vertex_buffer::<[u32; $n]>($encoded, $count).map(|v| bytes_of(&v)),)*
            _ => return Err("elements are too far apart".to_owned()),
        }
    };
}

/// The codec for attributes makes at least two bits of 256 bytes. Rounded up, for small blocks.
const MOST_BYTES_PER_BYTE: usize = 2048;

/// Unpacks `count` elements of `stride` bytes.
pub fn unpack(encoded: &[u8], mode: &str, filter: Option<&str>, stride: usize, count: usize) -> Result<Vec<u8>, Fault> {
    // A count that the data cannot fill must not become memory. An index takes a byte, a triangle of three as well.
    let most = match mode {
        "ATTRIBUTES" => encoded.len().saturating_mul(MOST_BYTES_PER_BYTE) / stride.max(1),
        _ => encoded.len().saturating_mul(3),
    };
    if count > most {
        return Err(format!("{count} elements of {stride} bytes cannot come from {} bytes", encoded.len()));
    }
    let decoded = match mode {
        "ATTRIBUTES" if stride.is_multiple_of(4) => {
            by_words!(stride / 4, encoded, count, 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
        }
        "TRIANGLES" if count.is_multiple_of(3) && matches!(stride, 2 | 4) => {
            meshopt::decode_index_buffer::<u32>(encoded, count).map(|v| narrowed(&v, stride))
        }
        "INDICES" if matches!(stride, 2 | 4) => {
            meshopt::decode_index_sequence::<u32>(encoded, count).map(|v| narrowed(&v, stride))
        }
        _ => return Err(format!("{mode} with {count} elements of {stride} bytes is not allowed")),
    };
    let bytes = decoded.map_err(|e| format!("the compressed data is damaged: {e}"))?;
    match filter {
        None | Some("NONE") => Ok(bytes),
        Some(filter) if mode == "ATTRIBUTES" => filtered(&bytes, filter, stride),
        Some(filter) => Err(format!("the filter {filter} does not go with {mode}")),
    }
}

fn filtered(bytes: &[u8], filter: &str, stride: usize) -> Result<Vec<u8>, Fault> {
    let words: Vec<[u8; 4]> = bytes.as_chunks::<4>().0.to_vec();
    match (filter, stride) {
        ("OCTAHEDRAL", 4) => {
            let mut all: Vec<[i8; 4]> = words.iter().map(|w| w.map(u8::cast_signed)).collect();
            meshopt::decode_filter_oct(&mut all);
            Ok(all.iter().flatten().map(|v| v.cast_unsigned()).collect())
        }
        ("OCTAHEDRAL" | "QUATERNION", 8) => {
            let (halves, _) = bytes.as_chunks::<8>();
            let mut all: Vec<[i16; 4]> = halves
                .iter()
                .map(|[a, b, c, d, e, f, g, h]| [[*a, *b], [*c, *d], [*e, *f], [*g, *h]].map(i16::from_le_bytes))
                .collect();
            if filter == "QUATERNION" {
                meshopt::decode_filter_quat(&mut all);
            } else {
                meshopt::decode_filter_oct(&mut all);
            }
            Ok(all.iter().flatten().flat_map(|v| v.to_le_bytes()).collect())
        }
        ("EXPONENTIAL", _) => {
            let mut all: Vec<[u32; 1]> = words.iter().map(|w| [u32::from_le_bytes(*w)]).collect();
            meshopt::decode_filter_exp(&mut all);
            Ok(bytes_of(&all))
        }
        _ => Err(format!("the filter {filter} does not go with elements of {stride} bytes")),
    }
}

fn bytes_of<const N: usize>(elements: &[[u32; N]]) -> Vec<u8> {
    elements.iter().flatten().flat_map(|word| word.to_ne_bytes()).collect()
}

fn narrowed(indices: &[u32], stride: usize) -> Vec<u8> {
    indices.iter().flat_map(|i| i.to_le_bytes().into_iter().take(stride)).collect()
}
