//! STEP files that were cut off: the kernel refuses a file without its end, so the end is put back. What was lost with
//! it is missing from the model, and the file from the list of those that are whole.

/// Closes the data section and the file (ISO 10303-21, 5.3 and 5.5).
const END: &[u8] = b"\nENDSEC;\nEND-ISO-10303-21;\n";
/// The end may be followed by white space, comments and signatures of this many bytes.
const TAIL_BYTES: usize = 64 << 10;

/// The file up to its last whole entity, and an end. `None` when it has an end, or no data.
pub fn closed(bytes: &[u8]) -> Option<Vec<u8>> {
    let has = |bytes: &[u8], word: &[u8]| memchr::memmem::find(bytes, word).is_some();
    if has(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..], b"END-ISO-10303-21") || !has(bytes, b"DATA") {
        return None;
    }
    // A semicolon within a text ends no entity, but then the text before it is not closed and the kernel drops it.
    let end = memchr::memrchr(b';', bytes)?;
    let mut closed = bytes[..=end].to_vec();
    if bytes.get(..=end)?.ends_with(b"ENDSEC;") {
        closed.truncate(closed.len() - b"ENDSEC;".len());
    }
    closed.extend_from_slice(END);
    Some(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_off_gets_its_end_back() {
        let whole = b"ISO-10303-21;\nHEADER;\nENDSEC;\nDATA;\n#1=A();\n#2=B();\nENDSEC;\nEND-ISO-10303-21;\n";
        assert_eq!(closed(whole), None);
        for cut in ["#1=A();\n#2=B(", "#1=A();\n#2"] {
            let text = format!("ISO-10303-21;\nHEADER;\nENDSEC;\nDATA;\n{cut}");
            let closed = String::from_utf8(closed(text.as_bytes()).unwrap()).unwrap();
            assert!(closed.ends_with("DATA;\n#1=A();\nENDSEC;\nEND-ISO-10303-21;\n"), "{closed}");
        }
        assert_eq!(closed(b"ISO-10303-21;\nHEADER;"), None);
        assert_eq!(closed(&whole[..60]).unwrap().len(), 52 + END.len());
    }
}
