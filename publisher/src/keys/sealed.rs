//! A key behind a passphrase: an armored file in version 1 of the format of age
//! (age-encryption.org/v1, from C2SP), with one recipient of type `scrypt`. `age -d FILE` opens it too.
//!
//! Only what a key needs of that format is here. The whole of it, for public keys and plugins, is the
//! `age` crate's, which brings sixty others with it.

use data_encoding::BASE64_NOPAD;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use scrypt::{Params, scrypt};
use zeroize::Zeroizing;

use super::{KeyText, MAX_FILE, armor, random, text};
use crate::error::{Error, Kind, Result};

/// How hard it is to try a passphrase: log2 of scrypt's N. This one takes 256 MiB of memory and about a
/// second, and is what `age` uses.
pub const WORK: u8 = 18;

/// The hardest that is opened: 1 GiB. A file says itself how much it takes.
const MAX_WORK: u8 = 20;

const VERSION: &str = "age-encryption.org/v1";
const SALT: usize = 16;
const FILE_KEY: usize = 16;
const PAYLOAD_NONCE: usize = 16;
const TAG: usize = 16;

/// The nonce of the key that a passphrase wraps: it is used for one message only.
const WRAP_NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// The nonce of a payload's first chunk (eleven bytes count) which is also its last (the twelfth says so).
/// A key fits into one chunk of 64 KiB.
const ONLY_CHUNK: [u8; NONCE_LEN] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// What a person remembers, wiped from memory when it is dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// At most so many bytes.
    pub const MAX: usize = 1024;

    /// A shorter one can be found by trying, by whoever gets hold of the file.
    const SHORT: usize = 12;

    /// The passphrase `text`.
    ///
    /// # Errors
    ///
    /// If there is nothing in it but blanks, or it is longer than [`Passphrase::MAX`].
    pub fn new(text: Zeroizing<String>) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::new(Kind::Usage, "the passphrase is empty")
                .hint("a few words that nobody would guess are a good one"));
        }
        if text.len() > Self::MAX {
            let message = format!("a passphrase has at most {} bytes", Self::MAX);
            return Err(Error::new(Kind::Usage, message));
        }
        Ok(Self(text))
    }

    /// Whether it has fewer than twelve characters.
    pub fn is_short(&self) -> bool {
        self.0.chars().count() < Self::SHORT
    }

    /// The same without blanks and invisible marks around it; `None` if it has none. An editor adds such things
    /// to a file.
    pub fn trimmed(&self) -> Option<Self> {
        let text = self
            .0
            .trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        (text.len() < self.0.len()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether `other` is the same.
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

/// Locks `text` with a passphrase, which takes 2^`work` KiB of memory to try; [`WORK`] is usual.
///
/// # Errors
///
/// If the operating system gives no randomness, or `work` is not from 1 to 20.
pub fn seal(text: &KeyText, passphrase: &Passphrase, work: u8) -> Result<String> {
    let salt = random::<SALT>()?;
    let file_key = random::<FILE_KEY>()?;
    let wrap_key = stretch(passphrase, &*salt, work)?;
    let wrapped = encrypt(&wrap_key, WRAP_NONCE, &*file_key)?;
    let header = format!(
        "{VERSION}\n-> scrypt {} {work}\n{}\n---",
        BASE64_NOPAD.encode(&*salt),
        BASE64_NOPAD.encode(&wrapped),
    );
    let mac = hmac::sign(&header_key(&*file_key)?, header.as_bytes());
    let nonce = random::<PAYLOAD_NONCE>()?;
    let payload_key = derive(&*file_key, &*nonce, b"payload")?;
    let mut file = format!("{header} {}\n", BASE64_NOPAD.encode(mac.as_ref())).into_bytes();
    file.extend_from_slice(&*nonce);
    file.extend(encrypt(&payload_key, ONLY_CHUNK, text.as_bytes())?);
    Ok(armor::put_on(&file))
}

/// Whether [`open`] can be tried on `file`.
pub fn is_sealed(file: &[u8]) -> bool {
    is_bare(file) || text::readings(file).any(|text| armor::is_armored(text.as_bytes()))
}

/// Whether a file has no armor.
fn is_bare(file: &[u8]) -> bool {
    file.starts_with(b"age-encryption.org/")
}

/// The bytes of a file without its armor.
fn bare(file: &[u8]) -> Result<Vec<u8>> {
    if is_bare(file) {
        return Ok(file.to_owned());
    }
    let mut why = None;
    for text in text::readings(file) {
        match armor::take_off(text.as_bytes()) {
            Ok(bytes) => return Ok(bytes),
            Err(e) => why = why.or(Some(e)),
        }
    }
    Err(damaged(
        why.unwrap_or("it is neither age's format nor text"),
    ))
}

/// The text of a file that [`seal`], or `age --passphrase`, wrote; armored or not.
///
/// # Errors
///
/// [`Kind::Passphrase`] if it is not the passphrase, [`Kind::Damaged`] if the file is not whole, and
/// [`Kind::Usage`] if it is another kind of file.
pub fn open(file: &[u8], passphrase: &Passphrase) -> Result<KeyText> {
    if file.len() > MAX_FILE {
        return Err(damaged("it is far too long"));
    }
    let file = bare(file)?;
    let parts = split(&file)?;
    let wrap_key = stretch(passphrase, &parts.salt, parts.work)?;
    let file_key = decrypt(&wrap_key, WRAP_NONCE, parts.wrapped).ok_or_else(|| {
        Error::new(Kind::Passphrase, "this passphrase does not open the file")
            .hint("type it again; if you are sure of it, the file is damaged: take another copy")
    })?;
    hmac::verify(&header_key(&file_key)?, parts.header, &parts.mac)
        .map_err(|_| damaged("its header was changed"))?;
    let payload_key = derive(&file_key, parts.nonce, b"payload")?;
    let text = decrypt(&payload_key, ONLY_CHUNK, parts.payload.to_owned())
        .ok_or_else(|| damaged("its content was changed or cut off"))?;
    let text = std::str::from_utf8(&text).map_err(|_| damaged("there is no key in it"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The parts of a file, as it stores them.
struct Parts<'a> {
    salt: Vec<u8>,
    work: u8,
    wrapped: Vec<u8>,
    /// What the MAC is of: all up to it.
    header: &'a [u8],
    mac: Vec<u8>,
    nonce: &'a [u8],
    payload: &'a [u8],
}

fn split(file: &[u8]) -> Result<Parts<'_>> {
    let mut rest = file;
    let mut line = || {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..end]).ok();
        rest = &rest[end + 1..];
        line
    };
    let mut next = || line().ok_or_else(|| damaged("its header is cut off"));
    let version = next()?;
    if version != VERSION {
        let message = "the file is of another version of age's format";
        return Err(Error::new(Kind::Usage, message).hint(DECRYPT));
    }
    let Some(stanza) = next()?.strip_prefix("-> scrypt ") else {
        let message = "the file is not locked with a passphrase, but for somebody's key";
        return Err(Error::new(Kind::Usage, message).hint(DECRYPT));
    };
    let wrapped = next()?;
    let end = next()?;
    let (salt, work) = stanza.split_once(' ').unwrap_or((stanza, ""));
    let mac = end.strip_prefix("--- ");
    let mac = mac.ok_or_else(|| damaged("its header has more in it than a passphrase"))?;
    let base64 = |text: &str, length| {
        let bytes = BASE64_NOPAD.decode(text.as_bytes()).ok();
        let bytes = bytes.filter(|bytes| bytes.len() == length);
        bytes.ok_or_else(|| damaged("its header makes no sense"))
    };
    let header_length = file.len() - rest.len() - " \n".len() - mac.len();
    let (nonce, payload) = rest
        .split_at_checked(PAYLOAD_NONCE)
        .ok_or_else(|| damaged("it is cut off"))?;
    Ok(Parts {
        salt: base64(salt, SALT)?,
        work: parse_work(work)?,
        wrapped: base64(wrapped, FILE_KEY + TAG)?,
        header: &file[..header_length],
        mac: base64(mac, 32)?,
        nonce,
        payload,
    })
}

fn parse_work(text: &str) -> Result<u8> {
    let canonical = !text.is_empty()
        && text.len() <= 3
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(work @ 1..=MAX_WORK) if canonical => Ok(work),
        Ok(1..) if canonical => {
            let message =
                format!("the file takes 2^{text} KiB of memory to open, which is too much");
            Err(Error::new(Kind::Usage, message).hint(DECRYPT))
        }
        _ => Err(damaged("its header makes no sense")),
    }
}

const DECRYPT: &str = "open it with the `age` program, then import what was in it";

/// The key that comes of a passphrase, slowly.
fn stretch(passphrase: &Passphrase, salt: &[u8], work: u8) -> Result<Zeroizing<[u8; 32]>> {
    if !(1..=MAX_WORK).contains(&work) {
        return Err(Error::new(Kind::Usage, "a work factor is from 1 to 20"));
    }
    let salt = [b"age-encryption.org/v1/scrypt", salt].concat();
    let mut key = Zeroizing::new([0; 32]);
    let done = Params::new(work, 8, 1)
        .ok()
        .and_then(|params| scrypt(passphrase.0.as_bytes(), &salt, &params, &mut *key).ok());
    done.map(|()| key).ok_or_else(failed)
}

fn header_key(file_key: &[u8]) -> Result<hmac::Key> {
    let key = derive(file_key, &[], b"header")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &*key))
}

/// HKDF-SHA-256.
fn derive(file_key: &[u8], salt: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(file_key)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| failed())?;
    Ok(key)
}

fn encrypt(key: &[u8; 32], nonce: [u8; NONCE_LEN], plain: &[u8]) -> Result<Vec<u8>> {
    // It starts as the plain text, which must not stay behind where a growing vector was.
    let mut buffer = Vec::with_capacity(plain.len() + TAG);
    buffer.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    cipher(key)
        .and_then(|key| {
            key.seal_in_place_append_tag(nonce, Aad::empty(), &mut buffer)
                .ok()
        })
        .ok_or_else(failed)?;
    Ok(buffer)
}

fn decrypt(key: &[u8; 32], nonce: [u8; NONCE_LEN], bytes: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(bytes);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher(key)?
        .open_in_place(nonce, Aad::empty(), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(
        UnboundKey::new(&CHACHA20_POLY1305, key).ok()?,
    ))
}

fn damaged(why: &str) -> Error {
    let message = format!("the file is damaged: {why}");
    Error::new(Kind::Damaged, message).hint("take another copy of it")
}

fn failed() -> Error {
    Error::new(
        Kind::Io,
        "the key can't be locked or unlocked: the cryptography failed",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Quick to try.
    const QUICK: u8 = 4;

    fn text(text: &str) -> KeyText {
        Zeroizing::new(text.to_owned())
    }

    fn passphrase(words: &str) -> Passphrase {
        Passphrase::new(text(words)).unwrap()
    }

    /// What `age --passphrase --armor` (Go, 1.1.1) made of `skep\n`, with the passphrase `correct horse battery`.
    const BY_AGE: &str = "\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBQRUhWd2FOUGxYUjU4R0py
T0N3Q0xnIDE4CjBmNm1DRVNJcGZ4WWVkWGlyVisydE9kZGZLb1hFeUYvUzdCbGla
QmhkMm8KLS0tIFp4b3JtL2gyVjdNM2twb2s4eWRTYnlXMDgreTVqd3hjTzdBZUND
MUtkcTgK8Eu6n7WNUyZwFrg+BFun5eec7fzYfqLsb3hpGllT572TQzDDKQ==
-----END AGE ENCRYPTED FILE-----
";

    #[test]
    fn what_age_locked_is_opened() {
        assert_eq!(
            *open(BY_AGE.as_bytes(), &passphrase("correct horse battery")).unwrap(),
            "skep\n"
        );
    }

    #[test]
    fn what_was_locked_opens_with_the_passphrase_only() {
        let key = passphrase("correct horse battery");
        let sealed = seal(&text("secret"), &key, QUICK).unwrap();
        assert!(is_sealed(sealed.as_bytes()));
        assert!(!sealed.contains("secret"));
        assert_eq!(*open(sealed.as_bytes(), &key).unwrap(), "secret");
        let crlf = sealed.replace('\n', "\r\n");
        assert_eq!(
            *open(format!("\r\n{crlf}\r\n").as_bytes(), &key).unwrap(),
            "secret"
        );
        let other = open(sealed.as_bytes(), &passphrase("correct horse batterz"));
        assert_eq!(other.unwrap_err().kind, Kind::Passphrase);
        let again = seal(&text("secret"), &key, QUICK).unwrap();
        assert_ne!(sealed, again, "no key or nonce is used twice");
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let key = passphrase("correct horse battery");
        let sealed = seal(&text("secret"), &key, QUICK).unwrap();
        let file = armor::take_off(sealed.as_bytes()).unwrap();
        assert_eq!(*open(&file, &key).unwrap(), "secret", "without armor too");
        for i in 0..file.len() {
            let mut changed = file.clone();
            changed[i] ^= 1;
            assert!(open(&changed, &key).is_err(), "byte {i}");
            assert!(open(&file[..i], &key).is_err(), "{i} bytes");
        }
        for i in 0..sealed.trim().len() {
            assert!(
                open(&sealed.as_bytes()[..i], &key).is_err(),
                "{i} characters"
            );
        }
    }

    #[test]
    fn other_files_of_age_and_greedy_ones_are_refused() {
        let key = passphrase("correct horse battery");
        let salt = BASE64_NOPAD.encode(&[0; SALT]);
        let body = BASE64_NOPAD.encode(&[0; FILE_KEY + TAG]);
        let mac = BASE64_NOPAD.encode(&[0; 32]);
        let rest = format!("{body}\n--- {mac}\n0123456789abcdef0123456789abcdef");
        let error = |head: &str| open(format!("{head}\n{rest}").as_bytes(), &key).unwrap_err();
        for work in [21, 22, 30, 64, 200, 255] {
            let error = error(&format!("{VERSION}\n-> scrypt {salt} {work}"));
            assert!(error.message.contains("memory"), "{work}: {error}");
        }
        for work in ["0", "", "01", "+1", "-1", "256", "1 2"] {
            let error = error(&format!("{VERSION}\n-> scrypt {salt} {work}"));
            assert_eq!(error.kind, Kind::Damaged, "{work}: {error}");
        }
        let x25519 = error(&format!("{VERSION}\n-> X25519 {salt}"));
        assert!(x25519.message.contains("somebody's key"), "{x25519}");
        let version = error(&format!("age-encryption.org/v2\n-> scrypt {salt} 4"));
        assert!(version.message.contains("another version"), "{version}");
        let long = vec![b' '; MAX_FILE + 1];
        assert_eq!(open(&long, &key).unwrap_err().kind, Kind::Damaged);
    }

    #[test]
    fn an_empty_passphrase_is_none() {
        for words in ["", " ", "\t \n"] {
            assert!(Passphrase::new(text(words)).is_err());
        }
        assert!(Passphrase::new(text(&"x".repeat(Passphrase::MAX + 1))).is_err());
        assert!(passphrase("elf letters").is_short());
        assert!(!passphrase("zwölf Zeichen").is_short());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let key = passphrase("correct horse battery");
            prop_assert!(open(&bytes, &key).is_err());
            let mut file = format!("{VERSION}\n").into_bytes();
            file.extend(&bytes);
            prop_assert!(open(&file, &key).is_err());
        }
    }
}
