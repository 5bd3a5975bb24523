//! Secret keys on disk: one file a site, readable by its owner alone. And the ways on which they leave a
//! machine and come to another: a file behind a passphrase, words on paper, a plain file.

mod armor;
pub mod backup;
pub mod phrase;
pub mod sealed;
pub mod text;

use std::{fs, path::Path, path::PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
/// The secret key of a site, wiped from memory when it is dropped.
pub use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    files, history,
    home::Home,
};

/// A secret key in the form in which it is stored and exported: three lines of text.
pub type KeyText = Zeroizing<String>;

/// A file with a key has a few hundred bytes; more than this is another kind of file.
pub const MAX_FILE: usize = 16 << 10;

const PREFIX: &str = "skep-secret-1:";

/// Mints the key of a new site, offline, and stores it.
///
/// # Errors
///
/// If the operating system gives no randomness, or the key can't be stored.
pub fn create(home: &Home) -> Result<SiteId> {
    let key = generate()?;
    store(home, &key)?;
    Ok(site_of(&key))
}

/// The key of `site`.
///
/// # Errors
///
/// [`Kind::NoKey`] if it is not here, [`Kind::Damaged`] if what is here is not that key.
pub fn load(home: &Home, site: SiteId) -> Result<SigningKey> {
    let text = export(home, site)?;
    let damaged = |why: &str| {
        let message = format!("{} {why}", path_of(home, site).display());
        Error::new(Kind::Damaged, message)
            .hint("move that file away, then bring the key from a backup with `skep key import`")
    };
    let key = parse(&text).map_err(|_| damaged("holds no key any more"))?;
    match site_of(&key) == site {
        true => Ok(key),
        false => Err(damaged("holds the key of another site")),
    }
}

/// The sites whose keys are here, in the order of their ids.
///
/// # Errors
///
/// If the folder can't be read.
pub fn list(home: &Home) -> Result<Vec<SiteId>> {
    let dir = home.keys();
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", &dir, &e)),
    };
    let mut sites = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| Error::io("read", &dir, &e))?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".key"));
        sites.extend(id.and_then(|id| id.parse::<SiteId>().ok()));
    }
    sites.sort_by_key(SiteId::to_string);
    Ok(sites)
}

/// The key of `site` as text.
///
/// # Errors
///
/// [`Kind::NoKey`] if it is not here.
pub fn export(home: &Home, site: SiteId) -> Result<KeyText> {
    let path = path_of(home, site);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::new(
            Kind::NoKey,
            format!("no key for skep://{site} in {}", home.root().display()),
        )
        .hint("bring it with `skep key import`, or give the site a new address with `skep key new`; only who has the key can publish under this one")),
        Err(e) => Err(Error::io("read", &path, &e)),
    }
}

/// Writes an exported key to a new file that only its owner can read.
///
/// # Errors
///
/// If there is such a file, or it can't be written.
pub fn write(file: &Path, key: &str) -> Result<()> {
    files::write_secret(file, key.as_bytes())
}

/// Stores the key that [`export`] gave. To import a key that is here already changes nothing.
///
/// # Errors
///
/// If the text holds no key, or it can't be stored.
pub fn import(home: &Home, text: &str) -> Result<SiteId> {
    add(home, &parse(text)?)
}

/// The key in a file that [`export`] gave, whatever an editor or a mail program has done to it since.
///
/// # Errors
///
/// If there is none in it.
pub fn read(file: &[u8]) -> Result<SigningKey> {
    let mut readings = text::readings(file).map(|text| parse(&text));
    match readings.find(Result::is_ok) {
        Some(key) => key,
        None => Err(no_key()),
    }
}

/// Stores a key that was made elsewhere, and remembers that it may have signed anything there. If it is
/// here already, nothing changes.
///
/// # Errors
///
/// If it can't be stored, or what is stored as that key is damaged.
pub fn add(home: &Home, key: &SigningKey) -> Result<SiteId> {
    let site = site_of(key);
    match load(home, site) {
        Ok(_) => return Ok(site),
        Err(e) if e.kind == Kind::NoKey => {}
        Err(e) => return Err(e),
    }
    // The history first: a key without it would pass for one that has signed nothing.
    history::remember_unknown(home, site)?;
    store(home, key)?;
    Ok(site)
}

/// The key of this machine's node; minted when it is first asked for.
///
/// # Errors
///
/// If it can't be read or stored.
pub(crate) fn node_key(home: &Home) -> Result<SigningKey> {
    let path = home.store().join("node.key");
    match fs::read_to_string(&path) {
        Ok(text) => parse(&Zeroizing::new(text)).map_err(|e| {
            Error::new(Kind::Damaged, format!("{}: {e}", path.display()))
                .hint("remove that file: this machine's node gets a new key then")
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let key = generate()?;
            files::create_private_dir(&home.store())?;
            let text = Zeroizing::new(format!("{PREFIX}{}\n", &*secret_hex(&key)));
            files::write_secret(&path, text.as_bytes())?;
            Ok(key)
        }
        Err(e) => Err(Error::io("read", &path, &e)),
    }
}

fn generate() -> Result<SigningKey> {
    Ok(SigningKey::from_bytes(&*random()?))
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(|e| {
        Error::new(
            Kind::Io,
            format!("the operating system gives no randomness: {e}"),
        )
    })?;
    Ok(bytes)
}

fn store(home: &Home, key: &SigningKey) -> Result<()> {
    let site = site_of(key);
    let text = Zeroizing::new(format!(
        "# A skep site key. Whoever has this file can publish as\n# skep://{site}\n{PREFIX}{}\n",
        &*secret_hex(key)
    ));
    files::create_private_dir(&home.keys())?;
    files::write_secret(&path_of(home, site), text.as_bytes())
}

/// The key in a text that [`export`] gave.
fn parse(text: &str) -> Result<SigningKey> {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find_map(|line| line.strip_prefix(PREFIX));
    // A program that breaks long lines puts the rest on lines of their own.
    let mut hex = Zeroizing::new(first.unwrap_or_default().trim().to_owned());
    let is_hex = |line: &str| line.bytes().all(|byte| byte.is_ascii_hexdigit());
    for line in lines.take_while(|line| !line.is_empty() && is_hex(line)) {
        if hex.len() + line.len() > 64 {
            break;
        }
        hex.push_str(line);
    }
    let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok();
    bytes
        .map(Zeroizing::new)
        .and_then(|bytes| Some(SigningKey::from_bytes(bytes.as_slice().try_into().ok()?)))
        .ok_or_else(no_key)
}

fn no_key() -> Error {
    Error::new(Kind::Usage, "this is not a skep key").hint(format!(
        "a plain key has a line that begins with `{PREFIX}`; the words of a recovery phrase are read with `--phrase`"
    ))
}

fn secret_hex(key: &SigningKey) -> Zeroizing<String> {
    Zeroizing::new(HEXLOWER.encode(key.as_bytes()))
}

fn site_of(key: &SigningKey) -> SiteId {
    SiteId(key.verifying_key().to_bytes())
}

fn path_of(home: &Home, site: SiteId) -> PathBuf {
    home.keys().join(format!("{site}.key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_travels_to_another_home() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (Home::new(a.path()), Home::new(b.path()));
        let site = create(&a).unwrap();
        assert_eq!(list(&a).unwrap(), [site]);
        assert_eq!(load(&b, site).unwrap_err().kind, Kind::NoKey);
        assert_eq!(import(&b, &export(&a, site).unwrap()).unwrap(), site);
        assert_eq!(load(&b, site).unwrap(), load(&a, site).unwrap());
        assert_eq!(import(&b, "hello").unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn a_key_is_not_imported_without_the_memory_that_it_may_have_signed() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (Home::new(a.path()), Home::new(b.path()));
        let site = create(&a).unwrap();
        // A folder in the way: that memory can't be written.
        let blocked = b.keys().join(format!("{site}.signed"));
        fs::create_dir_all(blocked.join("in-the-way")).unwrap();
        let text = export(&a, site).unwrap();
        assert_eq!(import(&b, &text).unwrap_err().kind, Kind::Io);
        assert_eq!(load(&b, site).unwrap_err().kind, Kind::NoKey);
        fs::remove_dir_all(blocked).unwrap();
        import(&b, &text).unwrap();
        assert!(history::unseen(&b, site, 0).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = create(&home).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path_of(&home, site)), 0o600);
        let copy = dir.path().join("copy");
        write(&copy, &export(&home, site).unwrap()).unwrap();
        assert_eq!(mode(&copy), 0o600);
        let again = write(&copy, "other").unwrap_err();
        assert!(again.message.contains("exists already"), "{again}");
        assert_eq!(
            fs::read_to_string(&copy).unwrap(),
            *export(&home, site).unwrap()
        );
    }

    #[test]
    fn a_damaged_key_is_told_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = create(&home).unwrap();
        let text = export(&home, site).unwrap();
        let other = export(&home, create(&home).unwrap()).unwrap();
        for damage in ["", &text[..text.len() - 5], &other] {
            fs::write(path_of(&home, site), damage).unwrap();
            assert_eq!(load(&home, site).unwrap_err().kind, Kind::Damaged);
            assert_eq!(import(&home, &text).unwrap_err().kind, Kind::Damaged);
            assert_eq!(fs::read_to_string(path_of(&home, site)).unwrap(), damage);
        }
    }
}
