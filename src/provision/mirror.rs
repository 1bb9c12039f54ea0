//! An HTTP proxy on this machine, for nodes that do not reach the mirrors of their packages by themselves.
//!
//! Guarantees: it listens on the loopback alone, serves only who knows its word, and dials only hosts that it was told of, and
//! where these redirect to. It ends with its [`Mirror`]. It passes bytes on and never looks inside: what the packages are worth is
//! for the node's own package manager to say, which checks their signatures as ever.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::error::{Context as _, Result};

/// A request's or an answer's head; apt's are far smaller.
const LONGEST_HEAD: usize = 32 * 1024;
/// A mirror that does not answer is one that apt gives up too.
const DIAL: Duration = Duration::from_secs(30);
/// Of a client that connects and says nothing.
const HEAD: Duration = Duration::from_secs(60);

/// The running proxy.
#[derive(Debug)]
pub struct Mirror {
    pub port: u16,
    word: String,
    known: Known,
    serving: JoinHandle<()>,
}

/// Hosts and ports that may be dialled.
type Known = Arc<Mutex<BTreeSet<(String, u16)>>>;

impl Mirror {
    /// # Errors
    /// When nothing can listen here.
    pub async fn open() -> Result<Self> {
        let failed = || "the packages cannot be passed on from this machine: no port could be opened";
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context(failed)?;
        let port = listener.local_addr().context(failed)?.port();
        let word = word().context(failed)?;
        let known = Known::default();
        let (shared, expected) = (known.clone(), format!("Basic {}", base64(format!("mpiup:{word}").as_bytes())));
        let serving = tokio::spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while clients.try_join_next().is_some() {}
                let (known, expected) = (shared.clone(), expected.clone());
                // A client that breaks off, or a mirror that does, concerns that connection alone.
                clients.spawn(async move { serve(client, &known, &expected).await });
            }
        });
        Ok(Self { port, word, known, serving })
    }

    /// Lets it dial the hosts of these addresses; those that are not of HTTP are passed over. How many there were.
    pub fn allow<'a>(&self, addresses: impl IntoIterator<Item = &'a str>) -> usize {
        let targets: Vec<(String, u16)> = addresses.into_iter().filter_map(target).collect();
        let count = targets.len();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(targets);
        count
    }

    /// Its address where `port` of a loopback leads to it.
    pub fn address(&self, port: u16) -> String {
        format!("http://mpiup:{}@127.0.0.1:{port}/", self.word)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Only who was given it gets through: others on either machine reach the port, too.
fn word() -> io::Result<String> {
    let mut bytes = [0; 16];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One request and its answer, then the connection ends.
async fn serve(mut client: TcpStream, known: &Known, expected: &str) -> io::Result<()> {
    let head = tokio::time::timeout(HEAD, head(&mut client)).await??;
    let Some(request) = request(&head.text) else { return refuse(client, "400 Bad Request").await };
    if request.authorization != Some(expected) {
        return refuse(client, "407 Proxy Authentication Required").await;
    }
    if !known.lock().unwrap_or_else(PoisonError::into_inner).contains(&request.target) {
        return refuse(client, "403 Not a mirror of this node").await;
    }
    let (host, port) = &request.target;
    let dialled = tokio::time::timeout(DIAL, TcpStream::connect((host.as_str(), *port))).await;
    let Ok(Ok(mut server)) = dialled else {
        let why = match dialled {
            Ok(Err(error)) => error.to_string(),
            _ => format!("no answer within {} s", DIAL.as_secs()),
        };
        return refuse(client, &format!("502 {host} is not reached from the computer that runs mpiup either: {why}"))
            .await;
    };
    match &request.forward {
        None => client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?,
        Some(text) => server.write_all(text.as_bytes()).await?,
    }
    server.write_all(&head.rest).await?;
    if request.forward.is_some() {
        let answer = tokio::time::timeout(HEAD, self::head(&mut server)).await??;
        if let Some(address) = redirect(&answer.text) {
            known.lock().unwrap_or_else(PoisonError::into_inner).extend(target(address));
        }
        client.write_all(answer.text.as_bytes()).await?;
        client.write_all(&answer.rest).await?;
    }
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn refuse(mut client: TcpStream, why: &str) -> io::Result<()> {
    client.write_all(format!("HTTP/1.1 {why}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await
}

/// What was read up to the empty line, that one included, and what came with it.
struct Head {
    text: String,
    rest: Vec<u8>,
}

async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Head> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(Head { text: String::from_utf8(bytes).map_err(io::Error::other)?, rest });
        }
        if bytes.len() > LONGEST_HEAD || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other("no head of HTTP"));
        }
    }
}

/// What a client of a proxy asks for (RFC 9112, 3.2).
struct Request<'a> {
    target: (String, u16),
    authorization: Option<&'a str>,
    /// What the server is sent; `None`: the client speaks with it by itself (CONNECT).
    forward: Option<String>,
}

fn request(head: &str) -> Option<Request<'_>> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, address, version) = (words.next()?, words.next()?, words.next()?);
    let headers: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let authorization = headers.iter().find_map(|line| value(line, "proxy-authorization"));
    if method == "CONNECT" {
        return Some(Request { target: split_port(address, 443)?, authorization, forward: None });
    }
    if !matches!(method, "GET" | "HEAD") {
        return None;
    }
    let rest = address.strip_prefix("http://")?;
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let mut forward = format!("{method} {path} {version}\r\n");
    // One request a connection: this proxy need not know where an answer ends.
    let kept = |line: &&&str| {
        ["proxy-authorization", "proxy-connection", "connection"].iter().all(|name| value(line, name).is_none())
    };
    for line in headers.iter().filter(kept) {
        forward.push_str(line);
        forward.push_str("\r\n");
    }
    forward.push_str("Connection: close\r\n\r\n");
    Some(Request { target: target(address)?, authorization, forward: Some(forward) })
}

/// The value of a header's line with this name.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (known, value) = line.split_once(':')?;
    known.eq_ignore_ascii_case(name).then(|| value.trim())
}

/// Where an answer sends the client instead.
fn redirect(head: &str) -> Option<&str> {
    let status = head.split(' ').nth(1)?;
    head.split("\r\n").filter(|_| status.starts_with('3')).find_map(|line| value(line, "location"))
}

/// Host and port of an address.
fn target(address: &str) -> Option<(String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = rest.split('/').next()?;
    split_port(host.rsplit_once('@').map_or(host, |(_, host)| host), port)
}

fn split_port(host: &str, port: u16) -> Option<(String, u16)> {
    let (host, port) = match host.rsplit_once(':') {
        Some((host, text)) if !text.contains(']') => (host, text.parse().ok()?),
        _ => (host, port),
    };
    let host = host.trim_matches(['[', ']']).to_lowercase();
    (!host.is_empty()).then_some((host, port))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, at| number << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = DIGITS.get(number >> (18 - 6 * place) & 63).filter(|_| place <= three.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_apt_asks_of_a_proxy() {
        let head = "GET http://deb.debian.org/debian/dists/bookworm/InRelease HTTP/1.1\r\nHost: deb.debian.org\r\nProxy-Authorization: Basic bXBpdXA6eA==\r\nUser-Agent: Debian APT-HTTP/1.3 (2.6.1)\r\n\r\n";
        let asked = request(head).unwrap();
        assert_eq!((asked.target, asked.authorization), (("deb.debian.org".into(), 80), Some("Basic bXBpdXA6eA==")));
        assert_eq!(
            asked.forward.unwrap(),
            "GET /debian/dists/bookworm/InRelease HTTP/1.1\r\nHost: deb.debian.org\r\nUser-Agent: Debian APT-HTTP/1.3 (2.6.1)\r\nConnection: close\r\n\r\n"
        );
        let tunnel =
            request("CONNECT packages.example.org:443 HTTP/1.1\r\nHost: packages.example.org:443\r\n\r\n").unwrap();
        assert_eq!((tunnel.target, tunnel.forward), (("packages.example.org".into(), 443), None));
        assert!(request("POST http://deb.debian.org/ HTTP/1.1\r\n\r\n").is_none());
        assert!(request("GET /no/proxy HTTP/1.1\r\n\r\n").is_none());
    }

    #[test]
    fn reads_addresses() {
        let is = |address: &str| target(address);
        assert_eq!(is("http://Deb.debian.org/debian"), Some(("deb.debian.org".into(), 80)));
        assert_eq!(is("https://user:pw@mirror.lan:8443/x"), Some(("mirror.lan".into(), 8443)));
        assert_eq!(is("http://[fd00::1]:3142/debian"), Some(("fd00::1".into(), 3142)));
        assert_eq!(is("http://[fd00::1]/debian"), Some(("fd00::1".into(), 80)));
        assert_eq!((is("file:///srv/debs"), is("cdrom:[Debian]/"), is("http:///x")), (None, None, None));
        let moved = "HTTP/1.1 302 Found\r\nLocation: http://mirror.example.org/raspbian/x\r\n\r\n";
        assert_eq!(redirect(moved), Some("http://mirror.example.org/raspbian/x"));
        assert_eq!(redirect("HTTP/1.1 200 OK\r\nLocation: http://a/\r\n\r\n"), None);
    }

    #[test]
    fn digits_of_rfc_4648() {
        for (text, digits) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), digits);
        }
    }

    /// The proxy, a server behind it, and what a client gets that sends this head.
    async fn answer(mirror: &Mirror, head: &str) -> String {
        let mut client = TcpStream::connect(("127.0.0.1", mirror.port)).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_known_hosts_for_whom_the_word_is_known() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = format!("http://127.0.0.1:{}/pool/x.deb", server.local_addr().unwrap().port());
        let serving = tokio::spawn(async move {
            let (mut client, _) = server.accept().await.unwrap();
            let asked = head(&mut client).await.unwrap().text;
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nDEB\n").await.unwrap();
            asked
        });
        let mirror = Mirror::open().await.unwrap();
        let with = |word: &str| {
            format!(
                "GET {at} HTTP/1.1\r\nProxy-Authorization: Basic {}\r\n\r\n",
                base64(format!("mpiup:{word}").as_bytes())
            )
        };
        assert!(answer(&mirror, &with("guessed")).await.starts_with("HTTP/1.1 407 "));
        assert!(answer(&mirror, &format!("GET {at} HTTP/1.1\r\n\r\n")).await.starts_with("HTTP/1.1 407 "));
        assert!(answer(&mirror, &with(&mirror.word)).await.starts_with("HTTP/1.1 403 "));
        assert_eq!(mirror.allow([at.as_str(), "file:///srv"]), 1);
        assert!(answer(&mirror, &with(&mirror.word)).await.ends_with("\r\n\r\nDEB\n"));
        assert!(serving.await.unwrap().starts_with("GET /pool/x.deb HTTP/1.1\r\n"));
        assert!(mirror.address(7).ends_with("@127.0.0.1:7/"));
    }
}
