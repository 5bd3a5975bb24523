//! What the `Host` header asks for. It is checked on every request: a page elsewhere can point a name
//! of its own at this machine (DNS rebinding), but its requests carry that name.

use crate::archive::address::SiteId;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The gateway itself.
    Library,
    /// A version of a site, the newest if none is given.
    Site(SiteId, Option<u64>),
}

/// Reads a `Host` header that should name this gateway at `port`.
pub(super) fn target(host: &str, port: u16) -> Option<Target> {
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix(&format!(":{port}"))?;
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return Some(Target::Library);
    }
    let name = name.strip_suffix(".localhost")?;
    match name.split_once('.') {
        None => Some(Target::Site(name.parse().ok()?, None)),
        Some((version, id)) => {
            let version = version.strip_prefix('v')?.parse().ok()?;
            Some(Target::Site(id.parse().ok()?, Some(version)))
        }
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
        assert_eq!(of("127.0.0.1:7537".into()), Some(Target::Library));
        assert_eq!(
            of(format!("{site}.localhost:7537")),
            Some(Target::Site(site, None))
        );
        assert_eq!(
            of(format!("v3.{site}.localhost:7537")),
            Some(Target::Site(site, Some(3)))
        );
        for stranger in [
            "evil.example:7537".to_owned(),
            "localhost".to_owned(),
            "localhost:80".to_owned(),
            "localhost.evil.example:7537".to_owned(),
            format!("{site}.evil.example:7537"),
            format!("x{}.localhost:7537", &site.to_string()[1..]),
            format!("3.{site}.localhost:7537"),
        ] {
            assert_eq!(of(stranger.clone()), None, "{stranger}");
        }
    }
}
