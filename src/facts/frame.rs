//! The frames of `gather.sh`: `== NAME BYTES`, a newline, that many bytes, a newline. Names may hold spaces.

use crate::error::{Error, Result};

/// Name and content of every frame, in order. An output that was cut off is an error, never a shorter list.
pub fn frames(output: &[u8]) -> Result<Vec<(String, String)>> {
    let mut rest = output;
    let mut found = Vec::new();
    loop {
        let cut_off =
            || Error::failed("what the node reported was cut off").hinted("Try again; `-v` shows the commands.");
        let line_end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(cut_off)?;
        let head = String::from_utf8_lossy(&rest[..line_end]).into_owned();
        let (name, size) = head.strip_prefix("== ").and_then(|head| head.rsplit_once(' ')).ok_or_else(cut_off)?;
        let size: usize = size.parse().map_err(|_| cut_off())?;
        let content_end = (line_end + 1).checked_add(size).ok_or_else(cut_off)?;
        let content = rest.get(line_end + 1..content_end).ok_or_else(cut_off)?;
        found.push((name.to_owned(), String::from_utf8_lossy(content).into_owned()));
        if name == "end" {
            return Ok(found);
        }
        rest = rest.get(content_end + 1..).ok_or_else(cut_off)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_may_look_like_a_frame() {
        let output = "== os 11\n== end 0\nab\n== file 644 root /etc/a b 3\nñ\n\n== end 0\n\n";
        let found = frames(output.as_bytes()).unwrap();
        assert_eq!(found[0], ("os".into(), "== end 0\nab".into()));
        assert_eq!(found[1], ("file 644 root /etc/a b".into(), "ñ\n".into()));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_cut_off_report_is_an_error() {
        for output in
            ["", "== os 5\nab", "== os 2\nab\n", "== os 2\nab\n== end", "== os x\n", "== os 18446744073709551615\nab\n"]
        {
            assert!(frames(output.as_bytes()).is_err(), "{output:?}");
        }
    }
}
