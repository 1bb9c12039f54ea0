//! The transport against a real sshd: what a person sees at first contact, what survives trouble, what is left behind.
#![allow(clippy::disallowed_methods, reason = "tests start sshd and look at processes")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "support/skip.rs"]
mod skip;
#[path = "transport/sshd.rs"]
mod sshd;

use std::fs;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mpiup::node::{HostKeyPrompt, Node, Opener, Options, Prompter};
use mpiup::spec::Address;
use skip::skip;
use sshd::{Sshd, Wish, is_root, name, start};

const SOON: Duration = Duration::from_secs(30);

async fn open(sshd: &Sshd) -> Node {
    sshd.opener().open(&name("client1"), &sshd.address()).await.unwrap()
}

async fn read(node: &Node, script: &str) -> String {
    node.probe().read(script, SOON).await.unwrap().text()
}

/// Answers as it is told, and remembers; two questions at once are a fault.
#[derive(Default)]
struct Person {
    says_yes: bool,
    asked: Mutex<Vec<HostKeyPrompt>>,
    busy: AtomicUsize,
}

impl Prompter for Person {
    fn confirm_host_key(&self, prompt: &HostKeyPrompt) -> bool {
        assert_eq!(self.busy.fetch_add(1, Ordering::SeqCst), 0, "two questions at once");
        std::thread::sleep(Duration::from_millis(50));
        self.asked.lock().unwrap().push(prompt.clone());
        self.busy.fetch_sub(1, Ordering::SeqCst);
        self.says_yes
    }
}

fn asking(sshd: &Sshd, person: &Arc<Person>) -> Opener {
    let prompter: Arc<dyn Prompter> = person.clone();
    Opener::new(Options { accept_new: false, prompter, ..sshd.options() }).unwrap()
}

#[tokio::test]
async fn an_unknown_key_is_shown_once_and_pinned() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let person = Arc::new(Person { says_yes: true, ..Person::default() });
    for _ in 0..2 {
        let node = asking(&sshd, &person).open(&name("client1"), &sshd.address()).await.unwrap();
        assert_eq!(read(&node, "echo hello").await, "hello\n");
    }
    let asked = person.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].fingerprint, sshd.fingerprint());
    assert_eq!((asked[0].node.as_str(), asked[0].key_type.as_str()), ("client1", "ED25519"));
    assert!(sshd.known_hosts().contains(&format!("[127.0.0.1]:{}", sshd.port)));
}

#[tokio::test]
async fn a_refused_key_says_how_to_go_on() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let person = Arc::new(Person::default());
    let error = asking(&sshd, &person).open(&name("client1"), &sshd.address()).await.err().unwrap();
    let message = format!(
        "the host key of 127.0.0.1 port {} (ED25519 {}) is not known yet and was not accepted",
        sshd.port,
        sshd.fingerprint()
    );
    assert_eq!((error.node(), error.message()), (Some("client1"), message.as_str()));
    assert!(error.hints()[0].contains("--accept-new"), "{:?}", error.hints());
    assert_eq!(sshd.known_hosts(), "");
}

#[tokio::test]
async fn accept_new_pins_and_still_refuses_a_changed_key() {
    let Some(sshd) = start(&Wish::default()) else { return };
    open(&sshd).await;
    let pinned = sshd.known_hosts();
    assert!(pinned.contains("ssh-ed25519"), "{pinned}");
    sshd::key(&sshd.path("other"));
    let other = fs::read_to_string(sshd.path("other.pub")).unwrap();
    let line = format!("[127.0.0.1]:{} {other}", sshd.port);
    fs::write(sshd.path("known_hosts"), &line).unwrap();
    let error = sshd.opener().open(&name("client1"), &sshd.address()).await.err().unwrap();
    assert!(error.message().contains("is not the one that is pinned"), "{error}");
    assert!(error.reasons()[0].contains("ssh-keygen -f"), "{error}");
    assert_eq!(sshd.known_hosts(), line);
    assert_eq!(sshd.log_ins(), 1);
}

#[tokio::test]
async fn questions_about_many_nodes_come_one_by_one() {
    let (Some(one), Some(two)) = (start(&Wish::default()), start(&Wish::default())) else { return };
    fs::copy(two.path("id.pub"), one.path("authorized_keys")).unwrap();
    let person = Arc::new(Person { says_yes: true, ..Person::default() });
    let nodes = [(name("b"), two.address()), (name("a"), one.address()), (name("c"), two.address())];
    let opened = asking(&two, &person).open_all(&nodes, &|_| ()).await;
    let names: Vec<&str> = opened.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    for (name, node) in &opened {
        assert!(node.is_ok(), "{name}: {}", node.as_ref().err().unwrap());
    }
    assert!(person.asked.lock().unwrap().len() >= 2);
}

#[tokio::test]
async fn failures_are_named() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let opener = sshd.opener();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = Address::Ssh { user: None, host: "127.0.0.1".into(), port: Some(closed) };
    let error = opener.open(&name("client1"), &refused).await.err().unwrap();
    assert_eq!(error.message(), format!("nothing listens for ssh on 127.0.0.1 port {closed}"));
    let wrong_key = sshd.path("authorized_keys");
    fs::remove_file(&wrong_key).unwrap();
    let error = opener.open(&name("client1"), &sshd.address()).await.err().unwrap();
    assert_eq!(error.message(), format!("127.0.0.1 port {} accepts no key that ssh offers", sshd.port));
    assert!(
        error.hints()[0].contains(&format!("ssh-copy-id -F {}", sshd.path("ssh_config").display())),
        "{:?}",
        error.hints()
    );
    // No password was tried, which sshd would count against this machine.
    assert!(!sshd.log().contains("Failed password"), "{}", sshd.log());
}

#[tokio::test]
async fn ten_nodes_pass_a_door_for_one() {
    let Some(sshd) = start(&Wish { config: "MaxStartups 1:100:1", ..Wish::default() }) else { return };
    let nodes: Vec<_> = (0..10).map(|n| (name(&format!("node{n}")), sshd.address())).collect();
    let opened = sshd.opener().open_all(&nodes, &|_| ()).await;
    for (name, node) in &opened {
        assert!(node.is_ok(), "{name}: {}", node.as_ref().err().unwrap());
    }
    assert!(sshd.log().contains("MaxStartups"), "the door was never narrow:\n{}", sshd.log());
}

#[tokio::test]
async fn noise_of_start_up_files_stays_out() {
    let bashrc = "echo Welcome to $(hostname); echo oops >&2; printf 'no newline'";
    if !is_root() {
        return skip("needs root, for a home of its own");
    }
    let Some(sshd) = start(&Wish { bashrc, ..Wish::default() }) else { return };
    let output = open(&sshd).await.probe().read("echo clean", SOON).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"clean\n".as_slice(), b"".as_slice()));
}

#[tokio::test]
async fn a_start_up_file_that_exits_is_named() {
    if !is_root() {
        return skip("needs root, for a home of its own");
    }
    let Some(sshd) = start(&Wish { bashrc: "echo not today; exit 1", ..Wish::default() }) else { return };
    let error = sshd.opener().open(&name("client1"), &sshd.address()).await.err().unwrap();
    assert_eq!(error.reasons(), ["not today"]);
    assert!(error.hints()[0].contains(".bashrc"), "{:?}", error.hints());
    let error = sshd.opener().open(&name("client1"), &sshd.user("shut")).await.err().unwrap();
    assert!(error.message().ends_with("lets this user not log in"), "{error}");
}

#[tokio::test]
async fn fresh_is_a_new_log_in_and_all_else_is_not() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let node = open(&sshd).await;
    for _ in 0..20 {
        assert_eq!(read(&node, "echo x").await, "x\n");
    }
    assert_eq!(node.spawn("exit 4", false).await.unwrap().output().await.unwrap().status, 4);
    assert_eq!(node.spawn("no-such-program", false).await.unwrap().output().await.unwrap().status, 127);
    assert_eq!(sshd.log_ins(), 1);
    let output = node.fresh("echo 'it is me!'; exit 255", SOON).await.unwrap();
    assert_eq!((output.status, output.text().as_str()), (255, "it is me!\n"));
    assert_eq!(sshd.log_ins(), 2);
    fs::remove_file(sshd.path("authorized_keys")).unwrap();
    let error = node.fresh("true", SOON).await.unwrap_err();
    assert!(error.message().contains("accepts no key"), "{error}");
    assert_eq!(read(&node, "echo still in").await, "still in\n");
}

#[tokio::test]
async fn streams_pass_over_ssh() {
    use tokio::io::AsyncWriteExt;
    let Some(sshd) = start(&Wish::default()) else { return };
    let node = open(&sshd).await;
    let mut cat = node.spawn("cat; echo end", false).await.unwrap();
    let mut stdin = cat.stdin.take().unwrap();
    let content = vec![b'x'; 3_000_000];
    let write = async {
        stdin.write_all(&content).await.unwrap();
        drop(stdin);
    };
    let ((), output) = tokio::join!(write, cat.output());
    assert_eq!(output.unwrap().stdout.len(), content.len() + 4);
}

#[tokio::test]
async fn a_terminal_is_hung_up_when_it_is_dropped() {
    use tokio::io::AsyncReadExt;
    if !is_root() {
        return skip("needs root, since sshd gives the terminal to its user");
    }
    let Some(sshd) = start(&Wish::default()) else { return };
    let node = open(&sshd).await;
    let mut terminal = node.spawn("echo $(tty) $$; sleep 30", true).await.unwrap();
    let mut bytes = [0; 64];
    let count = terminal.stdout.read(&mut bytes).await.unwrap();
    let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
    let (tty, pid) = said.trim().split_once(' ').unwrap();
    assert!(tty.starts_with("/dev/"), "{said}");
    drop(terminal);
    assert!(!runs(pid), "{said}");
}

#[tokio::test]
async fn a_deadline_hangs_up_on_the_node() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let node = open(&sshd).await;
    let pid = sshd.path("pid");
    let script = format!("sleep 31 & echo $! >{}; wait", pid.display());
    let error = node.probe().read(&script, Duration::from_millis(500)).await.unwrap_err();
    assert!(error.message().contains("did not end within 0.5 s"), "{error}");
    let before = Instant::now();
    assert!(node.probe().read("true", SOON).await.is_err());
    assert!(before.elapsed() < Duration::from_millis(50));
    let sleeper = fs::read_to_string(pid).unwrap();
    assert!(!runs(sleeper.trim()), "{sleeper}");
}

fn runs(pid: &str) -> bool {
    (0..100).all(|_| {
        std::thread::sleep(Duration::from_millis(10));
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    })
}

#[tokio::test]
async fn a_lost_connection_is_an_error_with_a_next_step() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let node = open(&sshd).await;
    // The shell's parent is the sshd process of this connection.
    let error = node.probe().read("kill $PPID; sleep 5", SOON).await.unwrap_err();
    let message = format!("The connection to 127.0.0.1 port {} ended during `kill $PPID; sleep 5`", sshd.port);
    assert_eq!(error.message(), message);
    assert!(error.hints()[0].contains("ssh -F"), "{:?}", error.hints());
}

#[tokio::test]
async fn the_users_own_configuration_counts() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let config = fs::read_to_string(sshd.path("ssh_config")).unwrap();
    let port = sshd.port;
    let alias = format!(
        "Host door\n  HostName 127.0.0.1\n  Port {port}\nHost inner\n  HostName localhost\n  Port {port}\n  ProxyJump door\n\
         \x20 ControlMaster auto\n  ControlPath /nonexistent/%h\n  RemoteCommand false\n  ForwardAgent yes\n  LogLevel QUIET\n"
    );
    fs::write(sshd.path("ssh_config"), alias + &config).unwrap();
    let inner = Address::Ssh { user: None, host: "inner".into(), port: None };
    let node = sshd.opener().open(&name("inner"), &inner).await.unwrap();
    assert_eq!(read(&node, "echo through; echo $SSH_AUTH_SOCK").await, "through\n\n");
    assert_eq!(sshd.log_ins(), 2);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let trace = lines.clone();
    let trace: mpiup::node::Trace = Rc::new(move |line: &str| trace.lock().unwrap().push(line.to_owned()));
    let opener = Opener::new(Options { trace: Some(trace), ..sshd.options() }).unwrap();
    let node = opener.open(&name("client1"), &sshd.address()).await.unwrap();
    let path = control_path(&lines.lock().unwrap()[0]);
    assert!(fs::exists(&path).unwrap());
    assert_eq!(processes_with(&path), 1);
    let mut endless = node.spawn("cat /dev/zero", false).await.unwrap();
    drop(node);
    drop(opener);
    for _ in 0..100 {
        if processes_with(&path) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(processes_with(&path), 0);
    assert!(!fs::exists(std::path::Path::new(&path).parent().unwrap()).unwrap());
    let mut rest = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut endless.stdout, &mut rest).await.unwrap();
}

#[tokio::test]
async fn ssh_dies_with_a_killed_mpiup() {
    if let Ok(wish) = std::env::var(CHILD) {
        return open_and_wait(&wish).await;
    }
    let Some(sshd) = start(&Wish::default()) else { return };
    // A folder that no other mpiup of this computer sweeps.
    let sockets = sshd.path("run");
    fs::create_dir(&sockets).unwrap();
    let mut child = another_mpiup(&sshd, &sockets);
    sshd.wait_for("Starting session");
    let ssh = format!("mpiup-ssh-{}-", child.id());
    assert_eq!(processes_with(&ssh), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..100 {
        if processes_with(&ssh) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(processes_with(&ssh), 0);
    // The sockets' directory stays until the next start.
    assert_eq!(directories_with(&ssh, &sockets), 1);
    let mut next = another_mpiup(&sshd, &sockets);
    let of_next = format!("mpiup-ssh-{}-", next.id());
    for _ in 0..1000 {
        if directories_with(&of_next, &sockets) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((directories_with(&of_next, &sockets), directories_with(&ssh, &sockets)), (1, 0));
    next.kill().unwrap();
    next.wait().unwrap();
}

const CHILD: &str = "MPIUP_TEST_CHILD";

/// A process of its own that opens a connection and waits, with its sockets in this folder.
fn another_mpiup(sshd: &Sshd, sockets: &std::path::Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ssh_dies_with_a_killed_mpiup", "--nocapture"])
        .env(CHILD, format!("{} {}", sshd.port, sshd.path("ssh_config").display()))
        .env("XDG_RUNTIME_DIR", sockets)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

async fn open_and_wait(wish: &str) {
    let (port, config) = wish.split_once(' ').unwrap();
    let options = Options { ssh_config: Some(config.into()), accept_new: true, ..Options::default() };
    let address = Address::Ssh { user: None, host: "127.0.0.1".into(), port: Some(port.parse().unwrap()) };
    let node = Opener::new(options).unwrap().open(&name("client1"), &address).await.unwrap();
    node.probe().read("sleep 60", SOON).await.unwrap();
}

fn directories_with(text: &str, parent: &std::path::Path) -> usize {
    let entries = fs::read_dir(parent).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(text)).count()
}

fn control_path(line: &str) -> String {
    line.split("ControlPath=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

fn processes_with(text: &str) -> usize {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let lines = pids.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

#[tokio::test]
async fn without_sudo_the_node_says_why_it_is_not_root() {
    if !is_root() {
        return skip("needs root, for a user to log in as");
    }
    let Some(sshd) = start(&Wish::default()) else { return };
    let opener = Opener::new(Options { r#become: true, ..sshd.options() }).unwrap();
    let node = opener.open(&name("client1"), &sshd.user("ana")).await.unwrap();
    assert_eq!((node.is_root(), node.login_user(), node.login_uid()), (false, "ana", 4001));
    assert!(node.why_not_root().unwrap().contains("sudo"), "{:?}", node.why_not_root());
    let node = opener.open(&name("client2"), &sshd.address()).await.unwrap();
    assert_eq!((node.is_root(), node.why_not_root()), (true, None));
}

#[tokio::test]
async fn with_sudo_everything_runs_as_root() {
    if !is_root() || !fs::exists("/usr/bin/sudo").unwrap() {
        return skip("needs root and sudo");
    }
    let sudoers = "Defaults use_pty\nroot ALL=(ALL) ALL\nana ALL=(ALL) NOPASSWD: ALL\n";
    let Some(sshd) = start(&Wish { sudoers, ..Wish::default() }) else { return };
    let opener = Opener::new(Options { r#become: true, ..sshd.options() }).unwrap();
    let node = opener.open(&name("client1"), &sshd.user("ana")).await.unwrap();
    assert_eq!((node.is_root(), node.login_user()), (true, "ana"), "{:?}", node.why_not_root());
    assert_eq!(read(&node, "id -u; echo $LC_ALL; umask").await, "0\nC\n0022\n");
    assert_eq!(node.spawn("id -u", false).await.unwrap().output().await.unwrap().text(), "0\n");
    assert_eq!(node.fresh("id -u", SOON).await.unwrap().text(), "0\n");
    let binary = node.probe().read("head -c 100000 /dev/zero | tr '\\0' '\\377'", SOON).await.unwrap();
    assert_eq!(binary.stdout, vec![255; 100_000]);
}

#[tokio::test]
async fn a_sudo_that_wants_a_terminal_gets_one_and_no_byte_is_altered() {
    use tokio::io::AsyncWriteExt;
    if !is_root() || !fs::exists("/usr/bin/sudo").unwrap() {
        return skip("needs root and sudo");
    }
    let sudoers = "Defaults requiretty\nroot ALL=(ALL) ALL\nana ALL=(ALL) NOPASSWD: ALL\n";
    let Some(sshd) = start(&Wish { sudoers, ..Wish::default() }) else { return };
    let opener = Opener::new(Options { r#become: true, ..sshd.options() }).unwrap();
    let node = opener.open(&name("client1"), &sshd.user("ana")).await.unwrap();
    assert!(node.is_root(), "{:?}", node.why_not_root());
    let output = node.probe().read("printf '\\003\\004\\r\\n\\377'; printf 'err\\n' >&2; exit 7", SOON).await.unwrap();
    assert_eq!(
        (output.status, output.stdout.as_slice(), output.stderr.as_slice()),
        (7, b"\x03\x04\r\n\xff".as_slice(), b"err\n".as_slice())
    );
    let mut copy = node.spawn("id -u; cat; echo end >&2; exit 5", false).await.unwrap();
    let mut stdin = copy.stdin.take().unwrap();
    let content: Vec<u8> = (0..=255).cycle().take(2_000_000).collect();
    let write = async {
        stdin.write_all(&content).await.unwrap();
        drop(stdin);
    };
    let ((), output) = tokio::join!(write, copy.output());
    let output = output.unwrap();
    assert_eq!((output.status, output.stderr_text().as_str()), (5, "end\n"));
    assert_eq!(output.stdout, [b"0\n".as_slice(), &content].concat());
    assert_eq!(node.fresh("id -u", SOON).await.unwrap().text(), "0\n");
    let left = read(&node, "find /tmp -maxdepth 1 -name 'mpiup.??????????' -user ana").await;
    assert_eq!(left, "");
    drop(node);
    let begun = Instant::now();
    while processes_of(4001) > 0 {
        assert!(begun.elapsed() < SOON, "something of it stays on the node");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn processes_of(uid: u32) -> usize {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.metadata().ok());
    entries.filter(|process| process.is_dir() && process.uid() == uid).count()
}

#[tokio::test]
async fn an_open_channel_answers_at_once() {
    let Some(sshd) = start(&Wish::default()) else { return };
    let start = Instant::now();
    let node = open(&sshd).await;
    let log_in = start.elapsed();
    let mut times = Vec::new();
    for _ in 0..100 {
        let start = Instant::now();
        read(&node, "umask").await;
        times.push(start.elapsed());
    }
    times.sort();
    // Measured: 0.4 ms in a debug build; an ssh process over a master takes 20 ms, a new log-in 350 ms.
    assert!(times[50] < Duration::from_millis(10), "median {:?}", times[50]);
    sshd::say(&format!("log-in {log_in:?}, then a read {:?} (median)", times[50]));
}
