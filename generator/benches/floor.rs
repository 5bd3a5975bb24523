//! The floor under every build: read each post, turn its Markdown into HTML, fill in one template, write it. No
//! front matter, no site model, no links, no lists, nothing compared.
//!
//! `benches/build.py` runs this as a program: `floor SITE OUT`, where SITE has `_posts`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Options, Parser, html};
use rayon::prelude::*;
use tera::{Context, Tera, Value};

const TEMPLATE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
</head>
<body>
<article>
<h1>{{ title }}</h1>
{{ content }}
</article>
</body>
</html>
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let folders: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .filter(|argument| !argument.as_os_str().as_encoded_bytes().starts_with(b"--"))
        .collect();
    // `cargo test --benches` runs this too, without folders.
    let [site, out] = folders.as_slice() else {
        return Ok(());
    };
    let mut tera = Tera::new();
    tera.add_raw_template("post.html", TEMPLATE)?;
    let posts: Vec<PathBuf> = fs::read_dir(site.join("_posts"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    fs::create_dir_all(out.join("posts"))?;
    posts
        .par_iter()
        .try_for_each(|post| page(&tera, post, out).map_err(|error| error.to_string()))?;
    Ok(())
}

fn page(tera: &Tera, post: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(post)?;
    let title = text
        .lines()
        .find_map(|line| line.strip_prefix("title: "))
        .unwrap_or_default();
    let body = text.splitn(3, "---\n").nth(2).unwrap_or(&text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    let mut content = String::with_capacity(body.len() * 3 / 2);
    html::push_html(&mut content, Parser::new_ext(body, options));
    let mut context = Context::new();
    context.insert_value("title", Value::from(title));
    context.insert_value("content", Value::safe_string(&content));
    let page = tera.render("post.html", &context)?;
    let folder = out.join("posts").join(post.file_stem().unwrap_or_default());
    fs::create_dir(&folder)?;
    fs::write(folder.join("index.html"), page)?;
    Ok(())
}
