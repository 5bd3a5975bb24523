//! Has the crate compiled again when a theme or the example site gains or loses a file: the macro that
//! embeds them only notices those that it knows.

fn main() {
    println!("cargo::rerun-if-changed=../themes");
    println!("cargo::rerun-if-changed=../example-site");
}
