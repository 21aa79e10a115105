//! Files generated from the code: a test rewrites them and fails once, so that the difference is reviewed.

use std::{fs, path::Path};

/// Checks that the file contains exactly `text`.
#[track_caller]
pub fn golden(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let before = fs::read_to_string(&file).unwrap_or_default();
    if before != text {
        // Tests of the program for Windows run beside the sources of the others.
        let what = if cfg!(windows) {
            "is out of date; the tests on other systems rewrite it"
        } else {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            "was out of date and has been rewritten: read the difference, then run the tests again"
        };
        panic!("{path} {what}");
    }
}

/// Checks that the part of the file between `<!-- NAME -->` and `<!-- /NAME -->` is `text`.
#[track_caller]
pub fn golden_section(path: &str, name: &str, text: &str) {
    let whole = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = whole.find(&start).unwrap_or_else(|| panic!("{path} has no {start}")) + start.len();
    let to = whole.find(&end).unwrap_or_else(|| panic!("{path} has no {end}"));
    golden(path, &format!("{}{text}{}", &whole[..from], &whole[to..]));
}
