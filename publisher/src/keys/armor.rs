//! The armor of age: bytes as lines of text, which survive mail and paper.

use data_encoding::BASE64;
use memchr::memmem;

const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;

/// `bytes` as text.
pub(super) fn put_on(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(BEGIN).into_owned();
    for (i, c) in BASE64.encode(bytes).chars().enumerate() {
        if i % COLUMNS == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text + "\n" + &String::from_utf8_lossy(END) + "\n"
}

/// Whether a text has armor in it.
pub(super) fn is_armored(text: &[u8]) -> bool {
    memmem::find(text, BEGIN).is_some()
}

/// The bytes in an armored text, whatever mail has done to its blanks and line breaks, or put around it; or why
/// there are none.
pub(super) fn take_off(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let begin = memmem::find(text, BEGIN).ok_or("its first line is missing")?;
    let file = &text[begin + BEGIN.len()..];
    let end = memmem::find(file, END).ok_or("its last line is missing")?;
    let file = &file[..end];
    let base64: Vec<u8> = file
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    BASE64
        .decode(&base64)
        .map_err(|_| "there are wrong characters in it")
}
