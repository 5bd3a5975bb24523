mod samples;
mod theme;

use super::*;

fn block(info: &str, code: &str) -> String {
    let mut out = String::new();
    let note = write_block(&mut out, info, code, &Highlighter::default());
    assert_eq!(note, None, "{info}");
    out
}

fn note(info: &str, code: &str) -> Option<String> {
    write_block(&mut String::new(), info, code, &Highlighter::default())
}

#[test]
fn a_block_can_be_scrolled_by_keyboard_and_has_its_language() {
    assert_eq!(
        block("text", "a\n"),
        "<pre tabindex=\"0\"><code class=\"language-text\">a\n</code></pre>\n"
    );
    assert_eq!(
        block("", "a\n"),
        "<pre tabindex=\"0\"><code>a\n</code></pre>\n"
    );
}

#[test]
fn everything_is_escaped() {
    let html = block("text title=\"<b>&\"", "<script>\"&\n");
    assert_eq!(
        html,
        "<figure class=\"code\"><figcaption>&lt;b&gt;&amp;</figcaption>\n\
         <pre tabindex=\"0\"><code class=\"language-text\">&lt;script&gt;\"&amp;\n</code></pre></figure>\n"
    );
    let mut out = String::new();
    write_block(&mut out, "x\"y>", "", &Highlighter::default());
    assert!(out.contains("class=\"language-x&quot;y&gt;\""), "{out}");
}

#[test]
fn lines_are_numbered_marked_and_hidden() {
    assert_eq!(
        block(
            "text,linenos,linenostart=9,hl_lines=2,hide_lines=3",
            "a\n\nb\nc"
        ),
        "<pre tabindex=\"0\"><code class=\"language-text\">\
         <span class=\"line\" data-line=\" 9\">a\n</span>\
         <mark class=\"line\" data-line=\"10\">\n</mark>\
         <span class=\"line\" data-line=\"12\">c</span></code></pre>\n"
    );
    assert_eq!(
        block("text {2}", "a\nb\nc\n"),
        "<pre tabindex=\"0\"><code class=\"language-text\">a\n<mark class=\"line\">b\n</mark>c\n</code></pre>\n"
    );
}

#[test]
fn numbers_stop_where_they_can_not_go_on() {
    let html = block("text,linenos,linenostart=4294967295", "a\nb\n");
    assert!(
        html.contains("data-line=\"4294967295\">a\n</span>"),
        "{html}"
    );
    assert!(
        html.contains("data-line=\"4294967296\">b\n</span>"),
        "{html}"
    );
}

#[test]
fn what_is_odd_comes_back_as_a_note() {
    assert_eq!(note("rust", "a\n"), None);
    assert_eq!(
        note("rsut {9}", "a\nb\n").unwrap(),
        "no colours for the language 'rsut'; did you mean 'rust'?; \
         line 9 is to be highlighted, but the code has 2 lines"
    );
    assert_eq!(
        note("text {0}", "a").unwrap(),
        "line 0 is to be highlighted, but the code has 1 line"
    );
    assert!(!note("\u{1b}[2J", "").unwrap().contains('\u{1b}'));
}

#[test]
fn code_can_stand_in_a_line_of_text() {
    let mut out = String::new();
    let note = write_inline(&mut out, "text", "a < b", &Highlighter::default());
    assert_eq!(
        (out.as_str(), note),
        ("<code class=\"language-text\">a &lt; b</code>", None)
    );
}
