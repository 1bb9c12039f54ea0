//! Processes of the lab that go on in this program's code: a node's init, the relay, the builder of the base layer.
//!
//! Guarantees: a child never outlives its parent (the kernel kills it), has a session of its own, no signal blocked,
//! and none of the parent's files but those named. It does not guarantee anything when the parent has threads:
//! [`assert_single`] is for that.

use std::{
    ffi::CStr,
    os::fd::{AsRawFd, BorrowedFd},
};

use nix::{
    libc,
    sched::CloneFlags,
    sys::{
        signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, signal, sigprocmask},
        wait::waitpid,
    },
    unistd::Pid,
};

use crate::error::{Context, Error, Result};

const STACK: usize = 4 << 20;

/// What a child runs; the value is its exit status.
pub(super) type Body<'a> = Box<dyn FnMut() -> isize + 'a>;

/// A running child. Dropped, it is killed and waited for; when it is process 1 of its own process namespace, that is
/// the end of everything in there.
pub(super) struct Child(Option<Pid>);

impl Child {
    /// 0 when it has ended and was reaped.
    pub(super) fn pid(&self) -> i32 {
        self.0.map_or(0, Pid::as_raw)
    }

    pub(super) fn kill(&self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself: that is as good.
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// Somebody waited for it already: its number may mean another process from now on.
    pub(super) fn was_reaped(&mut self) {
        self.0 = None;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        if let Some(pid) = self.0 {
            while waitpid(pid, None) == Err(nix::errno::Errno::EINTR) {}
        }
    }
}

/// Starts `body` in a new process with new namespaces. `keep` stays open in it, and so do the standard streams.
/// `name` is what `ps` shows, at most 15 bytes.
pub(super) fn spawn(name: &CStr, namespaces: CloneFlags, keep: &[BorrowedFd<'_>], mut body: Body<'_>) -> Result<Child> {
    let keep: Vec<i32> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    let prepared: Body<'_> = Box::new(|| {
        if prepare(name, &keep).is_err() {
            return 1;
        }
        body()
    });
    let mut stack = vec![0_u8; STACK];
    #[allow(
        unsafe_code,
        reason = "clone without CLONE_VM is a fork: the child has a copy of everything, the stack included, and the \
                  parent has one thread, so no lock is held by a thread that the child lacks"
    )]
    let child = unsafe { nix::sched::clone(prepared, &mut stack, namespaces, Some(libc::SIGCHLD)) };
    child.map(|pid| Child(Some(pid))).context(|| "cannot start a process with namespaces of its own")
}

/// An error when this process has more than one thread: a lock held by another thread would stay locked in a child.
pub(super) fn assert_single() -> Result<()> {
    let threads = std::fs::read_dir("/proc/self/task").context(|| "cannot count this process's threads")?.count();
    if threads == 1 {
        return Ok(());
    }
    Err(Error::failed(format!("the lab's keeper was started with {threads} threads, and it must have one")))
}

fn prepare(name: &CStr, keep: &[i32]) -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    nix::sys::prctl::set_name(name)?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    close_others(keep);
    nix::unistd::setsid().map(drop)
}

/// Closes every file above the standard streams that is not in `keep`: an end of another node's socket that stays
/// open here would hide that the other end is gone.
fn close_others(keep: &[i32]) {
    let Ok(list) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for fd in open {
        if fd > 2 && !keep.contains(&fd) {
            // The list's own descriptor is in it and closed by now: an error here says nothing.
            let _ = nix::unistd::close(fd);
        }
    }
}

/// Signals as a program expects them at its start: whoever started us may have run under nohup.
pub(super) fn default_signals() -> Result<()> {
    for each in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGCHLD] {
        #[allow(unsafe_code, reason = "sets the default action, so no handler of ours can run at a bad moment")]
        unsafe { signal(each, SigHandler::SigDfl) }.context(|| format!("cannot reset {each}"))?;
    }
    Ok(())
}

/// Takes capabilities away from this process and all that it will start, for good.
pub(super) fn drop_capabilities(numbers: &[libc::c_ulong]) {
    for number in numbers {
        #[allow(unsafe_code, reason = "nix has no call for it; plain numbers go in, nothing comes out")]
        // A kernel that does not know the capability says EINVAL: then there is nothing to take away.
        let _ = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, *number, 0, 0, 0) };
    }
}
