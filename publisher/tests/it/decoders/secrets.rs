//! The forms in which a key is handed on. What a person types, or takes from a mail, is as broken as a peer's.

use data_encoding::BASE64;
use skep_publisher::{
    home::Home,
    keys::{
        self, KeyText, SigningKey,
        phrase::{self, Phrase},
        sealed::{self, Passphrase},
    },
};

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";

fn text() -> KeyText {
    let secret = secret();
    let key = secret.iter().map(|byte| format!("{byte:02x}"));
    format!(
        "# A skep site key.\nskep-secret-1:{}\n",
        key.collect::<String>()
    )
    .into()
}

fn secret() -> [u8; 32] {
    std::array::from_fn(|n| n as u8 * 7)
}

fn passphrase() -> Passphrase {
    Passphrase::new(String::from("why bees dance").into()).unwrap()
}

/// What is imported is exported as the same key.
pub(super) fn key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let dir = tempfile::tempdir().unwrap();
    let home = Home::new(dir.path());
    let Ok(site) = keys::import(&home, &text) else {
        assert!(keys::list(&home).unwrap().is_empty());
        return false;
    };
    let key = keys::load(&home, site).unwrap();
    assert_eq!(key.verifying_key().to_bytes(), site.0);
    assert_eq!(
        keys::import(&home, &keys::export(&home, site).unwrap()).unwrap(),
        site
    );
    true
}

pub(super) fn keys() -> Vec<Vec<u8>> {
    vec![text().as_bytes().to_vec()]
}

/// What is typed makes a key whose words are those that were typed.
pub(super) fn phrase(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(key) = phrase::parse(&text) else {
        return false;
    };
    let again = Phrase::of(&key).unwrap();
    let typed = phrase::words(&text).map(str::to_lowercase);
    assert!(typed.eq(again.words().map(str::to_owned)));
    true
}

pub(super) fn phrases() -> Vec<Vec<u8>> {
    let phrase = Phrase::of(&SigningKey::from_bytes(&secret())).unwrap();
    let words: Vec<&str> = phrase.words().collect();
    let numbered = words.iter().enumerate();
    let numbered: Vec<String> = numbered
        .map(|(n, word)| format!("{}. {word}", n + 1))
        .collect();
    vec![
        words.join(" ").into_bytes(),
        numbered.join("\n").into_bytes(),
    ]
}

/// What a passphrase opens is what it was made of. A file says itself how much memory it takes, up to a
/// bound that is tested elsewhere: only those that take little are tried.
pub(super) fn sealed(bytes: &[u8]) -> bool {
    if !sealed::is_sealed(bytes) || work(bytes).is_some_and(|work| work > 4) {
        return false;
    }
    match sealed::open(bytes, &passphrase()) {
        Ok(opened) => {
            assert_eq!(*opened, *text());
            true
        }
        Err(_) => false,
    }
}

/// The number at the end of the line `-> scrypt SALT NUMBER`.
fn work(file: &[u8]) -> Option<u64> {
    let file = unarmored(file).unwrap_or_else(|| file.to_vec());
    let text = String::from_utf8_lossy(&file).into_owned();
    let line = text.lines().find(|line| line.starts_with("-> scrypt "))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn unarmored(file: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(file).ok()?.trim();
    let text = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = text.split_whitespace().collect();
    BASE64.decode(base64.as_bytes()).ok()
}

pub(super) fn sealed_files() -> Vec<Vec<u8>> {
    let armored = sealed::seal(&text(), &passphrase(), 1).unwrap();
    let bytes = unarmored(armored.as_bytes()).unwrap();
    vec![armored.into_bytes(), bytes]
}
