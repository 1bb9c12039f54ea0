//! What makes a machine one of this lab, once it has booted: `identity.sh`, run over the agent. Its host keys are made in it,
//! and their public halves come back the same way, which is nobody else's: so they can be pinned.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::agent::{Agent, Begun};
use crate::{
    error::{Context, Error, Result},
    lab::{network, node_files, state},
    quote,
};

const SCRIPT: &str = include_str!("identity.sh");
/// A second or two; more where three machines share two busy cores.
const DEADLINE: Duration = Duration::from_secs(180);

/// The account that the operator logs in as, which may become root with its password.
pub(in crate::lab) const ADMIN: &str = "admin";

pub(super) struct Identity<'a> {
    pub name: &'a str,
    pub address: Ipv4Addr,
    pub operator_key: &'a str,
    pub relay: &'a str,
    pub password: &'a str,
}

/// Begins to give it.
pub(super) fn give(agent: &mut Agent, identity: &Identity<'_>) -> Result<Begun> {
    agent.begin_script(&script(identity)?)
}

/// Waits until it has it: its public host key as one line.
pub(super) fn host_key(agent: &mut Agent, given: &Begun) -> Result<String> {
    let key = agent.finish_script(given, DEADLINE)?.trim().to_owned();
    if key.starts_with("ssh-ed25519 ") && !key.contains('\n') {
        Ok(key)
    } else {
        Err(Error::failed("the machine's host key cannot be read").because(key))
    }
}

fn script(identity: &Identity<'_>) -> Result<String> {
    let Identity { name, address, operator_key, relay, password } = identity;
    let values = [
        ("now", seconds().to_string()),
        ("salt", random()?),
        ("name", (*name).to_owned()),
        ("hosts", node_files::hosts(name)),
        ("address", format!("{address}/{}", network::PREFIX)),
        ("apt", node_files::apt_settings(relay)),
        ("password", (*password).to_owned()),
        ("key", (*operator_key).to_owned()),
    ];
    let values: String = values.iter().map(|(name, value)| format!("{name}={}\n", quote::sh(value))).collect();
    Ok(values + SCRIPT)
}

/// Sets a machine's clock, which stood still while it was saved.
pub(super) fn set_clock(agent: &mut Agent) -> Result<()> {
    agent.script(&format!("LC_ALL=C date -s @{} >/dev/null", seconds()), DEADLINE).map(drop)
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Where the lab keeps the password of its admin account, for root alone.
pub(in crate::lab) fn password_file(lab: &str) -> PathBuf {
    state::directory(lab).join("password")
}

/// Makes one that nobody knows, and keeps it there.
pub(super) fn make_password(lab: &str) -> Result<String> {
    let password = random()?;
    let path = password_file(lab);
    let failed = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).context(failed)?;
    writeln!(file, "{password}").context(failed)?;
    Ok(password)
}

/// 80 bits in letters and digits.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context(|| "cannot read random numbers")?;
    let alphabet = b"abcdefghijkmnpqrstuvwxyz23456789";
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_above_the_script_and_cannot_break_out() {
        let identity = Identity {
            name: "client1",
            address: [10, 77, 0, 2].into(),
            operator_key: "ssh-ed25519 AAAA 'x'\n",
            relay: "10.77.255.254:1080",
            password: "secret",
        };
        let script = script(&identity).unwrap();
        assert!(script.contains("\naddress=10.77.0.2/16\n"), "{script}");
        assert!(script.contains("key='ssh-ed25519 AAAA '\\''x'\\''\n'\n"), "{script}");
    }

    #[test]
    fn a_password_is_long_and_never_the_same() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 16);
        assert_ne!(one, two);
    }
}
