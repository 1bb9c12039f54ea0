//! sudo on a terminal, for nodes where it runs on nothing else (`Defaults requiretty`).
//!
//! A terminal alters bytes and joins both outputs. It carries sudo's question and its answer only: what sudo starts takes
//! its three streams from pipes in a private folder, which a session without a terminal carries, byte for byte.

use tokio::io::AsyncReadExt;

use super::framing::random_word;
use super::running::{Exit, Running};
use super::ssh_link::SshLink;
use super::sudo::{NoShell, Passage, Refusal, Rights};
use crate::quote;

/// Makes the pipes, says where, and carries what goes through them until what sudo started has ended. It holds both ends
/// of each pipe until root is there, so that nothing waits for an end that never comes; without root it gives up.
fn carrier(word: &str) -> String {
    let close = "3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9>&-";
    format!(
        "umask 077; d=$(mktemp -d /tmp/mpiup.XXXXXXXXXX) && mkfifo $d/0 $d/1 $d/2 $d/3 || exit 1; \
         exec 3<&0 4<>$d/0 5<>$d/1 6<>$d/2 7<$d/1 8<$d/2 9>$d/0; echo; echo {word} $d; \
         timeout 60 cat $d/3 >/dev/null || {{ rm -rf $d; exit 1; }}; \
         cat <&7 {close} & a=$!; cat <&8 >&2 {close} & b=$!; cat <&3 >&9 {close} & c=$!; \
         rm -rf $d; exec {close}; wait $a; wait $b; kill $c 2>/dev/null; :"
    )
}

/// Starts `script` through sudo on a terminal of its own, with its streams beside the terminal.
pub(super) async fn start(link: &SshLink, script: &str, passage: &Passage<'_>) -> Result<Running, NoShell> {
    let word = random_word();
    let mut carrier = link.start(&carrier(&word), &Passage::new(&Rights::Own)).await?;
    let folder = quote::sh(&folder(&mut carrier, &word).await.map_err(Refusal::Said)?);
    let script = format!("cd {folder} && exec <0 >>1 2>>2 && : >3 && cd / && {{ {script}\n}}");
    let terminal = passage.enter(link.start_with_terminal(&script, passage)?, true).await?;
    let Running { stdin, stdout, stderr, exit } = carrier;
    Ok(Running { stdin, stdout, stderr, exit: Exit::Beside(Box::new(terminal), Box::new(exit)) })
}

/// Where the carrier made its pipes; otherwise what it said.
async fn folder(carrier: &mut Running, word: &str) -> Result<String, String> {
    let mut said = Vec::new();
    // Byte by byte: what follows is the script's own.
    while let Ok(byte) = carrier.stdout.read_u8().await {
        said.push(byte);
        if byte == b'\n' {
            let line = String::from_utf8_lossy(&said).trim().to_owned();
            if let Some(folder) = line.strip_prefix(word) {
                return Ok(folder.trim().to_owned());
            }
            said.clear();
        }
    }
    let _ = carrier.stderr.read_to_end(&mut said).await;
    Err(String::from_utf8_lossy(&said).trim().to_owned())
}
