//! The questions that ssh asks, told apart by their text (English: ssh runs with LC_ALL=C), and who answers them.

use crate::secret::Secret;
use crate::spec::NodeName;

/// ssh met a host whose key it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeyPrompt {
    /// The node that is being connected; the question may concern a jump host on the way to it.
    pub node: NodeName,
    /// As ssh writes it: `client1 (192.168.1.11)`, `[host]:2222 ([10.0.0.1]:2222)`.
    pub host: String,
    /// `ED25519`, `RSA`, `ECDSA`.
    pub key_type: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// Other names under which ssh knows this very key.
    pub known_as: Vec<String>,
    /// The question as ssh put it.
    pub raw: String,
}

/// Answers ssh's questions. Called on a thread of its own, for one question at a time, in the order of asking.
pub trait Prompter: Send + Sync {
    /// True lets ssh pin the key in the user's known_hosts and go on.
    fn confirm_host_key(&self, prompt: &HostKeyPrompt) -> bool;

    /// Whether there is somebody whom [`Self::secret`] can ask.
    fn can_ask(&self) -> bool {
        false
    }

    /// A password, passphrase or code, which is not shown while it is typed; `None` gives up.
    fn secret(&self, question: &str) -> Option<Secret> {
        let _ = question;
        None
    }

    /// ssh waits for something that needs no answer, such as a touch of a security key.
    fn notice(&self, node: &NodeName, text: &str) {
        let _ = (node, text);
    }
}

/// Refuses every unknown key: for use without a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverAsk;

impl Prompter for NeverAsk {
    fn confirm_host_key(&self, _: &HostKeyPrompt) -> bool {
        false
    }
}

/// A question of ssh's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    HostKey(HostKeyPrompt),
    /// The log-in password of `user@host`.
    Password(String),
    /// The passphrase of a key, as ssh asks for it.
    Passphrase(String),
    /// Something that is good once: a code, the PIN of a security key.
    Once(String),
    /// The password has expired, and ssh wants a new one.
    NewPassword,
    /// Something to be read, not answered.
    Notice(String),
    /// A yes-or-no question that mpiup has no business to answer.
    Other(String),
}

/// `kind` is what ssh gives in SSH_ASKPASS_PROMPT (ssh(1): `confirm`, `none`, or nothing for a line of text).
pub(super) fn parse(node: &NodeName, kind: &str, text: &str) -> Question {
    match kind {
        "none" => Question::Notice(text.trim().to_owned()),
        "confirm" => Question::Other(text.to_owned()),
        _ if text.contains("continue connecting (yes/no") => host_key(node, text),
        _ => secret(node, text),
    }
}

/// `mpi@client1's password:` is ssh's own question; `(mpi@client1) Password:` one that sshd puts (keyboard-interactive),
/// in the node's language and, before OpenSSH 8.5, without the name.
fn secret(node: &NodeName, text: &str) -> Question {
    let plain = text.trim().trim_end_matches(':').to_owned();
    if plain.starts_with("Enter passphrase for") {
        return Question::Passphrase(plain);
    }
    let by_node = text.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    let (of, asked) = match by_node {
        Some((of, asked)) if of.contains('@') => (of, asked),
        _ => text.split_once("'s ").unwrap_or((node.as_str(), text)),
    };
    let asked = asked.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| asked.contains(word));
    if has(&["new password", "old password", "current password", "retype"]) {
        return Question::NewPassword;
    }
    if has(&["code", "pin for", "token", "otp", "factor", "challenge"]) {
        return Question::Once(plain);
    }
    Question::Password(of.to_owned())
}

fn host_key(node: &NodeName, text: &str) -> Question {
    let between = |start: &str, end: &str| text.split_once(start)?.1.split_once(end).map(|(found, _)| found);
    let host = between("authenticity of host '", "' can't be established");
    let key = text.lines().find_map(|line| line.split_once(" key fingerprint is "));
    let (Some(host), Some((key_type, fingerprint))) = (host, key) else { return Question::Other(text.to_owned()) };
    Question::HostKey(HostKeyPrompt {
        node: node.clone(),
        host: host.to_owned(),
        key_type: key_type.trim().to_owned(),
        fingerprint: fingerprint.trim().trim_end_matches('.').to_owned(),
        known_as: known_as(text),
        raw: text.to_owned(),
    })
}

/// The indented lines `FILE:LINE: NAME` below "known by the following other names".
fn known_as(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.contains("known by the following other names")).skip(1);
    lines
        .take_while(|line| line.starts_with("    "))
        .filter_map(|line| line.trim().split_once(": ").map(|(_, name)| name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: &str = "The authenticity of host '[127.0.0.1]:22701 ([127.0.0.1]:22701)' can't be established.
ED25519 key fingerprint is SHA256:pqjLA6RP7D7ZcKXoNVFMmeo2y2t5eHBrl48SsuR8ep4.
This key is not known by any other names.
Are you sure you want to continue connecting (yes/no/[fingerprint])? ";

    const KNOWN_ELSEWHERE: &str =
        "The authenticity of host '[localhost]:22701 ([127.0.0.1]:22701)' can't be established.
ED25519 key fingerprint is SHA256:pqjLA6RP7D7ZcKXoNVFMmeo2y2t5eHBrl48SsuR8ep4.
This host key is known by the following other names/addresses:
    /home/ana/.ssh/known_hosts:1: [127.0.0.1]:22701
    /home/ana/.ssh/known_hosts:7: [hashed name]
Are you sure you want to continue connecting (yes/no/[fingerprint])? ";

    /// OpenSSH 7.9 (Debian 10).
    const OLD: &str = "The authenticity of host 'client1 (192.168.1.11)' can't be established.
ECDSA key fingerprint is SHA256:jf6nEB5zVm7xc1VAFNSPqXzUGBAPKqxmwQI7WkpC+vI.
Are you sure you want to continue connecting (yes/no)? ";

    fn host_key_of(text: &str) -> HostKeyPrompt {
        match parse(&"client1".parse().unwrap(), "", text) {
            Question::HostKey(prompt) => prompt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_the_question_about_a_host_key() {
        let prompt = host_key_of(UNKNOWN);
        assert_eq!(prompt.host, "[127.0.0.1]:22701 ([127.0.0.1]:22701)");
        assert_eq!(prompt.key_type, "ED25519");
        assert_eq!(prompt.fingerprint, "SHA256:pqjLA6RP7D7ZcKXoNVFMmeo2y2t5eHBrl48SsuR8ep4");
        assert!(prompt.known_as.is_empty());
        assert_eq!(host_key_of(KNOWN_ELSEWHERE).known_as, ["[127.0.0.1]:22701", "[hashed name]"]);
        assert_eq!(host_key_of(OLD).key_type, "ECDSA");
    }

    #[test]
    fn other_questions_are_never_taken_for_a_host_key() {
        let node = "client1".parse().unwrap();
        let password = Question::Password("ana@client1".into());
        assert_eq!(parse(&node, "", "ana@client1's password: "), password);
        assert_eq!(parse(&node, "", "(ana@client1) Password: "), password);
        assert_eq!(parse(&node, "", "(ana@client1) Contraseña: "), password);
        assert_eq!(parse(&node, "", "Password: "), Question::Password("client1".into()));
        let passphrase = "Enter passphrase for key '/home/ana/.ssh/id_ed25519': ";
        assert_eq!(parse(&node, "", passphrase), Question::Passphrase(passphrase.trim_end_matches(": ").into()));
        let code = "(ana@client1) Verification code: ";
        assert_eq!(parse(&node, "", code), Question::Once("(ana@client1) Verification code".into()));
        let pin = "Enter PIN for ED25519-SK key /home/ana/.ssh/id_sk: ";
        assert!(matches!(parse(&node, "", pin), Question::Once(_)));
        for expired in
            ["ana@client1's old password: ", "(ana@client1) New password: ", "Enter ana@client1's new password: "]
        {
            assert_eq!(parse(&node, "", expired), Question::NewPassword);
        }
        let touch = "Confirm user presence for key ED25519-SK SHA256:x";
        assert_eq!(parse(&node, "none", touch), Question::Notice(touch.into()));
        let agent = "Allow use of key /home/ana/.ssh/id_ed25519?";
        assert_eq!(parse(&node, "confirm", agent), Question::Other(agent.into()));
        let odd = "Are you sure you want to continue connecting (yes/no)? ";
        assert_eq!(parse(&node, "", odd), Question::Other(odd.into()));
    }
}
