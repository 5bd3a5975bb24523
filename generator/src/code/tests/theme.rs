//! The colours of the default theme can be read, by everybody and in both modes.

use super::super::spans::Class;

const STYLE: &str = include_str!("../../../../themes/default/assets/style.css");
const HIGHLIGHT: &str = include_str!("../../../../themes/default/assets/highlight.css");

/// The first two values of `name` in `css`: in a light room and in a dark one.
fn colours(css: &str, name: &str) -> [(f64, f64, f64); 2] {
    let found: Vec<_> = css
        .match_indices(&format!("{name}: #"))
        .take(2)
        .map(|(at, found)| {
            let hex = &css[at + found.len()..][..6];
            let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (linear(part(0)), linear(part(2)), linear(part(4)))
        })
        .collect();
    [found[0], found[1]]
}

fn linear(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.04045 {
        part / 12.92
    } else {
        ((part + 0.055) / 1.055).powf(2.4)
    }
}

/// As WCAG 2.2 defines it.
fn contrast(a: (f64, f64, f64), b: (f64, f64, f64)) -> f64 {
    let luminance = |c: (f64, f64, f64)| 0.2126 * c.0 + 0.7152 * c.1 + 0.0722 * c.2;
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_colour_of_code_can_be_read_on_its_ground() {
    let names: Vec<&str> = HIGHLIGHT
        .match_indices("--code-")
        .filter_map(|(at, _)| HIGHLIGHT[at..].split_once(": #").map(|(name, _)| name))
        .filter(|name| !name.contains([')', ' ', ';']) && *name != "--code-marked")
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        for (mode, colour) in colours(HIGHLIGHT, name).into_iter().enumerate() {
            for ground in [
                colours(STYLE, "--sunk")[mode],
                colours(HIGHLIGHT, "--code-marked")[mode],
            ] {
                let contrast = contrast(colour, ground);
                assert!(contrast >= 4.5, "{name} in mode {mode}: {contrast:.2}");
            }
        }
    }
    for mode in 0..2 {
        let (ink, marked) = (
            colours(STYLE, "--ink")[mode],
            colours(HIGHLIGHT, "--code-marked")[mode],
        );
        assert!(contrast(ink, marked) >= 4.5);
    }
}

#[test]
fn every_class_has_a_rule_and_the_sheet_is_small() {
    for class in Class::ALL.into_iter().filter_map(Class::name) {
        assert!(
            HIGHLIGHT.contains(&format!("pre .{class} "))
                || HIGHLIGHT.contains(&format!("pre .{class},")),
            "{class}"
        );
    }
    assert!(HIGHLIGHT.len() < 3000);
    for word in ["@import", "url(", "expression("] {
        assert!(!HIGHLIGHT.contains(word));
    }
}
