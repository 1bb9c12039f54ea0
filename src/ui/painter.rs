//! Lines that stay at the bottom of a terminal while other text is printed above them. Pure: it makes the bytes, the
//! caller writes them.
//!
//! The cursor always rests at the beginning of the line below the display, so that a process that is killed leaves a
//! readable screen and a prompt in its place.

/// Knows how much of the screen is the display.
#[derive(Debug, Default)]
pub struct Painter {
    /// Lines of the display that stand on the screen.
    drawn: usize,
    /// An unfinished line (a question, half a line of a program) has the cursor: nothing may be drawn.
    held: bool,
}

impl Painter {
    /// What shows `lines` in place of the ones shown before. Each line is overwritten and only its rest is cleared, so
    /// that nothing flickers.
    pub fn draw(&mut self, lines: &[String]) -> String {
        if self.held {
            return String::new();
        }
        let mut bytes = self.up();
        for line in lines {
            bytes.push_str(line);
            bytes.push_str("\x1b[K\n");
        }
        if lines.len() < self.drawn {
            bytes.push_str("\x1b[J");
        }
        self.drawn = lines.len();
        bytes
    }

    /// What takes the display off the screen, before `text` is written there.
    pub fn aside(&mut self, text: &[u8]) -> String {
        let bytes = self.clear();
        self.held = !text.ends_with(b"\n");
        bytes
    }

    /// What takes the display off the screen.
    pub fn clear(&mut self) -> String {
        let bytes = if self.drawn > 0 { format!("{}\x1b[J", self.up()) } else { String::new() };
        self.drawn = 0;
        bytes
    }

    /// The unfinished line was ended by somebody else: by Enter at a question.
    pub fn release(&mut self) {
        self.held = false;
    }

    fn up(&self) -> String {
        if self.drawn > 0 { format!("\x1b[{}A\r", self.drawn) } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn redraws_in_place_and_clears_what_it_no_longer_needs() {
        let mut painter = Painter::default();
        assert_eq!(painter.draw(&lines(2)), "line 0\x1b[K\nline 1\x1b[K\n");
        assert_eq!(painter.draw(&lines(1)), "\x1b[2A\rline 0\x1b[K\n\x1b[J");
        assert_eq!(painter.clear(), "\x1b[1A\r\x1b[J");
        assert_eq!(painter.clear(), "");
    }

    #[test]
    fn an_unfinished_line_holds_the_display_back() {
        let mut painter = Painter::default();
        painter.draw(&lines(1));
        assert_eq!(painter.aside(b"Go ahead? "), "\x1b[1A\r\x1b[J");
        assert_eq!(painter.draw(&lines(1)), "");
        painter.release();
        assert_eq!(painter.draw(&lines(1)), "line 0\x1b[K\n");
        assert_eq!(painter.aside(b"a whole line\n"), "\x1b[1A\r\x1b[J");
        assert_eq!(painter.draw(&lines(1)), "line 0\x1b[K\n");
    }
}
