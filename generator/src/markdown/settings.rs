//! How Markdown is read and written: `[markdown]` in `skep.toml`.

use pulldown_cmark::Options;
use serde::Deserialize;

/// The settings of the writer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Which Markdown it is. All other settings but `raw_html` are about skep's own.
    pub(crate) flavour: Flavour,
    /// What becomes of HTML in a text.
    pub(crate) raw_html: RawHtml,
    /// Quotes, dashes and dots as printers set them.
    pub(crate) smart_punctuation: bool,
    /// `$x$` and `$$x$$` are formulas in TeX.
    pub(crate) math: bool,
    /// `[[Name]]` is a link.
    pub(crate) wiki_links: bool,
    /// A URL or an e-mail address in a text is a link.
    pub(crate) autolinks: bool,
    /// `x^2^` is superscript and `H~2~O` subscript.
    pub(crate) sub_and_superscript: bool,
    /// A heading links to itself.
    pub(crate) heading_anchors: bool,
    /// Images but the first are fetched when they are about to be seen.
    pub(crate) lazy_images: bool,
    /// `{{ <name /> }}` and `{% <name> %} ... {% </name> %}` call components of templates.
    pub(crate) components: bool,
    /// The words that are put into the HTML, for sites in other languages.
    pub(crate) labels: Labels,
}

/// A dialect of Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flavour {
    /// CommonMark and all extensions.
    Skep,
    /// CommonMark 0.31.2, and nothing else.
    CommonMark,
}

/// What becomes of raw HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawHtml {
    /// It passes: it is the author's own.
    Keep,
    /// It is shown as text.
    Escape,
    /// It is left out; the text between its tags stays.
    Drop,
}

/// The words that the writer puts in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Labels {
    pub(crate) note: String,
    pub(crate) tip: String,
    pub(crate) important: String,
    pub(crate) warning: String,
    pub(crate) caution: String,
    /// The label of a task that is done.
    pub(crate) done: String,
    /// The label of a task that is not.
    pub(crate) to_do: String,
    /// What a table is called for those who don't see it.
    pub(crate) table: String,
    /// What the table of contents is called.
    pub(crate) contents: String,
    /// What the footnotes are called.
    pub(crate) footnotes: String,
    /// What the link from a footnote back to the text is called; its number follows.
    pub(crate) back: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flavour: Flavour::Skep,
            raw_html: RawHtml::Keep,
            smart_punctuation: true,
            math: true,
            wiki_links: true,
            autolinks: true,
            sub_and_superscript: true,
            heading_anchors: true,
            lazy_images: true,
            components: true,
            labels: Labels::default(),
        }
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            note: "Note".to_owned(),
            tip: "Tip".to_owned(),
            important: "Important".to_owned(),
            warning: "Warning".to_owned(),
            caution: "Caution".to_owned(),
            done: "done".to_owned(),
            to_do: "to do".to_owned(),
            table: "Table".to_owned(),
            contents: "Contents".to_owned(),
            footnotes: "Footnotes".to_owned(),
            back: "Back to reference".to_owned(),
        }
    }
}

impl Settings {
    /// Whether the extensions are on.
    pub(super) fn is_extended(&self) -> bool {
        self.flavour == Flavour::Skep
    }

    /// The parser's options.
    pub(super) fn options(&self) -> Options {
        if !self.is_extended() {
            return Options::empty();
        }
        let mut options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_DEFINITION_LIST
            | Options::ENABLE_GFM;
        options.set(Options::ENABLE_SMART_PUNCTUATION, self.smart_punctuation);
        options.set(Options::ENABLE_MATH, self.math);
        options.set(Options::ENABLE_WIKILINKS, self.wiki_links);
        options.set(
            Options::ENABLE_SUPERSCRIPT | Options::ENABLE_SUBSCRIPT,
            self.sub_and_superscript,
        );
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_table_of_settings() {
        let settings: Settings =
            toml::from_str("flavour = 'commonmark'\nraw_html = 'drop'\nlabels.note = 'Merke'\n")
                .unwrap();
        assert_eq!(settings.flavour, Flavour::CommonMark);
        assert_eq!(settings.raw_html, RawHtml::Drop);
        assert_eq!(settings.labels.note, "Merke");
        assert_eq!(settings.labels.tip, "Tip");
        assert_eq!(toml::from_str::<Settings>("").unwrap(), Settings::default());
        assert!(toml::from_str::<Settings>("smart_quotes = true").is_err());
        assert!(toml::from_str::<Settings>("labels.nope = ''").is_err());
    }

    #[test]
    fn the_manual_shows_every_setting_as_it_is_without_one() {
        let manual = include_str!("../../../docs/markdown.md");
        let start = manual.find("[markdown]\n").unwrap();
        let end = start + manual[start..].find("```").unwrap();
        let table: toml::Table = manual[start..end].parse().unwrap();
        let shown = &table["markdown"];
        assert_eq!(
            shown.clone().try_into::<Settings>().unwrap(),
            Settings::default()
        );
        // A setting that is left out would be its own default, so that they are counted too.
        let debug = format!("{:#?}", Settings::default());
        let fields = debug.lines().filter(|line| line.contains(": ")).count();
        let count = |value: &toml::Value| value.as_table().unwrap().len();
        assert_eq!(count(shown) + count(&shown["labels"]), fields);
    }
}
