//! A page of Markdown that is put together piece by piece.

/// What was written so far.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// A heading; 1 is the title.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A paragraph, or any other block that is Markdown already.
    pub(super) fn block(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A table. What stands in a cell may be any text.
    pub(super) fn table<const COLUMNS: usize>(
        &mut self,
        head: [&str; COLUMNS],
        rows: impl IntoIterator<Item = [String; COLUMNS]>,
    ) {
        let line = |cells: [&str; COLUMNS]| {
            format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
        };
        let mut lines = vec![line(head), line([(); COLUMNS].map(|()| "---"))];
        lines.extend(rows.into_iter().map(|row| line(row.each_ref().map(String::as_str))));
        self.block(&lines.join("\n"));
    }

    /// The whole page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let mut page = Page::default();
        page.heading(2, "Keys");
        page.table(["name", "value"], [["a|b".to_owned(), "c".to_owned()]]);
        assert_eq!(page.finish(), "## Keys\n\n| name | value |\n| --- | --- |\n| a\\|b | c |\n");
    }
}
