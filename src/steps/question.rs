//! What a node is asked: all that the steps look at, at once.

use super::{
    layout::{Layout, OPENMPI, PRRTE, state},
    nfs, packages, sshd, tools,
};
use crate::{
    facts::Question,
    spec::{NodeName, ShareKind, Spec},
};

/// Everything that the steps want to know of a node.
pub fn question(spec: &Spec, node: &NodeName, is_root: bool) -> Question {
    let layout = Layout::new(spec, "~");
    let files = [
        "/tmp",
        "/etc/hosts",
        "/etc/exports",
        "/etc/skel/.bashrc",
        "/etc/skel/.profile",
        "~/.",
        "~/.ssh",
        "~/.ssh/authorized_keys",
        "~/.ssh/config",
        "~/.ssh/id_rsa.pub",
        "~/.ssh/id_ecdsa.pub",
        "~/.ssh/id_ed25519.pub",
        "~/.bashrc",
        "~/.profile",
        "~/.zshenv",
        "~/.tcshrc",
        "~/.cshrc",
        "~/.config",
        "~/.config/fish",
        "~/.config/fish/conf.d",
        "~/.openmpi",
        OPENMPI,
        "~/.prte",
        PRRTE,
        sshd::DROP_IN,
    ];
    let own = [
        layout.share.clone(),
        format!("{}/hosts", layout.share),
        layout.own.clone(),
        layout.fish(),
        format!("{}/node", layout.own),
        format!("{}/ssh", layout.own),
        format!("{}/verify.py", layout.own),
        layout.known_hosts.clone(),
        format!("{}.pub", layout.key),
    ];
    let secrets = vec![layout.key.clone()];
    let nfs = spec.share.kind == ShareKind::Nfs;
    let of_nfs = if nfs { nfs::files(spec) } else { vec![] };
    Question {
        secrets,
        needed: tools::needed(),
        user: spec.user.clone(),
        state: state(spec, is_root),
        env: layout.env,
        files: files.into_iter().map(str::to_owned).chain(own).chain(of_nfs).collect(),
        packages: packages::asked(spec, node),
        share: layout.share,
        nfs,
    }
}
