//! Makes an image once, with mmdebstrap, which needs apt and nothing of Debian's installer, and `mke2fs`, which fills a file
//! system without mounting it; then it is kept by what it is made of.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use super::{
    debian::Debian,
    disk,
    image::{FIRST, Image, LAST, Recipe},
};
use crate::{
    error::{Context, Error, Result},
    lab::{
        base, builder,
        host::{self, command},
        rootfs,
        watch::Watch,
        wire::{self, Message},
    },
};

/// Several hundred megabytes may come over a slow network, and mmdebstrap is silent meanwhile.
const SILENCE: Duration = Duration::from_secs(1800);
/// Sparse: it takes the room of what is written.
const SIZE: u64 = 8 << 30;

/// The image of this release with these packages beyond the usual ones, built first if need be.
///
/// # Errors
/// When it cannot be built, or nobody wants it any more.
pub(super) fn ensure(watch: &Watch, release: Debian, more: &[String], report: &mut dyn FnMut(&str)) -> Result<Image> {
    if let Some(odd) = more.iter().find(|package| !base::is_package(package)) {
        return Err(Error::usage(format!("{odd:?} cannot be the name of a package")));
    }
    let recipe = Recipe::with(release, more);
    let key = recipe.key();
    let images = disk::images();
    let folder = images.join(&key);
    disk::make_folder(&images)?;
    let _lock = base::lock(watch, &images, report)?;
    if !folder.exists() {
        report(&format!("Making the disk of machines, once: Debian {release} out of its packages, a minute or two"));
        run(watch, &recipe, &folder, report)?;
        disk::remove_forgotten(&images);
        disk::remove_forgotten(&disk::saved());
    }
    disk::note_use(&folder)?;
    Ok(Image::in_folder(&folder, &key))
}

/// Makes it in `folder`, which appears when it is whole.
fn run(watch: &Watch, recipe: &Recipe, folder: &Path, report: &mut dyn FnMut(&str)) -> Result<()> {
    let draft = folder.with_extension("partial");
    remove(&draft)?;
    disk::make_folder(&draft)?;
    let made = builder::run(watch, SILENCE, report, &|keeper| make(recipe, &draft, keeper));
    let made = made.and_then(|()| {
        fs::rename(&draft, folder).context(|| format!("cannot name the finished disk {}", folder.display()))
    });
    if made.is_err() {
        // What is left now goes before the next try.
        let _ = remove(&draft);
    }
    made
}

fn remove(draft: &Path) -> Result<()> {
    match fs::remove_dir_all(draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::failed(format!("cannot remove {}", draft.display())).because(error))
        }
        _ => Ok(()),
    }
}

fn make(recipe: &Recipe, draft: &Path, keeper: &mut impl Write) -> Result<()> {
    // mmdebstrap mounts /proc and others in the tree: seen here alone, they are gone when this process is.
    rootfs::make_private()?;
    let tree = draft.join("tree");
    fetch(recipe, draft, &tree, keeper)?;
    wire::send(keeper, &Message::Report { text: "Writing the disk of the machines".to_owned() })?;
    let image = Image::in_folder(draft, "");
    copy_newest(&tree.join("boot"), "vmlinuz-", &image.kernel)?;
    copy_newest(&tree.join("boot"), "initrd.img-", &image.initrd)?;
    File::create(&image.disk)
        .and_then(|file| file.set_len(SIZE))
        .context(|| format!("cannot make {}", image.disk.display()))?;
    host::run(command("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&tree).arg(&image.disk))?;
    fs::remove_dir_all(&tree).context(|| format!("cannot remove {}", tree.display()))
}

fn fetch(recipe: &Recipe, draft: &Path, tree: &Path, keeper: &mut impl Write) -> Result<()> {
    let failed = || "cannot run mmdebstrap";
    let hook = |file: &str, script: &str| -> Result<String> {
        let path = draft.join(file);
        fs::write(&path, script).context(|| format!("cannot write {}", path.display()))?;
        Ok(format!("sh {} \"$1\"", crate::quote::sh(&path.to_string_lossy())))
    };
    let mut mmdebstrap = command("mmdebstrap");
    mmdebstrap.args(["--mode=root", "--variant=minbase", "--format=directory"]);
    mmdebstrap.arg("--aptopt=APT::Install-Recommends \"false\"").arg("--aptopt=Acquire::Retries \"2\"");
    // Package lists stay, as on a machine that was installed today.
    mmdebstrap.arg("--skip=cleanup/apt/lists").arg(format!("--include={}", recipe.packages.join(",")));
    mmdebstrap.arg(format!("--essential-hook={}", hook("first", FIRST)?));
    mmdebstrap.arg(format!("--customize-hook={}", hook("last", LAST)?));
    mmdebstrap.arg(recipe.release.suite()).arg(tree).env("LC_ALL", "C");
    if !recipe.sources.is_empty() {
        mmdebstrap.arg("-");
    }
    mmdebstrap.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = mmdebstrap.spawn().context(failed)?;
    give(&mut child, &recipe.sources).context(failed)?;
    let said = child.stderr.take().map(|said| follow(BufReader::new(said), keeper)).transpose()?.unwrap_or_default();
    let status = child.wait().context(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::failed(format!("the disk of the machines could not be made: mmdebstrap ended with {status}"))
        .because(said)
        .hinted("Does the network reach the package archive? Try by hand: sudo apt-get update"))
}

fn give(child: &mut Child, sources: &[String]) -> std::io::Result<()> {
    let Some(mut input) = child.stdin.take() else { return Ok(()) };
    sources.iter().try_for_each(|line| writeln!(input, "{line}"))
}

/// Passes on what it is busy with, and returns the last lines for the case of an error.
fn follow(lines: impl BufRead, keeper: &mut impl Write) -> Result<String> {
    let mut last = VecDeque::new();
    for line in lines.lines().map_while(std::result::Result::ok) {
        if let Some(text) = line.strip_prefix("I: ").filter(|text| text.ends_with("...")) {
            wire::send(keeper, &Message::Report { text: format!("  {}", text.trim_end_matches('.')) })?;
        }
        last.push_back(line);
        if last.len() > 12 {
            last.pop_front();
        }
    }
    Ok(Vec::from(last).join("\n"))
}

fn copy_newest(folder: &Path, prefix: &str, to: &Path) -> Result<()> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    let newest = found.pop().ok_or_else(|| Error::failed(format!("the image has no /boot/{prefix}…")))?;
    fs::copy(&newest, to).map(drop).context(|| format!("cannot copy {}", newest.display()))
}
