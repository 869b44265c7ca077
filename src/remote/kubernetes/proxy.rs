//! Which proxy leads to a server, by the variables that other programs read, too. A proxy that a
//! kubeconfig names comes before these and has no exceptions.

use std::fmt;
use std::net::IpAddr;

/// Proxies that the environment names.
#[derive(Clone, Default)]
pub struct Proxies {
    /// May hold a password.
    https: Option<String>,
    except: String,
}

impl Proxies {
    /// Those of `HTTPS_PROXY` and `NO_PROXY`, or of the same in lower case; `variable` looks one up.
    pub fn of(mut variable: impl FnMut(&str) -> Option<String>) -> Self {
        let mut either = |upper: &str, lower: &str| variable(upper).or_else(|| variable(lower));
        let https = either("HTTPS_PROXY", "https_proxy").filter(|proxy| !proxy.is_empty());
        Self { https, except: either("NO_PROXY", "no_proxy").unwrap_or_default() }
    }

    /// The proxy on the way to a server.
    pub(super) fn towards(&self, host: &str, port: u16) -> Option<String> {
        let proxy = self.https.as_deref()?;
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let near = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let mut entries = self.except.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        if near || entries.any(|entry| names(entry, &host, address, port)) {
            return None;
        }
        let scheme = if proxy.contains("://") { "" } else { "http://" };
        Some(format!("{scheme}{proxy}"))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("except", &self.except).finish_non_exhaustive()
    }
}

/// Whether an entry of `NO_PROXY` names a server, as the programs of Kubernetes read it: `*`, an
/// address, a block of addresses, or a domain, which stands for all beneath it, too, unless a dot
/// before it says that only those are meant; each but the blocks with a port or without.
fn names(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let (Ok(network), Ok(bits), Some(address)) = (network.parse(), bits.parse(), address)
        else {
            return false;
        };
        return within(network, bits, address);
    }
    let (name, only) = match entry.rsplit_once(':') {
        Some((name, only)) if entry.parse::<IpAddr>().is_err() => (name, only.parse().ok()),
        Some(_) | None => (entry, None),
    };
    if only.is_some_and(|only: u16| only != port) {
        return false;
    }
    if let Ok(named) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return address == Some(named);
    }
    let name = name.strip_prefix('*').unwrap_or(name).to_ascii_lowercase();
    let domain = name.strip_prefix('.').unwrap_or(&name);
    let beneath = host.strip_suffix(domain).is_some_and(|before| before.ends_with('.'));
    address.is_none() && (beneath || host == name)
}

fn within(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let same = |one: u128, other: u128, length: u32| {
        let Some(rest) = length.checked_sub(bits) else { return false };
        (one ^ other).checked_shr(rest).unwrap_or(0) == 0
    };
    match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            same(u128::from(u32::from(one)), u128::from(u32::from(other)), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => same(u128::from(one), u128::from(other), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(https: &str, except: &str) -> Proxies {
        Proxies::of(|name| match name {
            "https_proxy" => Some(https.to_owned()),
            "NO_PROXY" => Some(except.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn an_exception_names_a_host_its_domain_an_address_or_a_block() {
        for (except, host, port, direct) in [
            ("", "k.example.com", 6443, false),
            ("*", "k.example.com", 6443, true),
            ("example.com", "k.example.com", 6443, true),
            ("example.com", "example.com", 6443, true),
            ("example.com", "notexample.com", 6443, false),
            (".example.com", "example.com", 6443, false),
            (".example.com", "k.example.com", 6443, true),
            ("*.example.com", "K.Example.COM", 6443, true),
            ("a.b, EXAMPLE.com", "k.example.com", 6443, true),
            ("example.com:6443", "k.example.com", 6443, true),
            ("example.com:443", "k.example.com", 6443, false),
            ("10.0.0.0/8", "10.1.2.3", 6443, true),
            ("10.0.0.0/8", "11.1.2.3", 6443, false),
            ("10.0.0.0/8", "k.example.com", 6443, false),
            ("0.0.0.0/0", "11.1.2.3", 6443, true),
            ("10.1.2.3", "10.1.2.3", 6443, true),
            ("10.1.2.3:443", "10.1.2.3", 6443, false),
            ("10.0.0.0/33", "10.1.2.3", 6443, false),
            ("fd00::/8", "[fd12::1]", 6443, true),
            ("fd00::/8", "[fe80::1]", 6443, false),
            ("fd12::1", "[fd12::1]", 6443, true),
            ("::/0", "10.1.2.3", 6443, false),
            ("", "localhost", 6443, true),
            ("", "127.0.0.1", 6443, true),
            ("", "[::1]", 6443, true),
        ] {
            let found = proxies("http://proxy:3128", except).towards(host, port);
            assert_eq!(found.is_none(), direct, "{except:?} {host}:{port}");
        }
    }

    #[test]
    fn a_proxy_without_a_scheme_is_one_of_http_and_none_is_shown() {
        let found = proxies("u:canary@proxy:3128", "a.b");
        assert_eq!(found.towards("h", 443).unwrap(), "http://u:canary@proxy:3128");
        assert!(!format!("{found:?}").contains("canary"));
        assert_eq!(proxies("", "").towards("h", 443), None);
        assert_eq!(Proxies::default().towards("h", 443), None);
    }
}
