//! Sizes and times as a person says them: two or three digits and a unit.

use std::time::Duration;

/// Bytes in powers of 1000, as disks and networks count: `34 MB`.
pub fn bytes(count: u64) -> String {
    scaled(count, 1000, ["B", "kB", "MB", "GB", "TB", "PB"])
}

/// Bytes in powers of 1024, as memory counts: `7.8 GiB`.
pub fn memory(count: u64) -> String {
    scaled(count, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// `850 µs`, `12 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`.
pub fn duration(time: Duration) -> String {
    let (seconds, micros) = (time.as_secs_f64(), time.as_micros());
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        // Rounding must not say `60.0 s`.
        1_000_000..59_950_000 => format!("{seconds:.1} s"),
        _ => {
            let seconds = seconds.round() as u64;
            match seconds {
                0..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
                _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
            }
        }
    }
}

/// One digit behind the point below ten, none above.
fn scaled(count: u64, base: u64, units: [&str; 6]) -> String {
    if count < base {
        return format!("{count} {}", units[0]);
    }
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be rounded to four digits.
    while value >= base as f64 - 0.5 && unit + 1 < units.len() {
        value /= base as f64;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", units[unit]) } else { format!("{value:.0} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let said: Vec<String> =
            [0, 999, 1_000, 9_949, 9_950, 34_000_000, 999_600_000, 1_500_000_000_000].map(bytes).into();
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "34 MB", "1.0 GB", "1.5 TB"]);
        assert_eq!(memory(8 * 1024 * 1024 * 1024), "8.0 GiB");
        assert_eq!(memory(1023), "1023 B");
        assert_eq!(bytes(u64::MAX), "18447 PB");
    }

    #[test]
    fn times() {
        let said: Vec<String> =
            [0, 850, 12_999, 1_234_000, 59_960_000, 125_000_000, 3_599_600_000, 3_780_000_000, 90_000_000_000]
                .map(|micros| duration(Duration::from_micros(micros)))
                .into();
        assert_eq!(
            said,
            ["0 µs", "850 µs", "12 ms", "1.2 s", "1 min 0 s", "2 min 5 s", "1 h 0 min", "1 h 3 min", "25 h 0 min"]
        );
    }
}
