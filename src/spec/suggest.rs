//! Which known word was meant.

/// The candidate nearest to `word`, if it is near enough to be a slip of the keyboard: at most a third of the word's
/// letters away, swaps of neighbours counted once.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other
/// (optimal string alignment distance).
fn distance(from: &str, to: &str) -> usize {
    // Only short words are worth a suggestion, and a hostile file must not buy quadratic time.
    if from.len() > 64 || to.len() > 64 {
        return usize::MAX;
    }
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let keys = ["flavour", "source"];
        assert_eq!(nearest("flavor", keys), Some("flavour"));
        assert_eq!(nearest("Source", keys), Some("source"));
        assert_eq!(nearest("sorce", keys), Some("source"));
        assert_eq!(nearest("soucre", keys), Some("source"));
        assert_eq!(nearest("version", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest("nsf", ["nfs", "sync", "existing"]), Some("nfs"));
        assert_eq!(nearest(&"x".repeat(100_000), keys), None);
    }
}
