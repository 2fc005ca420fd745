//! The program `facenet`.
fn main() {}
