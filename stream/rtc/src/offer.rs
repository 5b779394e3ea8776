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
    let section = video_section(sdp).ok_or(RtcError::NoVideo)?;
    if has_h264(section) { Ok(()) } else { Err(RtcError::NoH264) }
}

/// The level of AV1's main profile and main tier that a description offers (`level-idx`). `None`: it offers no such AV1.
pub(crate) fn av1_level(sdp: &str) -> Option<u8> {
    let offered = formats(video_section(sdp)?, "AV1/90000");
    let mut levels = offered.filter_map(|parameters| {
        // What is not said has the defaults of "RTP Payload Format For AV1", 7.2.
        let value =
            |name: &str, otherwise: u8| value(parameters, name).map_or(Some(otherwise), |said| said.parse().ok());
        let main = value("profile", 0) == Some(0) && value("tier", 0) == Some(0);
        value("level-idx", 5).filter(|_| main)
    });
    levels.next()
}

/// What a description calls parity packets of its video (`flexfec-03`). `None`: the viewer does not take any.
pub(crate) fn parity_type(sdp: &str) -> Option<u8> {
    let types = video_section(sdp)?.lines().filter_map(|line| {
        let (pt, name) = line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.eq_ignore_ascii_case(PARITY).then_some(pt)
    });
    // Types that are chosen by who offers (RFC 5761, 4: what is between would be taken for RTCP).
    types.filter_map(|pt| pt.parse().ok()).find(|pt| (35..64).contains(pt) || (96..128).contains(pt))
}

/// The name of parity packets.
const PARITY: &str = "flexfec-03/90000";
/// A codec of str0m that we never send: parity packets have its name while str0m, which knows none, agrees on their type.
const LENT: &str = "VP8/90000";

/// The offer with the lent name.
pub(crate) fn lend_name(sdp: &str, parity: u8) -> String {
    let lines = sdp.lines().filter_map(|line| {
        let line = line.trim_end();
        if line == format!("a=rtpmap:{parity} {PARITY}") {
            return Some(format!("a=rtpmap:{parity} {LENT}"));
        }
        if line.starts_with("a=rtpmap:") && line.ends_with(LENT) {
            // Each type needs a name.
            return Some(line.replace(LENT, "unused/90000"));
        }
        (!line.starts_with(&format!("a=fmtp:{parity} "))).then(|| line.to_owned())
    });
    lines.map(|line| line + "\r\n").collect()
}

/// The answer with the name given back, and the parity stream beside the one that it protects.
pub(crate) fn take_name_back(sdp: &str, parity: u8, media: u32, source: u32) -> String {
    let mut out = String::with_capacity(sdp.len() + 256);
    let of_media = format!("a=ssrc:{media} ");
    for line in sdp.lines().map(str::trim_end) {
        if line == format!("a=rtpmap:{parity} {LENT}") {
            out += &format!("a=rtpmap:{parity} {PARITY}\r\na=fmtp:{parity} repair-window=10000000\r\n");
            continue;
        }
        // Nothing of it is asked for again.
        if line.starts_with(&format!("a=rtcp-fb:{parity} ")) && !line.ends_with(" transport-cc") {
            continue;
        }
        out += &format!("{line}\r\n");
        if line.starts_with(&format!("a=ssrc-group:FID {media} ")) {
            out += &format!("a=ssrc-group:FEC-FR {media} {source}\r\n");
        } else if let Some(said) = line.strip_prefix(&of_media) {
            out += &format!("a=ssrc:{source} {said}\r\n");
        }
    }
    out
}

/// The section of an answer in which a type has the lent name.
pub(crate) fn lent_name(sdp: &str, parity: u8) -> Option<&str> {
    let named = |section: &&str| section.lines().any(|line| line.trim_end() == format!("a=rtpmap:{parity} {LENT}"));
    sdp.split("\nm=").skip(1).find(named)?.lines().find_map(|line| line.trim_end().strip_prefix("a=mid:"))
}

/// The number in front of a name, as in `a=extmap:3 http://...`.
pub(crate) fn value_of(sdp: &str, attribute: &str, name: &str) -> Option<u8> {
    sdp.lines().find_map(|line| {
        let (number, said) = line.trim_end().strip_prefix(attribute)?.split_once(' ')?;
        (said == name).then(|| number.parse().ok())?
    })
}

/// The first section for video that receives.
fn video_section(sdp: &str) -> Option<&str> {
    sdp.split("\nm=").skip(1).find(|section| {
        section.starts_with("video ")
            && !section.starts_with("video 0 ")
            && !section.lines().any(|line| matches!(line.trim_end(), "a=sendonly" | "a=inactive"))
    })
}

fn has_h264(section: &str) -> bool {
    formats(section, "H264/90000").any(|parameters| {
        // RFC 6184 8.1: without the parameter it is mode 0 and baseline.
        let profile = value(parameters, "profile-level-id").unwrap_or("42000a").to_ascii_lowercase();
        value(parameters, "packetization-mode") == Some("1") && profile.starts_with("42")
    })
}

/// The parameters of each payload type of a codec; empty where there are none.
fn formats<'a>(section: &'a str, codec: &'a str) -> impl Iterator<Item = &'a str> {
    let types = section.lines().filter_map(move |line| {
        let (pt, name) = line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.to_ascii_uppercase().starts_with(codec).then_some(pt)
    });
    types.map(move |pt| {
        let of_type = |line: &'a str| line.trim_end().strip_prefix("a=fmtp:")?.strip_prefix(pt)?.strip_prefix(' ');
        section.lines().find_map(of_type).unwrap_or("")
    })
}

fn value<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|p| p.trim().split_once('=').filter(|(n, _)| *n == name)).map(|(_, v)| v)
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
    fn parity_has_another_name_while_it_is_agreed_on() {
        let of = "m=video 9 UDP/TLS/RTP/SAVPF 96 102 49";
        let types =
            ["a=mid:0", "a=rtpmap:96 VP8/90000", H264, "a=rtpmap:49 flexfec-03/90000", "a=fmtp:49 repair-window=1"];
        let sdp = offer(&[&[of][..], &types].concat());
        assert_eq!(parity_type(&sdp), Some(49));
        assert_eq!(parity_type(&offer(&[of, H264])), None);
        for wrong in ["x", "0", "72", "128", "300"] {
            assert_eq!(parity_type(&offer(&[of, &format!("a=rtpmap:{wrong} flexfec-03/90000")])), None, "{wrong}");
        }
        let lent = lend_name(&sdp, 49);
        assert!(lent.contains("a=rtpmap:96 unused/90000\r\n") && lent.contains("a=rtpmap:49 VP8/90000\r\n"), "{lent}");
        assert!(!lent.contains("fmtp:49"));
        let ours = [
            "a=extmap:3 http://three",
            "a=rtcp-fb:49 nack",
            "a=rtcp-fb:49 transport-cc",
            "a=ssrc:7 cname:x",
            "a=ssrc:8 cname:x",
            "a=ssrc-group:FID 7 8",
        ];
        let answer = lent + &ours.join("\r\n") + "\r\n";
        assert_eq!((lent_name(&answer, 49), lent_name(&answer, 50)), (Some("0"), None));
        assert_eq!(
            (value_of(&answer, "a=extmap:", "http://three"), value_of(&answer, "a=extmap:", "x")),
            (Some(3), None)
        );
        let answer = take_name_back(&answer, 49, 7, 9);
        for line in [
            "a=rtpmap:49 flexfec-03/90000",
            "a=fmtp:49 repair-window=10000000",
            "a=rtcp-fb:49 transport-cc",
            "a=ssrc:9 cname:x",
            "a=ssrc-group:FEC-FR 7 9",
            "a=ssrc-group:FID 7 8",
        ] {
            assert_eq!(answer.matches(&format!("{line}\r\n")).count(), 1, "{line} in {answer}");
        }
        assert!(!answer.contains("VP8") && !answer.contains("a=rtcp-fb:49 nack"), "{answer}");
    }

    #[test]
    fn the_level_of_av1_is_found() {
        let level = |types: &[&str]| av1_level(&offer(&[&[VIDEO], types].concat()));
        let (av1, other) = ("a=rtpmap:45 AV1/90000", "a=rtpmap:47 av1/90000");
        assert_eq!(level(&[av1, "a=fmtp:45 level-idx=5;profile=0;tier=0"]), Some(5));
        assert_eq!(level(&[av1, "a=fmtp:45 level-idx=8; tier=0", H264]), Some(8));
        assert_eq!(level(&[av1]), Some(5));
        // Of several profiles the main one.
        assert_eq!(level(&[av1, other, "a=fmtp:45 profile=1;level-idx=9", "a=fmtp:47 level-idx=12"]), Some(12));
        for wrong in ["profile=1", "tier=1", "level-idx=high", "level-idx=300", "profile=main"] {
            assert_eq!(level(&[av1, &format!("a=fmtp:45 {wrong}")]), None, "{wrong} was taken");
        }
        assert_eq!(level(&[H264]), None);
        assert_eq!(av1_level("v=0"), None);
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
