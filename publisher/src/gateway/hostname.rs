//! What the `Host` header asks for. It is checked on every request: a page elsewhere can point a name
//! of its own at this machine (DNS rebinding), but its requests carry that name.

use crate::archive::address::SiteId;

/// The most digits of a version that fit into one DNS label with a site's id.
const MAX_DIGITS: usize = 5;

/// The highest version that has an origin of its own.
pub const MAX_VERSION: u64 = 10u64.pow(MAX_DIGITS as u32) - 1;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The gateway itself.
    Library,
    /// A version of a site, the newest if none is given.
    Site(SiteId, Option<u64>),
    /// Nothing: whoever can ask for it resolves names below `localhost`.
    Probe,
    /// The same under another name: its host, with the port.
    Elsewhere(String),
}

/// The host of a version's origin, the newest version's if none is given, without the port.
///
/// A version has a name beside that of the site and not below it: a cookie that is set for a name reaches
/// all names below, and browsers take such names for one site.
pub fn host_of(site: SiteId, version: Option<u64>) -> String {
    match version {
        None => format!("{site}.localhost"),
        Some(version) => format!("v{version}-{site}.localhost"),
    }
}

/// Reads a `Host` header that should name this gateway at `port`.
pub fn target(host: &str, port: u16) -> Option<Target> {
    let (name, given) = host.rsplit_once(':')?;
    if given.parse() != Ok(port) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "localhost" => return Some(Target::Library),
        "127.0.0.1" | "[::1]" => return Some(Target::Elsewhere(format!("localhost:{port}"))),
        _ => {}
    }
    let name = name.strip_suffix(".localhost")?;
    if name == "probe" {
        return Some(Target::Probe);
    }
    if let Ok(site) = name.parse() {
        return Some(Target::Site(site, None));
    }
    let (version, separator, site) = match name.split_once('-') {
        Some((version, site)) => (version, '-', site),
        None => name
            .split_once('.')
            .map(|(version, site)| (version, '.', site))?,
    };
    let digits = version.strip_prefix('v')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let (site, version) = (site.parse().ok()?, digits.parse().ok()?);
    match (plain, separator) {
        (false, _) => None,
        (true, '-') => Some(Target::Site(site, Some(version))),
        (true, _) if version > MAX_VERSION => None,
        // Once a version's name was below that of the site.
        (true, _) => Some(Target::Elsewhere(format!(
            "{}:{port}",
            host_of(site, Some(version))
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_gateway_are_served() {
        let site = SiteId([7; 32]);
        let of = |host: String| target(&host, 7537);
        assert_eq!(of("localhost:7537".into()), Some(Target::Library));
        assert_eq!(of("LOCALHOST:7537".into()), Some(Target::Library));
        assert_eq!(of("probe.localhost:7537".into()), Some(Target::Probe));
        assert_eq!(
            of(format!("{site}.localhost:7537")),
            Some(Target::Site(site, None))
        );
        assert_eq!(
            of(format!("v3-{site}.localhost:7537")),
            Some(Target::Site(site, Some(3)))
        );
        for stranger in [
            "evil.example:7537".to_owned(),
            "localhost".to_owned(),
            "localhost:80".to_owned(),
            "localhost:07537x".to_owned(),
            "localhost.:7537".to_owned(),
            "localhost.evil.example:7537".to_owned(),
            format!("{site}.evil.example:7537"),
            format!("x{}.localhost:7537", &site.to_string()[1..]),
            format!("3-{site}.localhost:7537"),
            format!("v+3-{site}.localhost:7537"),
            format!("v-{site}.localhost:7537"),
            format!("x.v3-{site}.localhost:7537"),
        ] {
            assert_eq!(of(stranger.clone()), None, "{stranger}");
        }
    }

    #[test]
    fn other_names_lead_to_the_one_that_counts() {
        let site = SiteId([7; 32]);
        let to = |host: &str| Some(Target::Elsewhere(host.to_owned()));
        assert_eq!(target("127.0.0.1:7537", 7537), to("localhost:7537"));
        assert_eq!(target("[::1]:7537", 7537), to("localhost:7537"));
        assert_eq!(
            target(&format!("v3.{site}.localhost:7537"), 7537),
            to(&format!("v3-{site}.localhost:7537"))
        );
    }

    #[test]
    fn the_highest_version_is_a_legal_dns_label() {
        let host = host_of(SiteId([7; 32]), Some(MAX_VERSION));
        let label = host.strip_suffix(".localhost").unwrap();
        assert_eq!(label.len(), 63);
        assert_eq!(MAX_VERSION, 99_999);
    }
}
