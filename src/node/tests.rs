//! The framed shell and the local node, with each POSIX shell that this machine has.

use std::cell::RefCell;
use std::time::Instant;

use super::channel::{Channel, Fault};
use super::patience::Late;
use super::*;

const SOON: Duration = Duration::from_secs(20);

/// The shells that a node's `sh` may be.
fn shells() -> Vec<&'static str> {
    let all = ["sh", "dash", "bash --posix", "busybox sh"];
    let there = |shell: &&str| {
        let program = shell.split(' ').next().unwrap();
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(program).exists())
    };
    all.into_iter().filter(there).collect()
}

async fn open(shell: &str) -> Channel {
    let word = framing::random_word();
    let script = handshake::script(&word).replace("exec sh", &format!("exec {shell}"));
    let running = spawn::local(&["sh", "-c", &script], OnDrop::HangUp).unwrap();
    Channel::greet(running, &word, SOON).await.unwrap()
}

async fn ask(channel: &mut Channel, script: &str) -> Output {
    channel.request(script, SOON.into(), &mut |_| {}).await.unwrap()
}

async fn local() -> Node {
    let opener = Opener::new(Options::default()).unwrap();
    opener.open(&"here".parse().unwrap(), &crate::spec::Address::Local).await.unwrap()
}

#[tokio::test]
async fn answers_are_exact_in_every_shell() {
    for shell in shells() {
        let mut channel = open(shell).await;
        let mut expect = async |script: &str, status: i32, stdout: &[u8], stderr: &[u8]| {
            let output = ask(&mut channel, script).await;
            let expected = Output { status, stdout: stdout.to_vec(), stderr: stderr.to_vec() };
            assert_eq!(output, expected, "{shell}: {script}");
        };
        expect("echo hello", 0, b"hello\n", b"").await;
        expect("printf 'no newline'; printf err >&2; exit 7", 7, b"no newline", b"err").await;
        expect("", 0, b"", b"").await;
        expect("# only a comment", 0, b"", b"").await;
        expect("printf '\\n\\n'; printf '\\n' >&2", 0, b"\n\n", b"\n").await;
        expect("printf '\\000\\001\\377\\n\\000'", 0, b"\0\x01\xff\n\0", b"").await;
        expect("cd /tmp; x=1; set -e; false; echo never", 1, b"", b"").await;
        expect("pwd; echo \"[$x]\"", 0, b"/\n[]\n", b"").await;
        expect("exec echo replaced", 0, b"replaced\n", b"").await;
        expect("cat; read line; echo \"status $?\"", 0, b"status 1\n", b"").await;
        expect(
            "echo \"it's ñ\" 'two\nlines' \\\\ '!' $((1+1)) `echo b`",
            0,
            "it's ñ two\nlines \\ ! 2 b\n".as_bytes(),
            b"",
        )
        .await;
        expect("cat <<'END'\n$here 'doc'\nEND", 0, b"$here 'doc'\n", b"").await;
        expect("trap 'echo bye' EXIT; exit 3", 3, b"bye\n", b"").await;
        expect("set -- a b; shift; echo $1; set -x", 0, b"b\n", b"").await;
        expect("umask; echo $LC_ALL; case $PATH in */usr/sbin*) echo sbin;; esac", 0, b"0022\nC\nsbin\n", b"").await;
        // Some shells also say "Killed".
        assert_eq!(ask(&mut channel, "sh -c 'kill -9 $$'").await.status, 137, "{shell}");
        let output = ask(&mut channel, "if").await;
        assert!(output.status != 0 && !output.stderr.is_empty(), "{shell}: {output:?}");
        assert_eq!(ask(&mut channel, "echo still here").await.text(), "still here\n", "{shell}");
    }
}

#[tokio::test]
async fn large_answers_and_large_scripts_pass_whole() {
    for shell in shells() {
        let mut channel = open(shell).await;
        let output = ask(&mut channel, "head -c 20000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero >&2").await;
        assert_eq!((output.stdout.len(), output.stderr.len()), (20_000_000, 1_000_000), "{shell}");
        let text = "it's 2 MB of 'text'\n".repeat(100_000);
        let script = format!("cat <<'END' | wc -c\n{text}END");
        assert_eq!(ask(&mut channel, &script).await.text().trim(), text.len().to_string(), "{shell}");
    }
}

#[tokio::test]
async fn lines_come_while_the_script_runs() {
    let mut channel = open("sh").await;
    let start = Instant::now();
    let lines = RefCell::new(Vec::new());
    let script = "echo first; echo; sleep 0.4; echo second; printf last";
    let mut on_line = |line: &str| lines.borrow_mut().push((line.to_owned(), start.elapsed()));
    let output = channel.request(script, SOON.into(), &mut on_line).await.unwrap();
    let lines = lines.into_inner();
    let texts: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(texts, ["first", "", "second", "last"]);
    assert!(lines[2].1 - lines[0].1 > Duration::from_millis(300), "{lines:?}");
    assert_eq!(output.stdout, b"first\n\nsecond\nlast");
}

#[tokio::test]
async fn a_deadline_is_paid_once_and_the_script_hung_up() {
    let node = local().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = format!("echo $$ >/dev/null; sleep 30 & echo $! >{}; wait", file.path().display());
    let error = node.probe().read(&script, Duration::from_millis(300)).await.unwrap_err();
    assert!(error.to_string().starts_with("here: `echo $$"), "{error}");
    assert!(error.to_string().ends_with("did not end within 0.3 s"), "{error}");
    let start = Instant::now();
    let again = node.probe().read("true", SOON).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert!(start.elapsed() < Duration::from_millis(50));
    let sleeper = std::fs::read_to_string(file.path()).unwrap();
    assert!(gone(sleeper.trim()).await, "{sleeper}");
}

/// Whether the process ends within a second (a zombie has ended).
async fn gone(pid: &str) -> bool {
    for _ in 0..50 {
        match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) if !stat.contains(") Z ") => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return true,
        }
    }
    false
}

#[tokio::test]
async fn a_killed_shell_is_reported_with_its_last_words() {
    let node = local().await;
    let error = node.probe().read("echo going down >&2; kill -9 $$; sleep 1", SOON).await.unwrap_err();
    assert!(error.message().contains("The shell ended during `echo going down"), "{error}");
    assert_eq!(error.reasons(), ["going down"]);
    assert!(node.probe().read("true", SOON).await.is_err());
}

#[tokio::test]
async fn after_a_dropped_request_a_new_shell_opens() {
    let node = local().await;
    let request = async { node.probe().read("sleep 1; echo late", SOON).await };
    assert!(tokio::time::timeout(Duration::from_millis(100), request).await.is_err());
    assert_eq!(node.probe().read("echo new", SOON).await.unwrap().text(), "new\n");
}

#[tokio::test]
async fn who_is_silent_is_given_up_and_who_tells_is_not() {
    let node = local().await;
    let consent = Consent::after_showing_the_plan();
    let hands = Hands::new(&node, &consent);
    let patience = Patience { in_all: SOON, silent: Duration::from_millis(1500) };
    let slow = "for tell in 1 2 3 4 5 6; do sleep 0.4; echo $tell >&2; done; echo done";
    assert_eq!(hands.run(slow, patience, &mut |_| {}).await.unwrap().text(), "done\n");
    let begun = Instant::now();
    let frozen = hands.run("kill -s STOP $$", patience, &mut |_| {}).await.unwrap_err();
    assert!(frozen.message().contains("gave no sign of life for 1.5 s"), "{frozen}");
    assert!(begun.elapsed() < SOON, "it costs its patience alone");
}

#[tokio::test]
async fn a_shell_that_never_greets_is_an_error() {
    let running = spawn::local(&["sh", "-c", "echo refused >&2; exit 1"], OnDrop::HangUp).unwrap();
    assert_eq!(Channel::greet(running, "m", SOON).await.unwrap_err(), Fault::Ended("refused".into()));
    let running = spawn::local(&["sleep", "30"], OnDrop::HangUp).unwrap();
    let short = Duration::from_millis(100);
    assert_eq!(Channel::greet(running, "m", short).await.unwrap_err(), Fault::Late(Late::InAll(short)));
}

#[tokio::test]
async fn pushes_a_file_into_a_command() {
    let node = local().await;
    let consent = Consent::after_showing_the_plan();
    let hands = Hands::new(&node, &consent);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &vec![7u8; 3_000_000]).unwrap();
    let (folder, seen) = (tempfile::tempdir().unwrap(), RefCell::new(Vec::new()));
    let target = folder.path().join("copy");
    let command = format!("cat >{}; echo done", target.display());
    let output = hands.push(&command, file.path(), &|bytes| seen.borrow_mut().push(bytes), SOON).await.unwrap();
    assert_eq!(output.text(), "done\n");
    assert_eq!(std::fs::read(target).unwrap(), vec![7u8; 3_000_000]);
    assert_eq!(seen.borrow().last(), Some(&3_000_000));
    let refused = hands.push("echo no space >&2; exit 4", file.path(), &|_| {}, SOON).await.unwrap();
    assert_eq!((refused.status, refused.stderr_text().as_str()), (4, "no space\n"));
    let late = hands.push("sleep 30", file.path(), &|_| {}, Duration::from_millis(200)).await.unwrap_err();
    assert!(late.message().contains("`sleep 30` did not end within 0.2 s while it was sent a file"), "{late}");
}

#[tokio::test]
async fn spawned_commands_have_live_streams_and_end_with_their_handle() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let node = local().await;
    let mut running = node.spawn("echo $$; while read line; do echo \"got $line\"; done; exit 5", false).await.unwrap();
    let mut lines = BufReader::new(&mut running.stdout).lines();
    let pid = lines.next_line().await.unwrap().unwrap();
    running.stdin.as_mut().unwrap().write_all(b"one\n").await.unwrap();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "got one");
    assert_eq!(running.wait().await.unwrap(), 5);
    assert!(gone(&pid).await);
    let mut running = node.spawn("echo $$; sleep 30", false).await.unwrap();
    let pid = BufReader::new(&mut running.stdout).lines().next_line().await.unwrap().unwrap();
    drop(running);
    assert!(gone(&pid).await);
    assert_eq!(node.fresh("echo $0 fresh; exit 3", SOON).await.unwrap().status, 3);
}

#[tokio::test]
async fn a_fake_answers_and_remembers() {
    let (node, record) = Node::fake("client1".parse().unwrap(), |script| match script {
        "hostname" => Output::ok("client1\n"),
        _ => Output::failed(1, "unknown\n"),
    });
    assert_eq!(node.probe().read("hostname", SOON).await.unwrap().text(), "client1\n");
    let output = node.spawn("other", false).await.unwrap().output().await.unwrap();
    assert_eq!(output, Output::failed(1, "unknown\n"));
    let consent = Consent::after_showing_the_plan();
    let mut lines = Vec::new();
    Hands::new(&node, &consent).run("hostname", SOON, &mut |line| lines.push(line.to_owned())).await.unwrap();
    assert_eq!(lines, ["client1"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "content").unwrap();
    Hands::new(&node, &consent).push("cat >/x", file.path(), &|_| {}, SOON).await.unwrap();
    assert_eq!(record.scripts(), ["hostname", "other", "hostname", "cat >/x"]);
    assert_eq!(record.pushed(), [("cat >/x".to_owned(), b"content".to_vec())]);
}

#[tokio::test]
async fn a_request_costs_a_fraction_of_a_millisecond() {
    let node = local().await;
    let start = Instant::now();
    for _ in 0..200 {
        assert!(node.probe().read("umask", SOON).await.unwrap().success());
    }
    // A fork each, on a machine that may be busy with other things: far below a process start over ssh (20 ms).
    let each = start.elapsed() / 200;
    assert!(each < Duration::from_millis(10), "{each:?}");
}

#[test]
fn packed_commands_mean_the_same() {
    let script = "printf '%s\\n' \"a'b!\" 'new\nline' \"$HOME\" ñ `echo q`; exit 9";
    let line = login_shell::command(script, &Passage::new(&Rights::Own));
    let run = |argv: &[&str]| {
        #[allow(clippy::disallowed_methods, reason = "the shells themselves are under test")]
        let output = std::process::Command::new(argv[0]).args(&argv[1..]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let direct = run(&["sh", "-c", script]);
    assert_eq!(direct.0, Some(9));
    for shell in ["sh", "bash", "zsh", "fish", "tcsh", "busybox"] {
        let there = std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(shell).exists());
        if there {
            let argv: &[&str] =
                if shell == "busybox" { &["busybox", "sh", "-c", &line] } else { &[shell, "-c", &line] };
            assert_eq!(run(argv), direct, "{shell}");
        }
    }
}

#[test]
fn a_word_that_is_for_the_node_alone_is_in_no_trace() {
    assert_eq!(super::told("true\nmpiup_relay='http://mpiup:w0rd@127.0.0.1:40001/'\nexit 1\n"), "true\nexit 1");
}
