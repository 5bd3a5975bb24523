//! Formulas in TeX as MathML.

use std::sync::LazyLock;
use std::thread;

use math_core::{LatexToMathML, MathDisplay};

/// A formula has no more bytes.
const MAX_LEN: usize = 32 * 1024;
/// A formula has no more commands and braces.
const MAX_NESTING: usize = 4096;
/// So many of them can lie inside of each other on the stack of any thread.
const SHALLOW: usize = 256;
/// The parser calls itself for each: up to 1.5 KiB a call in a debug build.
const STACK: usize = 64 << 20;

/// What is wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MathError {
    /// Where, in bytes of the formula.
    pub(super) offset: usize,
    pub(super) message: String,
}

/// The MathML of `tex`. The numbers of its equations begin with 1.
pub(super) fn mathml(tex: &str, is_display: bool) -> Result<String, MathError> {
    let may_nest = |byte: &&u8| matches!(**byte, b'{' | b'[' | b'\\');
    let nesting = tex.as_bytes().iter().filter(may_nest).count();
    if tex.len() > MAX_LEN || nesting > MAX_NESTING {
        return Err(MathError {
            offset: 0,
            message: "it is too long".to_owned(),
        });
    }
    if nesting <= SHALLOW {
        return convert(tex, is_display);
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        let handle = thread.spawn_scoped(scope, || convert(tex, is_display));
        let done = handle.map(thread::ScopedJoinHandle::join);
        done.ok().and_then(Result::ok).unwrap_or_else(|| {
            Err(MathError {
                offset: 0,
                message: "it is too deeply nested".to_owned(),
            })
        })
    })
}

fn convert(tex: &str, is_display: bool) -> Result<String, MathError> {
    static CONVERTER: LazyLock<LatexToMathML> = LazyLock::new(LatexToMathML::default);
    let display = if is_display {
        MathDisplay::Block
    } else {
        MathDisplay::Inline
    };
    match CONVERTER.convert_with_local_state(tex, display) {
        Ok(converted) => Ok(converted.mathml),
        Err(error) => Err(MathError {
            offset: tex.floor_char_boundary(error.0.start),
            message: lower_first(error.error_message().trim_end_matches('.')),
        }),
    }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_become_mathml() {
        assert_eq!(
            mathml("x^2", false).unwrap(),
            "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
        );
        let block = mathml("a < b", true).unwrap();
        assert!(block.starts_with("<math display=\"block\">") && block.contains("&lt;"));
        let error = mathml("1 + \\frc{2}", false).unwrap_err();
        assert_eq!(error.offset, 4);
        assert!(error.message.contains("frc"), "{}", error.message);
    }

    #[test]
    fn a_deep_formula_takes_no_more_stack_than_there_is() {
        for (open, close) in [
            ("{", "}"),
            ("\\left(", "\\right)"),
            ("\\frac", ""),
            ("\\not", "="),
            ("\\sqrt[", "]"),
        ] {
            for depth in [
                SHALLOW - 1,
                SHALLOW,
                MAX_NESTING / 2,
                MAX_NESTING + 1,
                100_000,
            ] {
                let tex = format!("{}x{}", open.repeat(depth), close.repeat(depth));
                let _ = mathml(&tex, false);
            }
        }
    }

    proptest! {
        #[test]
        fn any_formula_is_read_or_refused(
            tex in "([a-z0-9{}\\[\\]()_^&'|.=+<> \n\u{e9}%#$~-]|\\\\[a-z]+|\\\\(frac|left|right|begin\\{(align|matrix|cases)\\}|end\\{(align|matrix|cases)\\}|sqrt|text|not|over|color|hat|mathbf|middle|limits|sum|\\\\|operatorname)){0,30}"
        ) {
            let _ = mathml(&tex, true);
        }
    }
}
