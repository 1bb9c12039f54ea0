//! What was seen on a node: gathered by `gather.sh` in one round trip, parsed by pure functions, one a file.

pub mod accounts;
pub mod addresses;
pub mod apt;
pub mod clock;
pub mod coming;
pub mod dnf;
pub mod exports;
pub mod files;
pub mod frame;
pub mod hardware;
pub mod install;
pub mod journal;
pub mod members;
pub mod modules;
pub mod mpi;
pub mod nfs;
pub mod os;
mod pacman;
pub mod python;
pub mod share;
pub mod sshd;
pub mod walls;
pub mod zypper;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    distributions::{self, Family},
    error::Result,
    quote,
};

/// What to look at on a node.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The cluster's user, who may not exist yet.
    pub user: String,
    /// The folder of this cluster's journal; `~/` is the login user's home.
    pub state: String,
    /// The Python environment; `~/` is the home of the cluster's user.
    pub env: String,
    pub files: Vec<String>,
    /// Files whose mode and owner are asked for, and never what they hold.
    pub secrets: Vec<String>,
    /// Programs that have to be there.
    pub needed: Vec<&'static str>,
    /// By family: only a node knows to which one it belongs. Empty: nothing is asked.
    pub packages: Vec<Asked>,
    /// The shared folder; `~/` is the home of the cluster's user.
    pub share: String,
    /// Whether it is to come over NFS.
    pub nfs: bool,
}

/// The shell function that looks at the shared folder.
pub const LOOK_AT_SHARE: &str = include_str!("share.sh");

/// What to look for on nodes of one family of systems.
#[derive(Debug, Clone)]
pub struct Asked {
    pub family: &'static Family,
    pub packages: Vec<&'static str>,
}

impl Question {
    /// The script that answers it.
    pub fn script(&self) -> String {
        let set = |name: &str, value: &str| format!("{name}={}\n", quote::sh(value));
        [
            set("user", &self.user),
            set("state", &self.state),
            set("env", &self.env),
            set("files", &self.files.join("\n")),
            set("secrets", &self.secrets.join("\n")),
            set("needed", &self.needed.join(" ")),
            set("launchers_aside", &distributions::launchers_aside().join(" ")),
            set("share", &self.share),
            set("nfs", if self.nfs { "yes" } else { "no" }),
            self.of_family(),
            LOOK_AT_SHARE.to_owned(),
            if self.nfs { include_str!("nfs.sh").to_owned() } else { String::new() },
            include_str!("gather.sh").to_owned(),
        ]
        .concat()
    }

    /// Sets the package manager of the system and the packages to look for.
    fn of_family(&self) -> String {
        let mut script = "manager= packages=\n".to_owned();
        if self.packages.is_empty() {
            return script;
        }
        script.push_str(
            "case \" $(sed -n 's/^ID\\(_LIKE\\)\\{0,1\\}=//p' /etc/os-release 2>/dev/null | tr -d '\"'\\' | tr '\\n' ' ') \" in\n",
        );
        for Asked { family, packages } in &self.packages {
            let words: Vec<String> = family.ids.iter().map(|id| format!("*' {id} '*")).collect();
            let packages = quote::sh(&packages.join(" "));
            script.push_str(&format!("{}) manager={} packages={packages} ;;\n", words.join("|"), family.name));
        }
        script.push_str("esac\n");
        script
    }
}

/// A node as it was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// Who mpiup is on this node.
    pub login: accounts::Account,
    pub is_root: bool,
    /// The account that ssh logged in, which sudo may have made root since.
    #[serde(skip)]
    pub operator: String,
    /// Lines of the login user's `authorized_keys`: who may log in here already.
    #[serde(skip)]
    pub operator_keys: Vec<String>,
    /// The cluster's user, where the account exists.
    pub user: Option<accounts::Account>,
    /// The account's last day has passed (`chage -E`), by the node's clock: nobody logs in to it, with whatever key.
    #[serde(skip)]
    pub user_has_expired: bool,
    /// Its password is locked (`usermod -L`), which is all the same to a key where sshd asks PAM.
    #[serde(skip)]
    pub user_is_locked: bool,
    /// Its password has to be changed at the next log-in (`chage -d 0`, or too old): PAM lets no command through before.
    #[serde(skip)]
    pub user_must_change: bool,
    /// Every uid and gid in use, so that one can be chosen that is free everywhere.
    #[serde(skip)]
    pub ids_in_use: BTreeSet<u32>,
    pub os: os::Os,
    /// `Linux 6.1.0-18-amd64 x86_64`
    pub kernel: String,
    pub host_name: String,
    /// Two nodes with the same one share a kernel, so they share their cores.
    pub boot_id: String,
    pub machine_id: String,
    pub cores: u32,
    pub cpu: String,
    pub memory_mib: u64,
    pub addresses: Vec<addresses::Address>,
    /// Names of InfiniBand and RoCE devices.
    pub infiniband: Vec<String>,
    /// Public host keys as they stand in `/etc/ssh`: type, key, comment.
    pub host_keys: Vec<String>,
    #[serde(skip)]
    pub sshd: Option<sshd::SshdConfig>,
    /// Firewalls that drop what they do not know, where root could ask.
    #[serde(skip)]
    pub walls: Vec<walls::Wall>,
    pub python: Option<python::Interpreter>,
    pub mpi: Vec<mpi::Launcher>,
    /// Version by name, of the packages that were asked for and are installed.
    pub packages: BTreeMap<String, String>,
    /// What the package manager would do for those that are missing; `None` when nothing is missing or it cannot tell.
    pub coming: Option<Vec<install::Install>>,
    pub tools: BTreeSet<String>,
    /// Of the programs that were asked for, those that are not there.
    #[serde(skip)]
    pub missing: BTreeSet<String>,
    /// What is mounted at the shared folder.
    #[serde(skip)]
    pub share: share::Share,
    /// Only where the share comes over NFS.
    #[serde(skip)]
    pub nfs: Option<nfs::Nfs>,
    #[serde(skip)]
    pub files: files::Files,
    /// The key of the environment that stands there, complete.
    pub env_stamp: Option<String>,
    /// KiB that are free for the home.
    pub disk_free_kib: Option<u64>,
    /// KiB that are free for temporary files.
    #[serde(skip)]
    pub tmp_free_kib: Option<u64>,
    /// Whether who mpiup is there may write in `/etc`: root may not where the system is read-only.
    #[serde(skip)]
    pub etc_is_writable: bool,
    /// KiB that are free for the journal.
    #[serde(skip)]
    pub journal_free_kib: Option<u64>,
    /// Seconds since 1970, by the node's clock.
    #[serde(skip)]
    pub clock: Option<i64>,
    /// Seconds by which that is ahead of the operator's clock, or behind it; 0 within the time that the question took.
    #[serde(skip)]
    pub clock_ahead: Option<i64>,
    pub journal: Vec<journal::Entry>,
    #[serde(skip)]
    pub unconfirmed: Option<journal::Unconfirmed>,
    /// Who was in the cluster when mpiup last changed something here.
    #[serde(skip)]
    pub members: Vec<members::Noted>,
    /// mpi4py where programs find it without mpiup.
    pub modules: Vec<modules::Module>,
}

impl Facts {
    /// What `uname -m` says.
    pub fn arch(&self) -> &str {
        self.kernel.rsplit(' ').next().unwrap_or_default()
    }

    /// The package of this name that the node's Python finds without mpiup.
    pub fn module(&self, name: &str) -> Option<&modules::Module> {
        let version = self.python.as_ref().map(|python| (u32::from(python.version.0), u32::from(python.version.1)));
        self.modules.iter().find(|module| module.name == name && (module.python.is_none() || module.python == version))
    }

    pub fn file(&self, name: &str) -> Option<&files::File> {
        self.files.get(name)
    }

    /// A file's text; `None` when there is no such file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name)?.content.as_deref()
    }

    /// Reads what `Question::script` printed.
    ///
    /// # Errors
    /// When the report is cut off or lacks what every node has.
    pub fn parse(report: &[u8]) -> Result<Facts> {
        let frames = frame::frames(report)?;
        let by_name: BTreeMap<&str, &str> = frames.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
        let get = |name: &str| by_name.get(name).map(|text| text.trim()).unwrap_or_default();
        let words = |name: &str| get(name).split_whitespace().map(str::to_owned);
        let mut ids = get("id").split(' ');
        let uid: u32 = ids.next().and_then(|id| id.parse().ok()).unwrap_or(u32::MAX);
        let name = ids.next().unwrap_or_default().to_owned();
        let gid = ids.next().and_then(|id| id.parse().ok()).unwrap_or(uid);
        let login = accounts::account(get("passwd_self")).unwrap_or_else(|| accounts::Account {
            home: if uid == 0 { "/root".into() } else { format!("/home/{name}") },
            shell: "/bin/sh".into(),
            name,
            uid,
            gid,
        });
        let package = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        };
        Ok(Facts {
            is_root: uid == 0,
            operator: Some(get("operator")).filter(|name| !name.is_empty()).unwrap_or(&login.name).to_owned(),
            login,
            operator_keys: get("operator_keys").lines().map(str::to_owned).collect(),
            user: accounts::account(get("passwd_user")),
            user_has_expired: accounts::has_expired(get("user_expires")),
            user_is_locked: get("user_is_locked") == "yes",
            user_must_change: get("user_must_change") == "yes",
            ids_in_use: words("ids_in_use").filter_map(|id| id.parse().ok()).collect(),
            os: os::os(get("os")),
            kernel: get("kernel").into(),
            host_name: get("host_name").into(),
            boot_id: get("boot_id").into(),
            machine_id: get("machine_id").into(),
            cores: get("cores").parse().unwrap_or(1),
            cpu: hardware::cpu(get("cpu")),
            memory_mib: hardware::memory_mib(get("memory")),
            addresses: addresses::addresses(get("addresses")),
            infiniband: words("infiniband").collect(),
            host_keys: get("host_keys").lines().map(str::to_owned).collect(),
            sshd: sshd::config(get("sshd")),
            walls: walls::walls(&by_name),
            python: python::interpreter(get("python")),
            mpi: mpi::launchers(get("mpi")),
            packages: get("packages").lines().filter_map(package).collect(),
            coming: ["apt", "dnf", "zypper", "pacman"]
                .iter()
                .find_map(|manager| coming::installs(manager, get(manager))),
            tools: words("tools").collect(),
            missing: words("missing").collect(),
            share: share::share(get("share_path"), get("share_mounts"), get("share_silent"), get("share_holds")),
            nfs: Some(get("nfs")).filter(|text| !text.is_empty()).map(|text| nfs::nfs(text, get("exports"))),
            files: frames.iter().filter_map(|(name, content)| files::file(name, content)).collect(),
            env_stamp: Some(get("env_stamp").to_owned()).filter(|stamp| !stamp.is_empty()),
            etc_is_writable: get("etc_is_read_only").is_empty(),
            disk_free_kib: hardware::free_kib(get("disk_free")),
            journal_free_kib: hardware::free_kib(get("state_free")),
            clock: get("clock").parse().ok(),
            clock_ahead: None,
            tmp_free_kib: get("tmp_free").lines().last().and_then(hardware::free_kib),
            journal: journal::entries(get("journal")),
            unconfirmed: journal::unconfirmed(get("unconfirmed")),
            members: members::noted(get("members")),
            modules: modules::modules(get("modules")),
        })
    }
}
