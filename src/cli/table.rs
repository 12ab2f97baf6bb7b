//! Text in columns, and text in lines that are not too long.
//! It does not know what is in them.

/// The widest line that is printed where a terminal's width does not matter.
const WIDTH: usize = 100;

/// Rows of cells, each column as wide as its widest cell; two spaces between columns and before the first.
#[must_use]
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |k: usize| rows.iter().filter_map(|row| row.get(k)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}"));
        text += cells.collect::<String>().trim_end();
        text.push('\n');
    }
    text
}

/// Words in lines of at most [`WIDTH`] characters, each behind `margin` spaces.
#[must_use]
pub fn wrapped(words: &str, margin: usize) -> String {
    let mut text = String::new();
    let mut line = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if line > 0 && line + 1 + length <= WIDTH {
            text.push(' ');
            line += 1 + length;
        } else {
            if line > 0 {
                text.push('\n');
            }
            text += &" ".repeat(margin);
            line = margin + length;
        }
        text += word;
    }
    text.push('\n');
    text
}
