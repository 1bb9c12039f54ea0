//! A process that makes something which later labs share, in namespaces of its own: nothing that it started or mounted
//! outlives it. The keeper listens to it, and gives up when nobody wants the lab any more.

use std::{
    io::{BufRead, BufReader, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::Duration,
};

use nix::sched::CloneFlags;

use super::{
    child,
    watch::Watch,
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

/// Runs `make` in it, which tells its progress over the socket.
///
/// # Errors
/// Those of `make`; also when it says nothing for as long as `silence`.
pub(super) fn run(
    watch: &Watch,
    silence: Duration,
    report: &mut dyn FnMut(&str),
    make: &dyn Fn(&mut &UnixStream) -> Result<()>,
) -> Result<()> {
    let (ours, theirs) = UnixStream::pair().context(|| "cannot make a socket")?;
    let namespaces =
        CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    let body: child::Body<'_> = Box::new(|| end(make(&mut &theirs), &mut &theirs));
    let builder = child::spawn(c"mpiup-base", namespaces, &[theirs.as_fd()], body)?;
    drop(theirs);
    let result = listen(watch, silence, &ours, report);
    drop(builder);
    result
}

/// The exit status; what is to be said goes to the keeper.
fn end(made: Result<()>, keeper: &mut impl Write) -> isize {
    let last = match made {
        Ok(()) => Message::Done,
        Err(error) => Message::failed(&error),
    };
    isize::from(wire::send(keeper, &last).is_err())
}

fn listen(watch: &Watch, silence: Duration, builder: &UnixStream, report: &mut dyn FnMut(&str)) -> Result<()> {
    let mut lines = BufReader::new(builder);
    loop {
        if lines.buffer().is_empty() && !watch.wait(&[builder.as_fd()], silence)?.contains(&true) {
            return Err(Error::failed(format!("apt said nothing for {} s", silence.as_secs()))
                .hinted("Is the network slow or blocked? Try by hand: sudo apt-get update"));
        }
        let mut line = String::new();
        lines.read_line(&mut line).context(|| "cannot hear the builder of the base layer")?;
        match wire::parse(&line) {
            Some(Message::Report { text }) => report(&text),
            Some(Message::Done) => return Ok(()),
            Some(failed @ Message::Failed { .. }) => {
                return Err(failed.into_error().unwrap_or_else(|| Error::failed("cannot make the base layer")));
            }
            _ => return Err(Error::failed("the builder of the base layer ended in the middle")),
        }
    }
}
