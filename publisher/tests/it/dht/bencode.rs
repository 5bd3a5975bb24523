//! Bencode, as far as the DHT needs it.

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Dict(Dict),
}

pub(super) type Dict = BTreeMap<Vec<u8>, Value>;

impl Value {
    pub(super) fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let put = |out: &mut Vec<u8>, bytes: &[u8]| {
            out.extend(format!("{}:", bytes.len()).into_bytes());
            out.extend(bytes);
        };
        match self {
            Self::Integer(n) => out.extend(format!("i{n}e").into_bytes()),
            Self::Bytes(bytes) => put(out, bytes),
            Self::List(values) => {
                out.push(b'l');
                values.iter().for_each(|value| value.write(out));
                out.push(b'e');
            }
            Self::Dict(dict) => {
                out.push(b'd');
                for (key, value) in dict {
                    put(out, key);
                    value.write(out);
                }
                out.push(b'e');
            }
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self::read(bytes)?.0)
    }

    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = bytes.split_first()?;
        match first {
            b'i' => {
                let end = rest.iter().position(|byte| *byte == b'e')?;
                let number = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
                Some((Self::Integer(number), &rest[end + 1..]))
            }
            b'l' => {
                let (mut rest, mut values) = (rest, Vec::new());
                while *rest.first()? != b'e' {
                    let (value, after) = Self::read(rest)?;
                    values.push(value);
                    rest = after;
                }
                Some((Self::List(values), &rest[1..]))
            }
            b'd' => {
                let (mut rest, mut dict) = (rest, Dict::new());
                while *rest.first()? != b'e' {
                    let (Self::Bytes(key), after) = Self::read(rest)? else {
                        return None;
                    };
                    let (value, after) = Self::read(after)?;
                    dict.insert(key, value);
                    rest = after;
                }
                Some((Self::Dict(dict), &rest[1..]))
            }
            _ => {
                let colon = bytes.iter().position(|byte| *byte == b':')?;
                let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
                let rest = &bytes[colon + 1..];
                Some((Self::bytes(rest.get(..length)?), &rest[length..]))
            }
        }
    }
}
