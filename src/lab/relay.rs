//! How a node reaches the world for its packages: a SOCKS5 server (RFC 1928; CONNECT without authentication) that
//! listens inside the lab and dials from this computer's network. Names are resolved on this computer.
//!
//! Only the lab's own nodes can reach it. It forwards and never looks inside.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream, ToSocketAddrs},
    os::fd::BorrowedFd,
    thread,
    time::Duration,
};

use nix::sched::{CloneFlags, setns};

const HANDSHAKE: Duration = Duration::from_secs(10);
const DIAL: Duration = Duration::from_secs(15);

/// Serves until the process ends. `outside` is this computer's network namespace.
pub(super) fn serve(listener: &TcpListener, outside: BorrowedFd<'_>) -> isize {
    if setns(outside, CloneFlags::CLONE_NEWNET).is_err() {
        return 1;
    }
    for client in listener.incoming() {
        match client {
            // A client that breaks off, or a target that does not answer, concerns that connection alone.
            Ok(client) => drop(thread::Builder::new().spawn(move || forward(client))),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
    0
}

fn forward(mut client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(HANDSHAKE))?;
    let (host, port) = read_request(&mut client)?;
    let server = match dial(&host, port) {
        Ok(server) => server,
        Err(error) => return client.write_all(&reply(reply_code(&error))),
    };
    client.write_all(&reply(0))?;
    client.set_read_timeout(None)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::Builder::new().spawn(move || copy(&mut from_client, &mut to_server))?;
    copy(&mut { server }, &mut client);
    // A panic over there has ended that direction, too.
    let _ = upwards.join();
    Ok(())
}

/// Copies one direction to its end and tells the receiver that this was all.
fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    if io::copy(from, to).is_err() {
        // The other direction ends as well: a half-broken connection is of no use to anybody.
        let _ = from.shutdown(Shutdown::Both);
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, DIAL) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Answers the greeting and reads the request: where to connect to.
fn read_request(client: &mut (impl Read + Write)) -> io::Result<(String, u16)> {
    let [version, count] = take(client)?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods)?;
    if version != 5 || !methods.contains(&0) {
        client.write_all(&[5, 0xff])?;
        return Err(io::Error::other("not SOCKS5 without authentication"));
    }
    client.write_all(&[5, 0])?;
    let [_, order, _, kind] = take(client)?;
    let host = match kind {
        1 => Ipv4Addr::from(take::<4>(client)?).to_string(),
        4 => Ipv6Addr::from(take::<16>(client)?).to_string(),
        3 => {
            let [length] = take(client)?;
            let mut name = vec![0; usize::from(length)];
            client.read_exact(&mut name)?;
            String::from_utf8(name).map_err(io::Error::other)?
        }
        _ => {
            client.write_all(&reply(8))?;
            return Err(io::Error::other("unknown kind of address"));
        }
    };
    let port = u16::from_be_bytes(take(client)?);
    if order != 1 {
        client.write_all(&reply(7))?;
        return Err(io::Error::other("only CONNECT is known"));
    }
    Ok((host, port))
}

fn take<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The bound address that belongs into it is of no use to anybody here.
fn reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

fn reply_code(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => 5,
        io::ErrorKind::NetworkUnreachable => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Talk {
        heard: io::Cursor<Vec<u8>>,
        said: Vec<u8>,
    }
    impl Read for Talk {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.heard.read(buffer)
        }
    }
    impl Write for Talk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.said.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    fn talk(heard: &[u8]) -> Talk {
        Talk { heard: io::Cursor::new(heard.to_vec()), said: Vec::new() }
    }

    #[test]
    fn understands_what_apt_sends() {
        let mut apt = talk(b"\x05\x01\x00\x05\x01\x00\x03\x0edeb.debian.org\x00\x50");
        assert_eq!(read_request(&mut apt).unwrap(), ("deb.debian.org".to_owned(), 80));
        assert_eq!(apt.said, [5, 0]);
    }

    #[test]
    fn refuses_what_it_does_not_do() {
        let mut password = talk(b"\x05\x01\x02");
        assert!(read_request(&mut password).is_err());
        assert_eq!(password.said, [5, 0xff]);
        let mut bind = talk(b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50");
        assert!(read_request(&mut bind).is_err());
        assert_eq!(bind.said[2..], reply(7));
    }
}
