//! What browsers send, and what people and other programs write: names of hosts, `skep.json`,
//! `config.toml`, and the messages over a link.

use skep_publisher::{
    archive::{address::SiteId, path::ArchivePath},
    config::Config,
    gateway::hostname::{Target, host_of, target},
    manifest::Manifest,
    swarm::link::frame::{Frame, PushHead},
};

use super::seeds::Seeds;

const PORT: u16 = 7537;

/// A `Host` field. What names a site names it again, and what leads elsewhere leads to this
/// gateway, where it ends.
pub(super) fn host(bytes: &[u8]) -> bool {
    let host = |text: &str| target(text, PORT);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    match host(text) {
        None => false,
        Some(Target::Library | Target::Probe) => true,
        Some(Target::Site(site, version)) => {
            let again = format!("{}:{PORT}", host_of(site, version));
            assert_eq!(host(&again), Some(Target::Site(site, version)));
            true
        }
        Some(Target::Elsewhere(other)) => {
            let there = host(&other);
            assert!(
                matches!(there, Some(Target::Library | Target::Site(..))),
                "{other}"
            );
            true
        }
    }
}

pub(super) fn hosts() -> Seeds {
    let site = SiteId([7; 32]);
    let newest = host_of(site, None);
    let old = host_of(site, Some(3));
    let names = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "probe.localhost",
        &newest,
        &old,
    ];
    let before = format!("v3.{newest}:{PORT}");
    let names = names.iter().map(|name| format!("{name}:{PORT}"));
    names.chain([before]).map(String::into_bytes).collect()
}

/// Of a manifest only what a page, a terminal and a header can take comes out.
pub(super) fn manifest(bytes: &[u8]) -> bool {
    let read = Manifest::read(bytes);
    for (text, most) in [(&read.title, 200), (&read.description, 1000)] {
        let text = text.as_deref().unwrap_or("text");
        assert!((1..=most).contains(&text.chars().count()));
        assert!(!text.chars().any(char::is_control));
    }
    if let Some(path) = &read.fallback_page {
        assert_eq!(ArchivePath::new(path.as_str()).as_ref(), Ok(path));
    }
    if let Some(policy) = &read.csp {
        assert!(
            policy
                .as_bytes()
                .iter()
                .all(|byte| (b' '..=b'~').contains(byte))
        );
    }
    let Manifest {
        title,
        description,
        fallback_page,
        csp,
    } = read;
    title.is_some() || description.is_some() || fallback_page.is_some() || csp.is_some()
}

pub(super) fn manifests() -> Seeds {
    let all = r#"{"title":"Bees","description":"of the meadow","fallback_page":"/app.html","csp":"img-src 'none'","later":[1]}"#;
    let some = r#"{"title":"\u0041 \ud83d\udc1d\n"}"#;
    [all, some].map(|text| text.as_bytes().to_vec()).into()
}

/// What can't be understood is on one of the lines.
pub(super) fn config(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match Config::parse(&text) {
        Ok(_) => true,
        Err((line, why)) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&line));
            assert!(!why.contains('\n'));
            false
        }
    }
}

pub(super) fn configs() -> Seeds {
    let all = "[network]\nrelay = \"https://relay.example.org\"\n[limits]\ndisk = 60\n[dht]\n";
    ["", "# nothing\n", all]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

pub(super) fn link(bytes: &[u8]) -> bool {
    super::read_again::<Frame>(bytes)
}

pub(super) fn links() -> Seeds {
    let peer = iroh::EndpointAddr::from(iroh::SecretKey::from_bytes(&[3; 32]).public());
    let peer = peer.with_ip_addr(([127, 0, 0, 1], 4000).into());
    let push = PushHead {
        head: vec![1; 100],
        entry: vec![2; 60],
        signpost: Some(vec![3; 80]),
        sizes: vec![0, 70_000],
    };
    let frames = [
        Frame::Welcome {
            head: Some(vec![1; 100]),
            peers: vec![peer.clone()],
        },
        Frame::Refused(Vec::new()),
        Frame::Head {
            head: vec![1; 100],
            whole: true,
        },
        Frame::Push(push),
        Frame::Kept(vec![4; 40]),
        Frame::Peers(vec![peer]),
    ];
    frames
        .iter()
        .map(|frame| postcard::to_stdvec(frame).unwrap())
        .collect()
}
