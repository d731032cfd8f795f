//! Every source file opens by saying what it is for.

use crate::sources::Source;

/// One sentence per file that opens with anything but a comment of its language's form.
pub fn check(files: &[Source]) -> Vec<String> {
    files.iter().filter_map(fault_of).collect()
}

fn fault_of(file: &Source) -> Option<String> {
    let forms: &[&str] = match file.extension() {
        "rs" => &["//!"],
        "sol" => &["// SPDX-License-Identifier:"],
        "py" => &["\"\"\"", "#"],
        "sh" => &["#!"],
        _ => &["//", "/*", "#!"],
    };
    let opens_well = forms.iter().any(|form| file.text.starts_with(form));
    (!opens_well).then(|| {
        format!(
            "{} does not open with {}; say in its first line what the file is for",
            file.path,
            forms.join(" or ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::sources::Source;

    fn violations(path: &str, text: &str) -> usize {
        check(&[Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }])
        .len()
    }

    #[test]
    fn each_language_has_its_form() {
        for (path, text, expected) in [
            ("a.rs", "//! Says what.\n", 0),
            ("a.rs", "// Says it to nobody.\n", 1),
            ("a.rs", "use std::fmt;\n", 1),
            ("a.rs", "", 1),
            ("a.py", "\"\"\"Says what.\"\"\"\n", 0),
            ("a.py", "#!/usr/bin/env python3\n", 0),
            ("a.py", "import os\n", 1),
            ("a.sol", "// SPDX-License-Identifier: Apache-2.0\n", 0),
            ("a.sol", "pragma solidity ^0.8.0;\n", 1),
            ("a.ts", "// Says what.\n", 0),
            ("a.ts", "export {};\n", 1),
            ("a.sh", "#!/usr/bin/env bash\n", 0),
            ("a.sh", "set -e\n", 1),
        ] {
            assert_eq!(violations(path, text), expected, "{path}: {text}");
        }
    }
}
