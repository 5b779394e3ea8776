//! Share links, addresses and QR codes.

use super::*;

fn address(interface: &str, ip: &str) -> LocalAddress {
    LocalAddress { interface: interface.into(), ip: ip.parse().unwrap() }
}

#[test]
fn the_token_is_in_the_fragment_and_not_in_logs() {
    let link = ShareLink::new("https://10.0.0.1:8443/", "abc.def");
    assert_eq!(link.to_string(), "https://10.0.0.1:8443/#abc.def");
    assert!(!format!("{link:?}").contains("abc"));
}

#[test]
fn url_bases() {
    let base = |address: &str| url_base("https", address.parse().unwrap());
    assert_eq!(base("127.0.0.1:80"), "https://127.0.0.1:80");
    assert_eq!(base("[2001:db8::1]:8443"), "https://[2001:db8::1]:8443");
    assert_eq!(base("[::ffff:10.0.0.1]:1"), "https://10.0.0.1:1");
    assert!(!base("0.0.0.0:9").contains("0.0.0.0") && base("0.0.0.0:9").ends_with(":9"));
}

#[test]
fn the_most_likely_address_comes_first() {
    let found = vec![
        address("lo", "127.0.0.1"),
        address("docker0", "172.17.0.1"),
        address("eth0", "fe80::1"),
        address("eth0", "2001:db8::5"),
        address("eth0", "192.168.1.5"),
        address("eth0", "192.168.1.5"),
        address("usb0", "169.254.3.4"),
        address("lo", "::1"),
    ];
    let expected = [address("eth0", "192.168.1.5"), address("eth0", "2001:db8::5"), address("docker0", "172.17.0.1")];
    assert_eq!(sorted(found), expected);
    assert!(local_addresses().iter().all(|address| !address.ip.is_loopback()));
}

/// Reads the lines back into squares.
fn light(text: &str) -> Vec<Vec<bool>> {
    let mut rows = Vec::new();
    for line in text.lines() {
        rows.push(line.chars().map(|c| "█▀".contains(c)).collect());
        rows.push(line.chars().map(|c| "█▄".contains(c)).collect());
    }
    rows
}

#[test]
fn the_terminal_shows_the_code_with_its_quiet_zone() {
    let code = QrMatrix::new(&format!("https://192.168.100.200:8443/#{}", "x".repeat(115))).unwrap();
    let rows = light(&code.to_terminal_text(false));
    let edge = code.size() + 2 * QUIET_ZONE;
    assert_eq!((rows.len(), rows[0].len()), (edge.next_multiple_of(2), edge));
    for (y, row) in rows.iter().take(edge).enumerate() {
        for (x, light) in row.iter().enumerate() {
            let inside = x.checked_sub(QUIET_ZONE).zip(y.checked_sub(QUIET_ZONE));
            let dark = inside.is_some_and(|(x, y)| code.is_dark(x, y));
            assert_eq!(*light, !dark, "{x} {y}");
        }
    }
    let colored = code.to_terminal_text(true);
    assert_eq!(colored.replace("\x1b[97;40m", "").replace("\x1b[0m", ""), code.to_terminal_text(false));
}

#[test]
fn codes_have_finder_patterns_and_an_end() {
    let code = ShareLink::new("http://10.0.0.1:1", "token").qr().unwrap();
    let last = code.size() - 1;
    for (x, y) in [(0, 0), (last, 0), (0, last), (3, 3)] {
        assert!(code.is_dark(x, y), "{x} {y}");
    }
    assert!(!code.is_dark(1, 1) && !code.is_dark(last + 1, 0) && !code.is_dark(0, usize::MAX));
    assert_eq!(QrMatrix::new(&"x".repeat(3000)), None);
    assert_eq!(terminal_qr(&"x".repeat(3000)), Err(QrError));
    assert!(terminal_qr("http://10.0.0.1:1/#token").unwrap().lines().count() > 10);
}
