//! Builds again when a file of the page changes: the macro that includes them does not see that by itself.

fn main() {
    println!("cargo::rerun-if-changed=page/dist");
}
