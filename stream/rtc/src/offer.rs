//! A first look at a viewer's session description, for errors that a person understands.

use crate::RtcError;

/// Longest description that is read.
const MAX_LEN: usize = rr_protocol::MAX_SIGNAL_LEN;

/// What the description offers.
///
/// # Errors
/// Too long, no section for video that receives, or no H.264 with packetization-mode 1 and a baseline profile in it.
pub(crate) fn check(sdp: &str) -> Result<(), RtcError> {
    if sdp.len() > MAX_LEN {
        return Err(RtcError::BadOffer(format!("{} bytes; {MAX_LEN} are allowed", sdp.len())));
    }
    if !sdp.trim_start().starts_with("v=0") {
        return Err(RtcError::BadOffer("does not begin with v=0".to_owned()));
    }
    let mut sections = sdp.split("\nm=").skip(1).filter(|section| section.starts_with("video "));
    let receiving = sections.find(|section| {
        !section.lines().any(|line| matches!(line.trim_end(), "a=sendonly" | "a=inactive"))
            && !section.starts_with("video 0 ")
    });
    let section = receiving.ok_or(RtcError::NoVideo)?;
    if has_h264(section) { Ok(()) } else { Err(RtcError::NoH264) }
}

fn has_h264(section: &str) -> bool {
    let types = section.lines().filter_map(|line| {
        let (pt, codec) = line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' ')?;
        codec.to_ascii_uppercase().starts_with("H264/90000").then_some(pt)
    });
    types.into_iter().any(|pt| {
        let parameters = section
            .lines()
            .find_map(|line| line.trim_end().strip_prefix("a=fmtp:")?.strip_prefix(pt)?.strip_prefix(' '))
            .unwrap_or("");
        let value = |name: &str| {
            parameters.split(';').find_map(|p| p.trim().split_once('=').filter(|(n, _)| *n == name)).map(|(_, v)| v)
        };
        // RFC 6184 8.1: without the parameter it is mode 0 and baseline.
        let profile = value("profile-level-id").unwrap_or("42000a").to_ascii_lowercase();
        value("packetization-mode") == Some("1") && profile.starts_with("42")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(lines: &[&str]) -> String {
        let mut sdp = String::from("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
        for line in lines {
            sdp.push_str(line);
            sdp.push_str("\r\n");
        }
        sdp
    }

    const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96";
    const H264: &str = "a=rtpmap:96 H264/90000";

    #[test]
    fn h264_in_mode_1_is_found() {
        let fmtp = "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
        check(&offer(&[VIDEO, "a=recvonly", H264, fmtp])).unwrap();
        check(&offer(&["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=inactive", VIDEO, H264, fmtp])).unwrap();
    }

    #[test]
    fn what_cannot_be_served_is_named() {
        let mode0 = "a=fmtp:96 packetization-mode=0;profile-level-id=42e01f";
        let high = "a=fmtp:96 packetization-mode=1;profile-level-id=640028";
        for lines in
            [&[VIDEO, "a=rtpmap:96 VP8/90000"][..], &[VIDEO, H264, mode0], &[VIDEO, H264, high], &[VIDEO, H264]]
        {
            assert!(matches!(check(&offer(lines)), Err(RtcError::NoH264)), "{lines:?}");
        }
        for lines in [&[][..], &[VIDEO, "a=sendonly"], &["m=audio 9 UDP/TLS/RTP/SAVPF 96", H264]] {
            assert!(matches!(check(&offer(lines)), Err(RtcError::NoVideo)), "{lines:?}");
        }
        for text in ["", "hello", "{\"sdp\":\"v=0\"}", "\u{0}"] {
            assert!(matches!(check(text), Err(RtcError::BadOffer(_))), "{text:?}");
        }
        assert!(matches!(check(&offer(&[&"x".repeat(MAX_LEN)])), Err(RtcError::BadOffer(_))));
    }
}
