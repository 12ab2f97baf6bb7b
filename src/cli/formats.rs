//! `formats`: what can be read and written.
//! It does not know any format; it prints their catalogue.

use super::table::wrapped;
use crate::formats::FORMATS;
use std::fmt::Write;

/// The catalogue as text.
#[must_use]
pub fn text() -> String {
    let mut text = String::from("A file's ending says its format; what lies in a folder says what the folder is.\n");
    for format in FORMATS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{} ({})", format.name, format.endings.join(", "));
        text += &wrapped(&format!("reads {}", format.reads), 2);
        text += &wrapped(&format!("writes {}", format.writes), 2);
    }
    text +=
        "\nA folder or a quoted glob ('planes/*.tif') of equal TIFF files is read as one stack, in the order of their names.\n";
    text += "Labels and images keep their dtype; a mask is 0 and 255 in TIFF and bool elsewhere.\n";
    text
}
