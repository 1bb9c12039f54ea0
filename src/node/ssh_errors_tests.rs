//! Standard error of OpenSSH 9.2 (Debian 12), pasted; other versions where named.

use super::*;

const CHANGED: &str = r#"@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:pqjLA6RP7D7ZcKXoNVFMmeo2y2t5eHBrl48SsuR8ep4.
Please contact your system administrator.
Add correct host key in /home/ana/.ssh/known_hosts to get rid of this message.
Offending ED25519 key in /home/ana/.ssh/known_hosts:1
  remove with:
  ssh-keygen -f "/home/ana/.ssh/known_hosts" -R "[127.0.0.1]:22701"
Host key for [127.0.0.1]:22701 has changed and you have requested strict checking.
Host key verification failed.
"#;

#[test]
fn tells_the_causes_apart() {
    let cases = [
        (CHANGED, Cause::HostKeyChanged),
        ("Host key verification failed.\n", Cause::HostKeyUnknown),
        ("ssh: connect to host 127.0.0.1 port 22702: Connection refused\n", Cause::Refused),
        ("ssh: connect to host 10.255.255.1 port 22: Connection timed out\n", Cause::TimedOut),
        (
            "Connection timed out during banner exchange\nConnection to 10.255.255.1 port 22 timed out\n",
            Cause::TimedOut,
        ),
        ("ssh: connect to host 10.0.0.9 port 22: No route to host\n", Cause::NoRoute),
        ("ssh: connect to host 2001:db8::1 port 22: Network is unreachable\n", Cause::NoRoute),
        ("ssh: Could not resolve hostname nosuchhost.invalid: Name or service not known\n", Cause::Unresolvable),
        ("ssh: Could not resolve hostname client1: Temporary failure in name resolution\n", Cause::Unresolvable),
        ("ana@127.0.0.1: Permission denied (publickey,password,keyboard-interactive).\n", Cause::Denied),
        (
            "Received disconnect from 127.0.0.1 port 22701:2: Too many authentication failures\n\
             Disconnected from 127.0.0.1 port 22701\n",
            Cause::TooManyFailures,
        ),
        (
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 22701\n",
            Cause::Dropped,
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 127.0.0.1 port 22701\n",
            Cause::Dropped,
        ),
        // OpenSSH 7.2.
        ("ssh_exchange_identification: Connection closed by remote host\n", Cause::Dropped),
        ("Connection closed by 127.0.0.1 port 22701\n", Cause::ClosedEarly),
        // OpenSSH 9.8 and later.
        (
            "kex_exchange_identification: banner line contains invalid characters\nNot allowed at this time\n",
            Cause::Penalised,
        ),
        (
            "badcfg: line 1: Bad configuration option: foo\nbadcfg: terminating, 1 bad configuration options\n",
            Cause::BadConfiguration,
        ),
        ("Can't open user config file nofile: No such file or directory\n", Cause::BadConfiguration),
        ("Bad owner or permissions on /home/ana/.ssh/config\n", Cause::BadConfiguration),
        // The jump host itself is not there.
        (
            "ssh: connect to host 127.0.0.1 port 22702: Connection refused\n\
             kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n",
            Cause::Refused,
        ),
        // The jump host does not reach the node.
        (
            "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n\
             kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n",
            Cause::JumpForwarding,
        ),
        (
            "/bin/bash: line 1: exec: nosuchcmd: not found\n\
             kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n",
            Cause::Proxy,
        ),
        // The jump host drops us: it passes.
        (
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22\n\
             kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n",
            Cause::Dropped,
        ),
        (
            "\"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later. For technical \
             details, see pam_nologin(8).\"\n\nConnection closed by 127.0.0.1 port 22701\n",
            Cause::NoLogin,
        ),
        ("This account is currently not available.\n", Cause::NoLogin),
        (
            "Your account has expired; please contact your system administrator.\n\nConnection closed by 127.0.0.1 port 22\n",
            Cause::AccountExpired,
        ),
        ("Password change required but no TTY available.\n", Cause::PasswordExpired),
        ("something new\n", Cause::Unknown),
    ];
    for (stderr, cause) in cases {
        assert_eq!(classify(stderr).cause, cause, "{stderr}");
    }
}

#[test]
fn only_drops_are_tried_again() {
    assert!(Cause::Dropped.passes() && Cause::ClosedEarly.passes());
    for cause in [Cause::Denied, Cause::Penalised, Cause::TooManyFailures, Cause::HostKeyChanged, Cause::Refused] {
        assert!(!cause.passes(), "{cause:?}");
    }
}

fn journey<'a>() -> Journey<'a> {
    Journey {
        command: "ssh -p 2222 ana@client1",
        target: "ana@client1 port 2222",
        refused_key: Some("ED25519 SHA256:x"),
    }
}

fn here(cause: Cause) -> Diagnosis {
    Diagnosis { cause, on_the_way: false }
}

#[test]
fn a_jump_host_is_named_as_such() {
    let stderr = "ana@10.0.0.1: Permission denied (publickey).\n\
        kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n";
    let error = explain(classify(stderr), stderr, &journey());
    assert_eq!(error.message(), "the jump host before ana@client1 port 2222 accepts no key that ssh offers");
}

/// Its name stands before the message.
#[test]
fn a_node_that_is_reached_by_its_name_is_not_named_twice() {
    let of = |cause| explain(here(cause), "x", &Journey { target: ITSELF, ..journey() }).message().to_owned();
    assert_eq!(of(Cause::Denied), "it accepts no key that ssh offers");
    assert_eq!(of(Cause::HostKeyChanged), "its host key is not the one that is pinned in known_hosts");
    assert_eq!(of(Cause::Unresolvable), "no address is known for it");
}

#[test]
fn a_changed_key_shows_what_to_run_and_no_art() {
    let error = explain(here(Cause::HostKeyChanged), CHANGED, &journey());
    assert_eq!(
        error.reasons(),
        ["SHA256:pqjLA6RP7D7ZcKXoNVFMmeo2y2t5eHBrl48SsuR8ep4.\n\
          Offending ED25519 key in /home/ana/.ssh/known_hosts:1\n\
          ssh-keygen -f \"/home/ana/.ssh/known_hosts\" -R \"[127.0.0.1]:22701\""]
    );
}

#[test]
fn every_cause_names_the_next_step() {
    for (_, cause) in TABLE {
        let error = explain(here(*cause), "x", &journey());
        assert_eq!(error.hints().len(), 1, "{cause:?}");
        assert!(!error.message().is_empty());
    }
    let unknown = explain(here(Cause::HostKeyUnknown), "Host key verification failed.", &journey());
    assert!(unknown.message().contains("ED25519 SHA256:x"), "{unknown}");
    assert!(unknown.hints()[0].contains("--accept-new"));
    let denied = |stderr: &str| explain(here(Cause::Denied), stderr, &journey()).hints()[0].clone();
    let by_password = denied("ana@client1: Permission denied (publickey,password).");
    assert!(
        by_password.contains("`--ask-pass`") && by_password.contains("`ssh-copy-id -p 2222 ana@client1`"),
        "{by_password}"
    );
    assert!(denied("Permission denied (keyboard-interactive).").contains("`--ask-pass`"));
    let by_key = denied("ana@client1: Permission denied (publickey,hostbased).");
    assert!(!by_key.contains("--ask-pass") && !by_key.contains("ssh-copy-id"), "{by_key}");
}
