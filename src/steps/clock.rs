//! Whose clock is wrong? What most of them show is right; the operator's is one of them, and only breaks a tie.
//!
//! A few seconds harm nobody. With minutes, `make` and caches take the old for the new, and certificates are not valid yet.

/// Seconds that clocks may differ.
const TOLERANCE: i64 = 60;

/// What the clocks of the nodes show for right, each and the answer as seconds ahead of the operator's; none of none.
pub fn reference(ahead: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    median(ahead.flatten().collect())
}

/// An odd number has a middle. An even one is made odd by the operator's own clock.
fn median(mut ahead: Vec<i64>) -> Option<i64> {
    if ahead.is_empty() {
        return None;
    }
    if ahead.len().is_multiple_of(2) {
        ahead.push(0);
    }
    ahead.sort_unstable();
    ahead.get(ahead.len() / 2).copied()
}

/// What is wrong with a node's clock; nothing up to a minute.
pub fn of_node(ahead: Option<i64>, reference: Option<i64>) -> Option<String> {
    Some(format!("its clock is {} the clocks of the other nodes", off(ahead? - reference?)?))
}

/// What is wrong with the operator's own clock.
pub fn of_operator(reference: i64) -> Option<String> {
    let off = off(-reference)?;
    Some(format!("this computer's clock is {off} those of the nodes; to set it: `sudo timedatectl set-ntp true`"))
}

/// `3 h 2 min behind`
fn off(seconds: i64) -> Option<String> {
    if seconds.abs() <= TOLERANCE {
        return None;
    }
    let way = if seconds < 0 { "behind" } else { "ahead of" };
    Some(format!("{} {way}", span(seconds.unsigned_abs())))
}

fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_clocks_are_right_and_the_operators_breaks_a_tie() {
        assert_eq!(median(vec![0, -10_920, 1]), Some(0));
        assert_eq!(median(vec![0, -10_920]), Some(0));
        assert_eq!(median(vec![5000, 5001]), Some(5000), "the operator's is the wrong one");
        assert_eq!(median(vec![5000]), Some(5000));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn says_how_far_and_which_way() {
        assert_eq!(off(-10_921).unwrap(), "3 h 2 min behind");
        assert_eq!(off(61).unwrap(), "1 min 1 s ahead of");
        assert_eq!(off(90_000).unwrap(), "1 d 1 h ahead of");
        assert_eq!(off(60), None);
        assert!(of_operator(-5).is_none());
        assert_eq!(
            of_operator(10_920).unwrap(),
            "this computer's clock is 3 h 2 min behind those of the nodes; to set it: `sudo timedatectl set-ntp true`"
        );
    }
}
