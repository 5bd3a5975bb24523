//! What the writing of Markdown costs, beside the bare parser and its own writer:
//! `cargo bench -p skep-generator --bench markdown`. The rounds alternate, so that both see the
//! same machine; the fastest of them counts.

#![allow(clippy::print_stdout)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use pulldown_cmark::{Options, Parser, html};
use skep_generator::markdown_html;

const ROUNDS: usize = 300;

fn main() {
    let text = post();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_SMART_PUNCTUATION
        | Options::ENABLE_MATH
        | Options::ENABLE_WIKILINKS
        | Options::ENABLE_SUPERSCRIPT
        | Options::ENABLE_SUBSCRIPT
        | Options::ENABLE_GFM;
    let bare = |options: Options| {
        let mut out = String::with_capacity(text.len() * 3 / 2);
        html::push_html(&mut out, Parser::new_ext(&text, options));
        out
    };
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(time(|| bare(Options::empty())));
        best[1] = best[1].min(time(|| bare(options)));
        best[2] = best[2].min(time(|| markdown_html(&text)));
        best[3] = best[3].min(time(|| Parser::new_ext(&text, options).count()));
    }
    let ratio = best[2].as_secs_f64() / best[1].as_secs_f64();
    println!("a post of {} bytes, best of {ROUNDS} rounds:", text.len());
    println!(
        "{:>9.1} us  pulldown-cmark, CommonMark only",
        micros(best[0])
    );
    println!(
        "{:>9.1} us  its parser alone, the same extensions",
        micros(best[3])
    );
    println!(
        "{:>9.1} us  pulldown-cmark, the same extensions",
        micros(best[1])
    );
    println!("{:>9.1} us  skep ({ratio:.2} times that)", micros(best[2]));
}

fn time<T>(work: impl Fn() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A post as the other benches have it: prose, two blocks of code, a table and a footnote.
fn post() -> String {
    let mut text = String::new();
    for section in 1..=4 {
        let _ = writeln!(text, "## Section {section} of *the* post\n");
        for sentence in 0..3 {
            let _ = writeln!(
                text,
                "The hive was \"quiet\" -- at least number {sentence} of {section} -- and the bees weren't \
                 there any more; **nobody** knew why. They'd left `honey` and a [note](https://example.org/{section}) \
                 that said: go on, we'll be back before the lime trees are in bloom, or soon after... \
                 It isn't known who had written it, and it is not likely that we'll ever learn.\n"
            );
        }
        text.push_str(
            "- one thing\n- another *thing*\n- a third, which is longer than the two before\n\n",
        );
    }
    text.push_str("```rust\nfn main() {\n    let bees = vec![1, 2, 3];\n    println!(\"{}\", bees.len());\n}\n```\n\n");
    text.push_str("```python\nfor bee in range(10):\n    print(f\"bee {bee} < 10\")\n```\n\n");
    text.push_str("| bee | hive | year |\n| --- | :-: | --: |\n");
    for row in 0..6 {
        let _ = writeln!(text, "| bee {row} | `hive` | {} |", 2000 + row);
    }
    text.push_str("\nThat is all.[^1]\n\n[^1]: Or nearly *all*.\n");
    text
}
