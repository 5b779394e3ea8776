//! Whether browsers elsewhere can get the video: one answer for `rrhost doctor`, the log and the sharing panel.

use rr_signal::link::{LocalAddress, local_addresses};
use std::net::{IpAddr, SocketAddr};

/// What a host tells browsers to fetch the video from, and whether that can work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The matter in one sentence.
    pub found: String,
    /// More of what was found.
    pub details: Vec<String>,
    /// What to do when nobody elsewhere can get the video; none when somebody can.
    pub advice: Option<String>,
}

impl Reach {
    /// For a host that listens on `listen` and tells browsers `advertised`, on this machine.
    pub fn of(listen: SocketAddr, advertised: &[SocketAddr]) -> Self {
        Self::with(listen, advertised, &local_addresses())
    }

    /// The same on a machine with these addresses.
    pub fn with(listen: SocketAddr, advertised: &[SocketAddr], local: &[LocalAddress]) -> Self {
        let ip = listen.ip();
        let named = |a: &LocalAddress| format!("{} ({})", a.ip, a.interface);
        if let Some(first) = advertised.first() {
            let mut seen = advertised.iter().filter(|a| !stays_here(a.ip()));
            let Some(seen) = seen.next() else {
                return Self::nobody(format!("{} is seen from this machine only", first.ip()))
                    .advise("give --advertise an address that browsers can reach");
            };
            if stays_here(ip) {
                let found = format!("{} is advertised, but the video is listened for on {ip} only", seen.ip());
                return Self::nobody(found).advise(format!("use --listen 0.0.0.0:{}, too", listen.port()));
            }
            let told = advertised.iter().map(|a| format!("browsers are told to fetch the video from {}", a.ip()));
            return Self::somebody(format!("the video is advertised at {}", first.ip())).with_details(told.skip(1));
        }
        if stays_here(ip) {
            return Self::nobody(format!("{ip} is seen from this machine only"))
                .with_details(local.iter().map(|address| format!("this machine also has {}", named(address))))
                .advise(format!("to share with others use --listen 0.0.0.0:{}", listen.port()));
        }
        if !ip.is_unspecified() {
            return Self::somebody(format!("browsers that reach {ip} can watch"));
        }
        match local.split_first() {
            Some((first, others)) => Self::somebody(format!("browsers in the network of {} can watch", named(first)))
                .with_details(others.iter().map(|address| format!("also {}", named(address)))),
            None => {
                Self::nobody("this machine has no address but loopback".to_owned()).advise("connect it to a network")
            }
        }
    }

    /// What is wrong and what to do about it, in one line; none when browsers elsewhere can get the video.
    pub fn warning(&self) -> Option<String> {
        self.advice.as_ref().map(|advice| format!("{}: {advice}", self.found))
    }

    fn somebody(found: String) -> Self {
        Self { found, details: Vec::new(), advice: None }
    }

    fn nobody(found: String) -> Self {
        Self { found, details: Vec::new(), advice: Some(String::new()) }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    fn with_details(self, details: impl Iterator<Item = String>) -> Self {
        Self { details: details.collect(), ..self }
    }
}

/// Nothing from another machine, or from another network segment, gets to such an address.
fn stays_here(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(listen: &str, advertised: &[&str], local: &[&str]) -> Reach {
        let local: Vec<LocalAddress> =
            local.iter().map(|ip| LocalAddress { interface: "eth0".into(), ip: ip.parse().unwrap() }).collect();
        let advertised: Vec<SocketAddr> = advertised.iter().map(|a| a.parse().unwrap()).collect();
        Reach::with(listen.parse().unwrap(), &advertised, &local)
    }

    const LOCAL: &[&str] = &["192.0.2.7", "2001:db8::7"];

    #[test]
    fn somebody_elsewhere_can_watch() {
        for (listen, advertised, local) in [
            ("0.0.0.0:8443", &[][..], LOCAL),
            ("[::]:8443", &[], LOCAL),
            ("192.0.2.7:8443", &[], LOCAL),
            ("0.0.0.0:8443", &["203.0.113.7:9000"], LOCAL),
            ("0.0.0.0:8443", &["203.0.113.7:9000"], &[]),
            ("0.0.0.0:8443", &["127.0.0.1:1", "203.0.113.7:9000"], LOCAL),
        ] {
            let reach = reach(listen, advertised, local);
            assert_eq!(reach.warning(), None, "{listen} {advertised:?}");
            assert!(!reach.found.is_empty());
        }
        assert_eq!(reach("0.0.0.0:8443", &[], LOCAL).details.len(), 1);
        assert_eq!(reach("0.0.0.0:1", &["203.0.113.7:1", "192.0.2.7:1"], LOCAL).details.len(), 1);
    }

    #[test]
    fn nobody_elsewhere_can_watch() {
        for (listen, advertised, local, advice) in [
            ("127.0.0.1:8443", &[][..], LOCAL, "--listen 0.0.0.0:8443"),
            ("[::1]:8443", &[], LOCAL, "--listen"),
            ("169.254.7.7:8443", &[], LOCAL, "--listen"),
            ("0.0.0.0:8443", &[], &[], "network"),
            ("0.0.0.0:8443", &["127.0.0.1:9000"], LOCAL, "--advertise"),
            ("0.0.0.0:8443", &["[fe80::1]:9000", "169.254.1.1:1"], LOCAL, "--advertise"),
            ("127.0.0.1:8443", &["203.0.113.7:9000"], LOCAL, "--listen 0.0.0.0:8443"),
            ("[::ffff:127.0.0.1]:8443", &[], LOCAL, "--listen"),
        ] {
            let warning = reach(listen, advertised, local).warning();
            assert!(warning.as_ref().is_some_and(|w| w.contains(advice)), "{listen} {advertised:?}: {warning:?}");
        }
        assert_eq!(reach("127.0.0.1:1", &[], LOCAL).details.len(), 2);
    }
}
