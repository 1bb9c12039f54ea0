//! Firewalls that tests set up.

/// Debian's own rules in a file that includes others, with one more before the log-ins that it lets in. Whoever loads it follows.
pub fn nftables(rule: &str) -> String {
    format!(
        r#"mkdir /etc/nftables.d && cat > /etc/nftables.conf <<'END'
flush ruleset
table inet filter {{
	chain input {{
		type filter hook input priority 0; policy drop;
		iif lo accept
		ct state established,related accept
		{rule}
		tcp dport 22 accept
	}}
}}
include "/etc/nftables.d/*.nft"
END
"#
    )
}
