//! Canonical binary encoding: the one way in which every record is written.
//!
//! Integers are unsigned LEB128 in their shortest form, byte strings carry their length, and a record
//! ends where its bytes end. A value has exactly one encoding, so equal records have equal hashes.

use thiserror::Error;

/// Why bytes are not the record that they should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a valid {what}: {problem}")]
pub struct DecodeError {
    /// The record that was expected, such as `head`.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an encoded record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The bytes end before the record does.
    #[error("it ends too early")]
    Truncated,
    /// The record ends before the bytes do.
    #[error("bytes are left over after its end")]
    TrailingBytes,
    /// The record is of a format version that this program does not know.
    #[error("its format version is {0}, which this skep does not know; a newer skep may")]
    UnknownVersion(u8),
    /// An integer is not in its shortest form, or does not fit.
    #[error("an integer is not in its canonical form")]
    BadInteger,
    /// A length or count is over the bound that the format sets.
    #[error("{field} is {value}, over the bound of {bound}")]
    OverBound {
        /// The field.
        field: &'static str,
        /// What it says.
        value: u64,
        /// What the format allows.
        bound: u64,
    },
    /// A field holds something that the format does not allow.
    #[error("{0}")]
    Invalid(&'static str),
}

impl DecodeError {
    /// An error about a field that holds what it must not.
    pub const fn invalid(what: &'static str, why: &'static str) -> Self {
        Self {
            what,
            problem: Problem::Invalid(why),
        }
    }
}

/// Appends `value` as unsigned LEB128 in its shortest form.
pub fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the length of `bytes` and then `bytes`.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads a record from front to back; every method fails rather than read past the end.
#[derive(Debug)]
pub struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which should be one `what`.
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// The error `problem`, about this record.
    pub fn error(&self, problem: Problem) -> DecodeError {
        DecodeError {
            what: self.what,
            problem,
        }
    }

    /// Fails unless `ok`, saying `why`.
    pub fn ensure(&self, ok: bool, why: &'static str) -> Result<(), DecodeError> {
        if ok {
            Ok(())
        } else {
            Err(self.error(Problem::Invalid(why)))
        }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.error(Problem::Truncated)),
        }
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(self.error(Problem::Truncated)),
        }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    /// The format version, which must be `known`.
    pub fn version(&mut self, known: u8) -> Result<(), DecodeError> {
        match self.byte()? {
            version if version == known => Ok(()),
            version => Err(self.error(Problem::UnknownVersion(version))),
        }
    }

    /// An integer in its shortest form.
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only; a last byte of zero
            // would be a second way to write a shorter number.
            if (shift == 63 && bits > 1) || (byte == 0 && shift > 0) {
                return Err(self.error(Problem::BadInteger));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(Problem::BadInteger))
    }

    /// An integer that is at most `bound`.
    pub fn uint_at_most(&mut self, field: &'static str, bound: u64) -> Result<u64, DecodeError> {
        let value = self.uint()?;
        if value > bound {
            return Err(self.error(Problem::OverBound {
                field,
                value,
                bound,
            }));
        }
        Ok(value)
    }

    /// How many elements follow, when each takes at least `least` bytes: at most `bound`, and no more
    /// than there are bytes for. Whoever allocates by this number allocates no more than was received.
    pub fn count(
        &mut self,
        field: &'static str,
        bound: usize,
        least: usize,
    ) -> Result<usize, DecodeError> {
        let count = self.uint_at_most(field, bound as u64)? as usize;
        if count.saturating_mul(least) > self.rest.len() {
            return Err(self.error(Problem::Truncated));
        }
        Ok(count)
    }

    /// A byte string of at most `bound` bytes.
    pub fn bytes(&mut self, field: &'static str, bound: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.uint_at_most(field, bound as u64)? as usize;
        self.take(length)
    }

    /// A UTF-8 string of at most `bound` bytes.
    pub fn text(&mut self, field: &'static str, bound: usize) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes(field, bound)?;
        std::str::from_utf8(bytes).map_err(|_| self.error(Problem::Invalid("text is not UTF-8")))
    }

    /// Fails if anything is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error(Problem::TrailingBytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_survive_and_have_one_encoding(value: u64) {
            let mut bytes = Vec::new();
            put_uint(&mut bytes, value);
            let mut reader = Reader::new("test", &bytes);
            prop_assert_eq!(reader.uint().unwrap(), value);
            reader.finish().unwrap();
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new("test", &bytes);
            if let Ok(value) = reader.uint() {
                let mut again = Vec::new();
                put_uint(&mut again, value);
                prop_assert_eq!(&again[..], &bytes[..again.len()]);
            }
        }
    }

    #[test]
    fn long_forms_and_overflow_are_refused() {
        for bytes in [&[0x80, 0x00][..], &[0xff; 10], &[0x80; 11]] {
            let error = Reader::new("test", bytes).uint().unwrap_err();
            assert_eq!(error.problem, Problem::BadInteger, "{bytes:?}");
        }
    }

    #[test]
    fn a_count_never_exceeds_the_bytes_that_are_there() {
        let mut bytes = Vec::new();
        put_uint(&mut bytes, 1000);
        bytes.extend([0; 100]);
        let error = Reader::new("test", &bytes).count("n", 5000, 1).unwrap_err();
        assert_eq!(error.problem, Problem::Truncated);
    }
}
