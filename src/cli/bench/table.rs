//! Tables in Markdown whose columns stand under one another in a terminal too, and numbers as short as they can be read.
//! It does not know what is in them.

/// A table: the first column begins at the left, numbers end at the right.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |k: usize| rows.iter().filter_map(move |row| row.get(k));
    let is_number = |cell: &String| cell.chars().next().is_some_and(|c| c.is_ascii_digit() || c == '-' || c == '<');
    let columns: Vec<(usize, bool)> = (0..head.len())
        .map(|k| {
            let width = cells(k).map(|cell| cell.chars().count()).max().unwrap_or(0).max(head[k].chars().count()).max(3);
            (width, k > 0 && cells(k).next().is_some() && cells(k).all(is_number))
        })
        .collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let padded = columns.iter().enumerate().map(|(k, (width, right))| {
            if *right { format!(" {:>width$} |", cell(k)) } else { format!(" {:<width$} |", cell(k)) }
        });
        format!("|{}\n", padded.collect::<String>())
    };
    let rule = columns.iter().map(|(width, right)| {
        let dashes = "-".repeat(width - usize::from(*right));
        format!(" {dashes}{} |", if *right { ":" } else { "" })
    });
    let mut text = line(&|k| head[k].to_owned());
    text += &format!("|{}\n", rule.collect::<String>());
    rows.iter().for_each(|row| text += &line(&|k| row.get(k).cloned().unwrap_or_default()));
    text
}

/// A number in three digits or more; what is below a millionth, only that it is.
#[must_use]
pub fn digits(number: f64) -> String {
    let decimals = match number.abs() {
        0.0 => return "0".to_owned(),
        n if n >= 100.0 => 0,
        n if n < 1e-6 => return "<0.000001".to_owned(),
        // Three digits from the first one that is not 0 on.
        n => (2.0 - n.log10().floor()).clamp(0.0, 7.0) as usize,
    };
    format!("{number:.decimals$}")
}

/// The same where there may be none.
#[must_use]
pub fn digits_or_none(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_end_at_the_right() {
        let rows = [
            vec!["sum".to_owned(), digits(1234.5), "equal".to_owned()],
            vec!["gaussian".to_owned(), digits(0.51234), "-".to_owned()],
        ];
        let wanted = "| op       | Gpx/s | answer |\n\
                      | -------- | ----: | ------ |\n\
                      | sum      |  1234 | equal  |\n\
                      | gaussian | 0.512 | -      |\n";
        assert_eq!(table(&["op", "Gpx/s", "answer"], &rows), wanted);
        let found = [0.0, 1e-7, 0.001_234, 0.0123, 1.239, 12.0, 99.94, 1234.5].map(digits);
        assert_eq!(found, ["0", "<0.000001", "0.00123", "0.0123", "1.24", "12.0", "99.9", "1234"]);
        assert_eq!(digits_or_none(None), "-");
    }
}
