//! From a folder of Markdown to a website.
