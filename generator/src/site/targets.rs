//! Where the links of Markdown lead: other sources, pages by their names, images, components.

use std::collections::HashMap;
use std::sync::OnceLock;

use tera::Map;

use super::page::Kind;
use super::resolve::Target;
use super::{Output, Site};
use crate::error::{Error, ErrorKind};
use crate::images;
use crate::links::{self, Base, Targets};
use crate::names::{Url, nfc};
use crate::template::{ComponentCall, Context, values};

/// What a page that is being rendered may ask of the site.
pub(crate) struct Around<'a> {
    pub(crate) site: &'a Site,
    /// What the components that the page calls may ask for.
    pub(crate) context: &'a Context,
}

/// The pages by what a wiki link may call them.
#[derive(Debug, Default)]
pub(crate) struct Names(OnceLock<HashMap<String, u32>>);

/// `name` as names are compared: in lower case, composed (NFC).
fn key_of(name: &str) -> String {
    nfc(name.trim()).to_lowercase()
}

impl Site {
    /// The page that is called `name`: by its title, its slug or the name of its file, in this
    /// order.
    pub(super) fn page_named(&self, name: &str) -> Option<u32> {
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
                        names.entry(key_of(name)).or_insert(*id);
                    }
                }
            }
            names
        });
        names.get(&key_of(name)).copied()
    }

    /// The width and height of the image at the output `path`. Read once an image, and only as far as its head.
    fn size_of(&self, path: &str) -> Option<(u32, u32)> {
        let Output::File(source) = self.outputs.get(path)? else {
            return None;
        };
        let file = self.files.get(source)?;
        *file.size.get_or_init(|| images::size(&file.source.content))
    }
}

impl Targets for Around<'_> {
    fn url_of_source(&self, path: &str) -> Option<Url> {
        match self.site.resolve(path)? {
            Target::Page(id) => Some(self.site.page(id)?.url.clone()),
            Target::At(url) => Some(url),
            Target::Hidden(_) => None,
        }
    }

    fn url_of_name(&self, name: &str) -> Option<Url> {
        let (id, heading) = self.site.page_called(name)?;
        let url = &self.site.page(id)?.url;
        let fragment = heading.map(|heading| format!("#{heading}"));
        let fragment = fragment.as_deref().map(Url::written);
        Some(url.with_suffix(fragment.as_ref().map_or("", Url::as_str)))
    }

    fn image_size(&self, path: &str) -> Option<(u32, u32)> {
        self.site.size_of(path)
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
            Some(body) => Some(links::finish(body, Base::Root { below: "" }, self)?),
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
