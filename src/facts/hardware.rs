//! Cores, memory and disks.

/// MiB in a `MemTotal:  16314456 kB` line of `/proc/meminfo`; 0 when it cannot be read.
pub fn memory_mib(line: &str) -> u64 {
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The fourth column of a line of `df -Pk`.
pub fn free_kib(line: &str) -> Option<u64> {
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The processor's name among sorted lines of `/proc/cpuinfo`; empty on machines that do not tell (ARM).
pub fn cpu(text: &str) -> String {
    text.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_proc() {
        assert_eq!(memory_mib("MemTotal:       24662236 kB"), 24084);
        assert_eq!(memory_mib(""), 0);
        assert_eq!(free_kib("overlay              61255492  34567890  23543210      60% /"), Some(23_543_210));
        assert_eq!(free_kib(""), None);
        assert_eq!(
            cpu("core id\t\t: 0\nmodel name\t: Intel(R) Xeon(R)  CPU @ 2.60GHz\n"),
            "Intel(R) Xeon(R) CPU @ 2.60GHz"
        );
    }
}
