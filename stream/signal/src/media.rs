//! Tells media from HTTP and TLS by the first bytes of a connection, so that both share one TCP port.
//!
//! ICE-TCP (RFC 6544) begins with a STUN binding request (RFC 8489) after its length in two bytes (RFC 4571):
//!
//! ```text
//! byte  0       2         4           6                  10
//!       │length │00 01    │length-20  │21 12 a4 42       │ transaction, attributes
//!       (frame)  (type)    (message)   (magic cookie)
//! ```
//!
//! A TLS record begins with 16 (hex), HTTP with a capital letter. Neither can be the first byte of a frame that is short
//! enough to be a binding request, so that one byte decides for nearly everybody.

/// Bytes that decide.
pub(crate) const HEAD: usize = 10;
/// Longest binding request that is taken for one, bytes. Those of browsers are near 100.
const MAX_REQUEST: usize = 1_024;
const STUN_HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What a connection is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A binding request.
    Media,
    /// Anything else.
    Http,
    /// More bytes are needed.
    Open,
}

/// Looks at up to [`HEAD`] bytes.
pub(crate) fn kind(head: &[u8]) -> Kind {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?])));
    // Each part is looked at as soon as it is there.
    let contradicts = head.first().is_some_and(|&first| usize::from(first) > MAX_REQUEST >> 8)
        || number(0).is_some_and(|frame| !(STUN_HEADER..=MAX_REQUEST).contains(&frame) || frame % 4 != 0)
        || differs(head, 2, &BINDING_REQUEST)
        || number(4).is_some_and(|message| Some(message + STUN_HEADER) != number(0))
        || differs(head, 6, &MAGIC_COOKIE);
    match head.len() {
        _ if contradicts => Kind::Http,
        HEAD.. => Kind::Media,
        _ => Kind::Open,
    }
}

fn differs(head: &[u8], at: usize, wanted: &[u8]) -> bool {
    head.iter().skip(at).zip(wanted).any(|(is, wanted)| is != wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 12] = [0, 100, 0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42, 7, 7];

    #[test]
    fn a_binding_request_is_media_once_its_head_is_there() {
        for length in 0..HEAD {
            assert_eq!(kind(&REQUEST[..length]), Kind::Open, "{length} bytes");
        }
        assert_eq!(kind(&REQUEST[..HEAD]), Kind::Media);
        assert_eq!(kind(&REQUEST), Kind::Media);
    }

    #[test]
    fn one_byte_of_http_or_tls_decides() {
        for first in
            [&b"GET / HTTP/1.1"[..], b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00", b"\r\n", b"\xff", b"\x05\x01\x00"]
        {
            for length in 1..=first.len() {
                assert_eq!(kind(&first[..length]), Kind::Http, "{:?}", &first[..length]);
            }
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_media() {
        let with = |at: usize, byte: u8| {
            let mut request = REQUEST;
            request[at] = byte;
            kind(&request)
        };
        assert_eq!(with(1, 101), Kind::Http, "a length that is no multiple of four");
        assert_eq!(with(0, 4), Kind::Http, "too long");
        assert_eq!(with(1, 16), Kind::Http, "too short");
        assert_eq!(with(3, 0x11), Kind::Http, "an indication");
        assert_eq!(with(2, 1), Kind::Http, "a response");
        assert_eq!(with(5, 84), Kind::Http, "lengths that contradict each other");
        for at in 6..10 {
            assert_eq!(with(at, 0), Kind::Http, "not the cookie");
        }
        assert_eq!(kind(&[0; 10]), Kind::Http);
    }

    proptest::proptest! {
        #[test]
        fn more_bytes_never_change_a_decision(bytes in proptest::collection::vec(0u8.., 0..16), cut in 0usize..16) {
            let cut = cut.min(bytes.len());
            let early = kind(&bytes[..cut]);
            proptest::prop_assert!(early == Kind::Open || early == kind(&bytes));
        }
    }
}
