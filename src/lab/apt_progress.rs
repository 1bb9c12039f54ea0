//! Reads what `apt-get -o APT::Status-Fd=1` says, for people to see that it goes on. Pure.

/// What a line means to somebody who waits; None for lines that say nothing new.
///
/// The lines are `dlstatus:NUMBER:PERCENT:TEXT` and `pmstatus:PACKAGE:PERCENT:TEXT` (apt's README.progress-reporting);
/// `apt-get update` has none of them but prints `Get:NUMBER URL SUITE …`.
pub(super) fn read(line: &str) -> Option<String> {
    let (kind, rest) = line.split_once(':')?;
    let mut fields = rest.splitn(3, ':');
    match kind {
        "pmstatus" | "dlstatus" => {
            let (_, percent, text) = (fields.next()?, fields.next()?, fields.next()?);
            let percent: f32 = percent.parse().ok()?;
            Some(format!("{} ({percent:.0} %)", text.trim()))
        }
        "Get" => Some(format!("Fetching package lists: {}", rest.split(' ').nth(2)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_real_lines() {
        let lines = [
            "Reading package lists...",
            "Get:3 http://deb.debian.org/debian bookworm-updates InRelease [55.4 kB]",
            "dlstatus:1:20.0000:Retrieving file 1 of 4",
            "Get:1 http://deb.debian.org/debian-security bookworm-security/main amd64 openssh-server amd64 1:9.2p1-2+deb12u10 [458 kB]",
            "pmstatus:openssh-server:57.1429:Unpacking openssh-server (amd64)",
            "Setting up libwrap0:amd64 (7.6.q-32) ...",
        ];
        let told: Vec<String> = lines.iter().filter_map(|line| read(line)).collect();
        assert_eq!(
            told,
            [
                "Fetching package lists: bookworm-updates",
                "Retrieving file 1 of 4 (20 %)",
                "Fetching package lists: bookworm-security/main",
                "Unpacking openssh-server (amd64) (57 %)",
            ]
        );
    }
}
