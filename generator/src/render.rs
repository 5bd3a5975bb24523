//! One output path of a site as bytes.

use tera::{Map, Value};

use crate::documents::Body;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::feed;
use crate::links::{self, Base};
use crate::names::Url;
use crate::nul;
use crate::redirect;
use crate::related;
use crate::site::lists::{Kind, List};
use crate::site::page::{self, Over};
use crate::site::pager::{self, Pager};
use crate::site::targets::Around;
use crate::site::{Output, Shown, Site};
use crate::site_manifest;
use crate::sitemap;
use crate::style;
use crate::template::values::{self, put};
use crate::template::{Context, fuel};

/// The bytes of the output `path` (such as `2026/01/02/a/index.html`) of `site`. For the same
/// `site` they are always the same; a file that is copied is read now.
pub fn render(site: &Site, path: &str) -> Result<Vec<u8>, Error> {
    match site.outputs.get(path) {
        Some(output) => output_at(site, path, output),
        None => {
            let error = Error::new(
                ErrorKind::NotFound,
                format!("the site has no file '{path}'"),
            );
            Err(match did_you_mean(path, site.paths()) {
                Some(meant) => error.with_hint(format!("did you mean '{meant}'?")),
                None => error,
            })
        }
    }
}

/// The bytes of `output`, which lies behind the output `path`.
pub(crate) fn output_at(site: &Site, path: &str, output: &Output) -> Result<Vec<u8>, Error> {
    fuel::within(|| evaluate(site, path, output))
}

fn evaluate(site: &Site, path: &str, output: &Output) -> Result<Vec<u8>, Error> {
    let gone = || Error::new(ErrorKind::NotFound, format!("nothing lies behind '{path}'"));
    match output {
        Output::Page { id, part } => {
            let shown = site.shown(*id).ok_or_else(gone)?;
            let html = page(site, path, *id, shown, *part as usize)
                .map_err(|error| tell_page(error, &shown.page.source))?;
            Ok(html.into_bytes())
        }
        Output::List { index, part } => {
            let list = site.lists.get(*index as usize).ok_or_else(gone)?;
            let html = list_page(site, path, list, *part as usize)
                .map_err(|error| tell_page(error, list.url.as_str()))?;
            Ok(html.into_bytes())
        }
        Output::Redirect { id } => {
            let page = site.page(*id).ok_or_else(gone)?;
            Ok(redirect::page(site, page, path).into_bytes())
        }
        Output::File(source) => site.files.get(source).ok_or_else(gone)?.source.read(),
        Output::Style(source) => {
            style::compile(&site.files, &site.styles, source).map(String::into_bytes)
        }
        Output::Feed(index) => {
            let feed = site.feeds.get(*index as usize).ok_or_else(gone)?;
            Ok(feed::render(site, feed)?.into_bytes())
        }
        Output::Sitemap => Ok(sitemap::render(site).into_bytes()),
        Output::Robots => Ok(sitemap::robots(site).into_bytes()),
        Output::Manifest => Ok(site_manifest::render(&site.config).into_bytes()),
    }
}

/// The links of a page made relative, and what Markdown left open filled in. A page for missing paths is served
/// at any depth: only links from the root work there.
fn finish(
    site: &Site,
    html: &str,
    path: &str,
    url: &Url,
    context: &Context,
) -> Result<String, Error> {
    let is_html = path.ends_with(".html") || path.ends_with(".htm");
    // A template may have made one.
    let html = &*nul::replaced(html);
    let around = Around { site, context };
    if !is_html {
        return Ok(links::sweep(html, &around));
    }
    let fallback = site
        .config
        .web
        .as_ref()
        .and_then(|web| web.fallback.as_deref());
    let base = match path == "404.html" || fallback == Some(path) {
        true => Base::Root {
            below: site.mounted_at(),
        },
        false => Base::Page { path, url },
    };
    links::finish(html, base, &around)
}

/// Part `part` of a page out of a source.
fn page(site: &Site, path: &str, id: u32, shown: &Shown, part: usize) -> Result<String, Error> {
    let mut value = shown.value.as_map().cloned().unwrap_or_default();
    let order = match shown.page.kind {
        // Newest first: the post before this one in time comes after it in the list.
        page::Kind::Post => neighbours(site, &site.posts, id).map(|(newer, older)| (older, newer)),
        page::Kind::Document(index) => neighbours(site, &site.collections[index], id),
        page::Kind::Page => None,
    };
    let (previous, next) = order.unwrap_or_default();
    put(&mut value, "previous", previous);
    put(&mut value, "next", next);
    if site.templates.mentions("related") {
        put(&mut value, "related", related::posts(site, id, &shown.page));
    }
    let mut context = Context::new();
    context.insert_value("site", site.value.clone());
    if let Some((over, pager)) = site.paginated.get(&id) {
        let items = items_of(site, over);
        if part > 1 {
            let url = pager::url(&shown.page.url, &site.config.paginate_path, part);
            let absolute = site
                .base_url()
                .map(|base| format!("{base}{}", url.as_str()));
            put(&mut value, "url", url.as_str());
            put(&mut value, "permalink", absolute);
        }
        context.insert_value(
            "paginator",
            paginator(site, &shown.page.url, *pager, part, items),
        );
    }
    context.insert_value("page", Value::from(value));
    let content = match &shown.page.document.body {
        Body::Html(content) => content.html.clone(),
        Body::Template(_) => {
            let name = shown.page.template_name();
            Value::safe_string(&site.templates.render(&name, &context)?)
        }
    };
    let html = in_layouts(site, &shown.layouts, &mut context, content)?;
    finish(site, &html, path, &shown.page.url, &context)
}

/// What comes before and after the page `id` in `order`.
fn neighbours(site: &Site, order: &[u32], id: u32) -> Option<(Option<Value>, Option<Value>)> {
    let at = site.place_of(id)?;
    let link = |at: usize| Some(values::link(site.page(*order.get(at)?)?));
    Some((at.checked_sub(1).and_then(link), link(at + 1)))
}

fn items_of<'a>(site: &'a Site, over: &Over) -> &'a [u32] {
    match over {
        Over::Posts => &site.posts,
        Over::Collection(index) => &site.collections[*index],
        Over::Term(index, name) => {
            let term = site.taxonomies[*index].find(name);
            term.map_or(&[], |term| &term.posts)
        }
    }
}

/// Part `part` of a page that skep makes.
fn list_page(site: &Site, path: &str, list: &List, part: usize) -> Result<String, Error> {
    let url = pager::url(&list.url, &site.config.paginate_path, part);
    let mut value = values::list_page(&url, list.title.as_deref(), site.base_url());
    let items = || Value::from(site.values(&list.items));
    match list.kind {
        Kind::Home | Kind::Archive => {}
        Kind::Year(year) => {
            put(&mut value, "year", i64::from(year));
            put(&mut value, "posts", items());
        }
        Kind::Month(year, month) => {
            put(&mut value, "year", i64::from(year));
            put(&mut value, "month", i64::from(month));
            put(&mut value, "posts", items());
        }
        Kind::Terms(index) => {
            put(
                &mut value,
                "taxonomy",
                site.config.taxonomies[index].as_str(),
            );
            put(&mut value, "terms", site.terms_value(index));
        }
        Kind::Term(index, number) => {
            let taxonomy = &site.config.taxonomies[index];
            let term = site.term_value(index, number);
            // Made once for all parts of the list: of a thousand parts each would hold all of its posts again.
            let posts = term.get_from_path("posts").cloned();
            value.insert(values::term_key(taxonomy), term.clone());
            put(&mut value, "term", term);
            put(&mut value, "taxonomy", taxonomy.as_str());
            put(&mut value, "posts", posts.unwrap_or_else(Value::none));
        }
        Kind::Collection(index) => {
            put(
                &mut value,
                "collection",
                site.config.collections[index].name.as_str(),
            );
            put(&mut value, "documents", items());
        }
    }
    let mut context = Context::new();
    context.insert_value("site", site.value.clone());
    if let Some(pager) = list.pager {
        context.insert_value(
            "paginator",
            paginator(site, &list.url, pager, part, &list.items),
        );
    }
    context.insert_value("page", Value::from(value));
    let html = in_layouts(site, &list.layouts, &mut context, Value::safe_string(""))?;
    finish(site, &html, path, &url, &context)
}

/// `paginator`, with the names of Jekyll.
fn paginator(site: &Site, url: &Url, pager: Pager, part: usize, items: &[u32]) -> Value {
    let url = |part: usize| pager::url(url, &site.config.paginate_path, part);
    let parts = pager.parts();
    let mut value = Map::new();
    put(&mut value, "page", part);
    put(&mut value, "per_page", pager.per_page);
    put(&mut value, "total_posts", pager.items);
    put(&mut value, "total_pages", parts);
    let range = items.get(pager.range(part)).unwrap_or_default();
    put(&mut value, "posts", Value::from(site.values(range)));
    let previous = (part > 1).then(|| part - 1);
    let next = (part < parts).then(|| part + 1);
    put(&mut value, "previous_page", previous);
    put(
        &mut value,
        "previous_page_path",
        previous.map(|part| url(part).as_str().to_owned()),
    );
    put(&mut value, "next_page", next);
    put(
        &mut value,
        "next_page_path",
        next.map(|part| url(part).as_str().to_owned()),
    );
    put(&mut value, "first_page_path", url(1).as_str());
    put(&mut value, "last_page_path", url(parts).as_str());
    // The parts around this one: a list of a thousand would be nothing to choose from.
    let from = part.saturating_sub(2).max(1);
    let around = (from..=(part + 2).min(parts)).map(|number| {
        let mut link = Map::new();
        put(&mut link, "page", number);
        put(&mut link, "url", url(number).as_str());
        Value::from(link)
    });
    put(
        &mut value,
        "pages",
        Value::from(around.collect::<Vec<Value>>()),
    );
    Value::from(value)
}

/// `content`, and around it the layouts from the inside out.
fn in_layouts(
    site: &Site,
    layouts: &[std::sync::Arc<str>],
    context: &mut Context,
    mut content: Value,
) -> Result<String, Error> {
    let mut html = None;
    for layout in layouts {
        context.insert_value("content", content);
        context.insert_value("layout", site.templates.front_matter(layout));
        let text = site.templates.render(layout, context)?;
        content = Value::safe_string(&text);
        html = Some(text);
    }
    Ok(html.unwrap_or_else(|| content.as_str().unwrap_or_default().to_owned()))
}

/// An error in a layout does not show on its own which page it came up in.
fn tell_page(mut error: Error, name: &str) -> Error {
    let is_there = error.place.as_ref().is_some_and(|place| place.file == name);
    if !is_there {
        error.message = format!("{} (in the page {name})", error.message);
    }
    error
}
