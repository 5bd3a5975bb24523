//! Names as parts of URLs.

/// `name` as a part of a URL. Never empty, and different for C, C++ and C#.
pub(crate) fn slug(name: &str) -> String {
    let spelled = name.replace('+', "plus").replace('#', "sharp");
    let slug = slug::slugify(spelled);
    if !slug.is_empty() {
        return slug;
    }
    // Nothing but punctuation.
    let codes: Vec<String> = name
        .chars()
        .map(|c| format!("{:x}", u32::from(c)))
        .collect();
    if codes.is_empty() {
        return "untitled".to_owned();
    }
    codes.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_never_empty_and_tell_names_apart() {
        assert_eq!(slug("Hello, World!"), "hello-world");
        assert_eq!(slug("C"), "c");
        assert_eq!(slug("C++"), "cplusplus");
        assert_eq!(slug("C#"), "csharp");
        assert_eq!(slug("!?"), "21-3f");
        assert_eq!(slug(""), "untitled");
    }
}
