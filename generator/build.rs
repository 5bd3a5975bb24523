//! Has the crate compiled again when a theme or the example site gains or loses a file: the macro that
//! embeds them only notices those that it knows. And names the version of the highlighter by what
//! it is made of, so that what another one has cached is not taken for its own.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=../themes");
    println!("cargo::rerun-if-changed=../example-site");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    println!("cargo::rerun-if-changed=src/code");
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    let mut files = Vec::new();
    collect(Path::new("src/code"), &mut files)?;
    files.sort();
    for file in files {
        hash.add(file.to_string_lossy().replace('\\', "/").as_bytes());
        hash.add(&fs::read(file)?);
    }
    // The versions of the grammars. Without the workspace around it the crate can't be built.
    let lock = fs::read_to_string("../Cargo.lock")?;
    for package in lock.split("[[package]]") {
        if package.contains("name = \"arborium-") || package.contains("name = \"tree-sitter") {
            hash.add(package.as_bytes());
        }
    }
    let version = format!("{:016x}", hash.0);
    fs::write(
        Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("highlighter-version"),
        version,
    )
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// FNV-1a: it tells versions apart and needs no crate.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
