//! The steps of the demo. Each is checked before the next.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::child::{self, Running};
use crate::{
    context::Context,
    error::{CliError, Result},
    output::{GREEN, bytes},
};

/// What is left running after the last step.
pub(super) struct Demo {
    pub(super) site: PathBuf,
    pub(super) address: String,
    pub(super) preview_url: String,
    pub(super) mirror_url: String,
    pub(super) gateway_url: String,
    /// How many bytes the host received for the first and the second version.
    pub(super) received: [u64; 2],
    _host: Running,
    _preview: Running,
}

pub(super) fn run(ctx: &Context, folder: &Path) -> Result<Demo> {
    let done = |text: String| ctx.out.say(format!("{GREEN}✓{GREEN:#} {text}"));
    let (author, host, reader) = (
        folder.join("author"),
        folder.join("host"),
        folder.join("reader"),
    );
    let (site, built) = (folder.join("site"), folder.join("built"));
    let (site_arg, built_arg) = (text(&site)?, text(&built)?);

    let new = child::run(&author, &["new", "--example", site_arg])?;
    let address = field(&new, "address")?;
    done(format!(
        "copied the example site and minted a key: {address}"
    ));

    let build = child::run(&author, &["build", site_arg, "-o", built_arg])?;
    done(format!(
        "built {} files, {}",
        build["files"],
        bytes(number(&build, "bytes")?)
    ));

    let publish = [
        "publish",
        site_arg,
        "--yes",
        "-m",
        "The first version",
        "--wait",
        "0",
    ];
    let first = child::run(&author, &publish)?;
    expect(first["version"] == 1, "the first publish makes version 1")?;
    done(format!(
        "published version 1: {} in the archive, signed, on this machine only",
        bytes(number(&first, "added_bytes")?)
    ));

    let running = child::start(
        &host,
        &[
            "host",
            "--pin",
            &address,
            "--port",
            "0",
            "--gateway-port",
            "0",
        ],
    )?;
    let ready = running.event("ready")?;
    let (ticket, mirror_url) = (field(&ready, "ticket")?, field(&ready, "mirror")?);
    done("started a host in a process of its own, which pins that address".into());

    let told = child::run(
        &author,
        &[
            "publish", site_arg, "--yes", "--peer", &ticket, "--wait", "1",
        ],
    )?;
    expect(
        told["changed"] == false,
        "publishing unchanged files makes no version",
    )?;
    let first_received = received(&told)?;
    let same = compare(&built, &mirror_url)?;
    done(format!(
        "the host fetched version 1 over iroh ({} on the wire) and says, signed, that it keeps it; its mirror \
         serves all {same} files byte for byte",
        bytes(first_received)
    ));

    let post = edit(&site)?;
    child::run(&author, &["build", site_arg, "-o", built_arg])?;
    let publish = [
        "publish",
        site_arg,
        "--yes",
        "-m",
        "One more sentence",
        "--peer",
        &ticket,
        "--wait",
        "1",
    ];
    let second = child::run(&author, &publish)?;
    expect(second["version"] == 2, "the second publish makes version 2")?;
    let second_received = received(&second)?;
    compare(&built, &mirror_url)?;
    done(format!(
        "edited {post} and published version 2: {} of its pages changed",
        second["modified"]
    ));
    done(format!(
        "the host has version 2 and received {} for it; its mirror serves the new bytes",
        bytes(second_received)
    ));

    let copy = folder.join("copy");
    child::run(
        &reader,
        &["clone", &address, text(&copy)?, "--peer", &ticket],
    )?;
    expect(
        files(&copy)? == files(&built)?,
        "a clone has the files that the author built",
    )?;
    done("a reader cloned it from the host, byte for byte, with the author away".into());

    let preview = child::start(&author, &["serve", site_arg, "--port", "0"])?;
    let preview_url = field(&preview.event("ready")?, "url")?;
    expect(get(&preview_url)?.starts_with(b"<!"), "the preview answers")?;
    done("the live preview is up".into());
    Ok(Demo {
        site,
        address,
        preview_url,
        mirror_url,
        gateway_url: field(&ready, "gateway")?,
        received: [first_received, second_received],
        _host: running,
        _preview: preview,
    })
}

/// Adds a sentence to the newest post, as a writer would, and returns its name.
fn edit(site: &Path) -> Result<String> {
    let posts = site.join("_posts");
    let newest = files(&posts)?.into_iter().next_back();
    let (name, content) = newest.ok_or_else(|| broken("the example site has no posts"))?;
    let edited = [&content[..], b"\nA sentence that the demo added.\n"].concat();
    fs::write(posts.join(&name), edited).map_err(|e| broken(&format!("can't edit {name}: {e}")))?;
    Ok(name)
}

/// Checks that the mirror serves every file as it was built, and returns how many there are.
fn compare(built: &Path, mirror: &str) -> Result<usize> {
    let files = files(built)?;
    for (path, content) in &files {
        let served = get(&format!("{mirror}{path}"))?;
        expect(
            &served == content,
            &format!("the mirror serves {path} as it was built"),
        )?;
    }
    Ok(files.len())
}

/// Every file below a folder, by its path from there, in order.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let failed =
        |path: &Path, e: std::io::Error| broken(&format!("can't read {}: {e}", path.display()));
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(&dir).map_err(|e| failed(&dir, e))? {
            let path = entry.map_err(|e| failed(&dir, e))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name: Vec<_> = path.strip_prefix(folder).unwrap_or(&path).iter().collect();
            let name: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            let content = fs::read(&path).map_err(|e| failed(&path, e))?;
            found.push((name.join("/"), content));
        }
    }
    found.sort();
    Ok(found)
}

fn get(url: &str) -> Result<Vec<u8>> {
    // Straight to this machine, whatever proxy the environment names.
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let failed = |e: ureq::Error| broken(&format!("can't get {url}: {e}"));
    let mut response = agent.get(url).call().map_err(failed)?;
    response.body_mut().read_to_vec().map_err(failed)
}

fn received(publish: &Value) -> Result<u64> {
    expect(
        publish["holders"].as_array().is_some_and(|h| h.len() == 1),
        "the host confirms",
    )?;
    number(&publish["holders"][0], "received")
}

fn field(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .ok_or_else(|| broken(&format!("no {name:?} in {value}")))?
        .to_owned())
}

fn number(value: &Value, name: &str) -> Result<u64> {
    value[name]
        .as_u64()
        .ok_or_else(|| broken(&format!("no {name:?} in {value}")))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| broken("the temporary folder's name is not UTF-8"))
}

fn expect(ok: bool, what: &str) -> Result<()> {
    if ok {
        Ok(())
    } else {
        Err(broken(&format!("this does not hold: {what}")))
    }
}

fn broken(why: &str) -> CliError {
    CliError::failed("demo", format!("the demo failed: {why}"))
        .hint("please report this, with the output of `skep demo --once`")
}
