//! Where the links of Markdown lead: other sources, pages by their names, images, components.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use tera::Map;

use super::page::Kind;
use super::{Output, Site};
use crate::error::{Error, ErrorKind};
use crate::links::{self, Base, Targets};
use crate::marks::decoded;
use crate::sources::Content;
use crate::template::{ComponentCall, Context, values};

/// What a page that is being rendered may ask of the site.
pub(crate) struct Around<'a> {
    pub(crate) site: &'a Site,
    /// What the components that the page calls may ask for.
    pub(crate) context: &'a Context,
}

/// The pages by what a wiki link may call them, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Names(OnceLock<HashMap<String, u32>>);

impl Site {
    /// The URL of what becomes of the source at `path`.
    pub(crate) fn url_of_source(&self, path: &str) -> Option<Cow<'_, str>> {
        if let Some(id) = self.ids.get(path) {
            let page = self.page(*id)?;
            return page.has_output.then_some(Cow::Borrowed(&*page.url));
        }
        let file = self.files.get(path)?;
        Some(Cow::Owned(format!("/{}", file.at.as_deref()?)))
    }

    /// The page that a wiki link calls `name`: by its title, its slug or the name of its file, in this order.
    pub(crate) fn page_called(&self, name: &str) -> Option<u32> {
        let names = self.names.0.get_or_init(|| {
            let mut pages: Vec<u32> = self.posts.clone();
            pages.extend(self.collections.iter().flatten());
            let mut others: Vec<(u32, &str)> = (0..)
                .zip(self.pages.iter())
                .filter_map(|(id, shown)| Some((id, &shown.as_ref()?.page)))
                .filter(|(_, page)| page.kind == Kind::Page && !page.from_theme)
                .map(|(id, page)| (id, &*page.source))
                .collect();
            others.sort_by_key(|(_, source)| *source);
            pages.extend(others.into_iter().map(|(id, _)| id));
            let mut names = HashMap::new();
            let kinds: [fn(&super::page::Page) -> Option<&str>; 3] = [
                |page| page.title.as_deref(),
                |page| Some(&page.slug),
                |page| {
                    let name = page.source.rsplit('/').next()?;
                    name.rsplit_once('.').map(|(stem, _)| stem)
                },
            ];
            for name_of in kinds {
                for id in &pages {
                    if let Some(page) = self.page(*id).filter(|page| page.has_output)
                        && let Some(name) = name_of(page)
                    {
                        names.entry(name.trim().to_lowercase()).or_insert(*id);
                    }
                }
            }
            names
        });
        names.get(&name.trim().to_lowercase()).copied()
    }

    /// The width and height of the image at the output `path`. Read once an image, and only as far as its head.
    fn size_of(&self, path: &str) -> Option<(u32, u32)> {
        let Output::File(source) = self.outputs.get(path)? else {
            return None;
        };
        let file = self.files.get(source)?;
        *file.size.get_or_init(|| {
            let size = match &file.source.content {
                Content::Theme(bytes) => imagesize::blob_size(bytes),
                Content::Disk { path, .. } => imagesize::size(path),
            };
            let size = size.ok()?;
            Some((
                u32::try_from(size.width).ok()?,
                u32::try_from(size.height).ok()?,
            ))
        })
    }
}

impl Targets for Around<'_> {
    fn url_of_source(&self, path: &str) -> Option<Cow<'_, str>> {
        self.site.url_of_source(path)
    }

    fn url_of_name(&self, name: &str) -> Option<Cow<'_, str>> {
        let page = self.site.page(self.site.page_called(name)?)?;
        Some(Cow::Borrowed(&*page.url))
    }

    fn image_size(&self, url: &str) -> Option<(u32, u32)> {
        self.site.size_of(decoded(url.strip_prefix('/')?)?.as_ref())
    }

    fn call(&self, path: &str, index: usize) -> Result<String, Error> {
        let missing = || Error::new(ErrorKind::Template, "this call of a component is not known");
        let id = self.site.ids.get(path).ok_or_else(missing)?;
        let page = self.site.page(*id).ok_or_else(missing)?;
        let call = page
            .content()
            .and_then(|content| content.calls.get(index))
            .ok_or_else(missing)?;
        let mut arguments = Map::new();
        for (name, value) in &call.args {
            arguments.insert(name.clone().into(), values::from_json(value));
        }
        // A body may link and call in turn; a component is to see finished HTML.
        let body = match &call.body_html {
            Some(body) => Some(links::finish(body, Base::Root, self)?),
            None => None,
        };
        let component = ComponentCall {
            name: &call.name,
            arguments: &arguments,
            around: self.context,
            body: body.as_deref(),
        };
        self.site
            .templates
            .render_component(&component)
            .map_err(|error| match error.place {
                // The error is in the call itself.
                None => self.site.at_source(error, path, call.offset),
                Some(_) => error,
            })
    }
}
