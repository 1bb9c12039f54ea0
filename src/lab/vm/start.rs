//! How a lab of machines that boot comes up, in the keeper: image, network, saved machines, then all of them at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use super::{
    accelerator, boot,
    debian::Debian,
    disk,
    identity::{self, Identity},
    image::Image,
    image_build,
    qemu::{self, Hardware},
    saved::{self, Saved},
};
use crate::{
    error::{Error, Result},
    lab::{
        network,
        running::{Running, Wanted},
        ssh_files,
        start::Cables,
        state::{self, MachineState, Process},
        watch::Watch,
    },
};

/// sshd is started when the machine gets its keys.
const SSHD: Duration = Duration::from_secs(120);

/// Brings up the machines. What is started is in `lab` at once, so that an error leaves nothing.
pub(in crate::lab) fn all(
    watch: &Watch,
    lab: &mut Running,
    wanted: &Wanted<'_>,
    program: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<()> {
    let name = lab.state.name.clone();
    let sockets = state::directory(&name);
    let places: Vec<Debian> = (0..wanted.count).map(|place| Debian::of_place(place, wanted.debian)).collect();
    let images = images(watch, &places, wanted.packages, report)?;
    let accelerator = accelerator::choose(qemu::PROGRAM, &images[&places[0]]);
    let key = ssh_files::make_key(&name)?;
    let password = identity::make_password(&name)?;
    let (network, mut cables) = Cables::of_lab(lab)?;
    let mut saved: BTreeMap<usize, (&Image, Saved)> = BTreeMap::new();
    for (release, image) in &images {
        let places: Vec<usize> = (0..wanted.count).filter(|place| places[*place] == *release).collect();
        let machines = saved::ensure(watch, image, accelerator, &places, &mut cables, &sockets, report)?;
        saved.extend(places.into_iter().zip(machines.into_iter().map(|machine| (image, machine))));
    }
    report(&format!("Starting {} machines", wanted.count));
    let layers = disk::folder(&name)?;
    let mut booting = Vec::new();
    for (place, (image, saved)) in saved {
        let machine = network::machine_name(place);
        let layer = layers.join(format!("{machine}.qcow2"));
        disk::layer(&saved.disk, "qcow2", &layer)?;
        let hardware = Hardware { name: &machine, place, image, disk: &layer, folder: &sockets, waits: true };
        let started = boot::start(watch, &hardware, accelerator, &mut cables).and_then(|mut started| {
            started.monitor.load_from(&saved.memory)?;
            Ok(started)
        });
        booting.push(started.map_err(|error| error.on(&machine))?);
    }
    // The machines have them open: nobody else needs to find them, and they are gone when the machines are.
    disk::remove_leftovers(&name)?;
    let relay = format!("{}:{}", network.relay(), network::RELAY_PORT);
    // All at once: each takes its time, and most of it is its own processor's.
    let mut agents = Vec::new();
    for (place, machine) in booting.iter().enumerate() {
        let address = network.machine(place);
        let identity =
            Identity { name: &machine.name, address, operator_key: &key, relay: &relay, password: &password };
        let begun = machine.agent(watch, &sockets).and_then(|mut agent| {
            let given = identity::give(&mut agent, &identity)?;
            Ok((agent, given))
        });
        agents.push(begun.map_err(|error| error.on(&machine.name))?);
    }
    for (place, (machine, (mut agent, given))) in booting.into_iter().zip(agents).enumerate() {
        let (name, address) = (machine.name.clone(), network.machine(place));
        let host_key = identity::host_key(&mut agent, &given)
            .and_then(|key| wait_for_sshd(watch, address).map(|()| key))
            .map_err(|error| error.on(&name))?;
        let init = Process::of(machine.child.pid())
            .ok_or_else(|| Error::failed("the machine ended as soon as it was up").on(&name))?;
        lab.inits.push(machine.child);
        lab.state.machines.push(MachineState { name, address, host_key, init, vm: Some(machine.sockets) });
    }
    ssh_files::write(&name, program, &lab.state.machines)?;
    lab.state.ready = true;
    lab.state.write()
}

/// One for each release that a machine has.
fn images(
    watch: &Watch,
    places: &[Debian],
    packages: &[String],
    report: &mut dyn FnMut(&str),
) -> Result<BTreeMap<Debian, Image>> {
    let releases: BTreeSet<Debian> = places.iter().copied().collect();
    releases.into_iter().map(|release| Ok((release, image_build::ensure(watch, release, packages, report)?))).collect()
}

fn wait_for_sshd(watch: &Watch, address: Ipv4Addr) -> Result<()> {
    let until = Instant::now() + SSHD;
    while !listens(address) {
        if Instant::now() > until {
            return Err(Error::failed(format!("its sshd was not there after {} s", SSHD.as_secs())));
        }
        boot::pause(watch)?;
    }
    Ok(())
}

/// The keeper is in the lab's network by now.
fn listens(address: Ipv4Addr) -> bool {
    TcpStream::connect_timeout(&(address, 22).into(), Duration::from_secs(2)).is_ok()
}
