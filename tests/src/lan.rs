//! Machines with a cable each to one switch, as network namespaces: cables can be pulled, and the switch can fall in two.

use anyhow::{Context, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    fs::File,
    io::ErrorKind,
    net::Ipv4Addr,
    os::fd::AsFd,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Lans of this process, which may have several at once.
static LAID: AtomicUsize = AtomicUsize::new(0);

/// Machines and the switch between them; removed with this value. Nothing else of this machine is touched.
pub struct Lan {
    switch: String,
    machines: Vec<Machine>,
}

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    namespace: String,
    /// Where the others find it.
    pub address: Ipv4Addr,
}

impl Lan {
    /// `None` where it cannot be made, after saying so.
    ///
    /// # Errors
    /// When it is made in part only.
    #[allow(clippy::print_stderr)]
    pub fn lay(machines: u8) -> anyhow::Result<Option<Self>> {
        let name = format!("rsl{}-{}", std::process::id(), LAID.fetch_add(1, Ordering::Relaxed));
        let machine = |number: u8| Machine {
            namespace: format!("{name}-{number}"),
            address: Ipv4Addr::new(10, 78, 0, number + 1),
        };
        let lan = Self {
            switch: format!("{name}-switch"),
            machines: (0..machines).map(machine).collect(),
        };
        let switch = lan.switch.as_str();
        if !ip(&["netns", "add", switch])? || !lan.in_switch("link add left type bridge")? {
            eprintln!(
                "skipped: network namespaces with a bridge cannot be made here; run as root with iproute2 installed"
            );
            return Ok(None);
        }
        lan.done("link add right type bridge")?;
        lan.done("link set left up")?;
        lan.done("link set right up")?;
        for (number, machine) in lan.machines.iter().enumerate() {
            let namespace = machine.namespace.as_str();
            ensure!(ip(&["netns", "add", namespace])?, "{namespace} cannot be made");
            lan.done(&format!(
                "link add port{number} type veth peer name cable netns {namespace}"
            ))?;
            for step in [
                "link set lo up".to_owned(),
                format!("addr add {}/24 dev cable", machine.address),
                "link set cable up".to_owned(),
            ] {
                ensure!(ip_in(namespace, &step)?, "{namespace}: {step}");
            }
            lan.done(&format!("link set port{number} master left"))?;
            lan.plug(number)?;
        }
        Ok(Some(lan))
    }

    /// One of the machines.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn machine(&self, number: usize) -> anyhow::Result<Machine> {
        self.machines.get(number).cloned().context("no such machine")
    }

    /// Pulls a machine's cable out of the switch.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn pull(&self, machine: usize) -> anyhow::Result<()> {
        self.done(&format!("link set port{machine} down"))
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn plug(&self, machine: usize) -> anyhow::Result<()> {
        self.done(&format!("link set port{machine} up"))
    }

    /// Lets these machines hear each other only, and the others the others.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn part(&self, apart: &[usize]) -> anyhow::Result<()> {
        self.each_to(apart, "right")
    }

    /// All machines hear each other again after [`Lan::part`].
    ///
    /// # Errors
    /// When that cannot be.
    pub fn join(&self) -> anyhow::Result<()> {
        let all: Vec<usize> = (0..self.machines.len()).collect();
        self.each_to(&all, "left")
    }

    fn each_to(&self, machines: &[usize], bridge: &str) -> anyhow::Result<()> {
        for machine in machines {
            self.done(&format!("link set port{machine} master {bridge}"))?;
        }
        Ok(())
    }

    fn in_switch(&self, step: &str) -> anyhow::Result<bool> {
        ip_in(&self.switch, step)
    }

    fn done(&self, step: &str) -> anyhow::Result<()> {
        ensure!(self.in_switch(step)?, "the switch: {step}");
        Ok(())
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for namespace in self
            .machines
            .iter()
            .map(|machine| &machine.namespace)
            .chain([&self.switch])
        {
            // Fails only for one that was never made.
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

impl Machine {
    /// A program on this machine, not yet started. The process that starts is the program's own.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }

    /// Works on this machine: what is connected to is what it reaches.
    ///
    /// # Errors
    /// When nothing can be done there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
        let namespace = File::open(Path::new("/run/netns").join(&self.namespace))?;
        let entering = || {
            // A thread of its own: the others of this process stay where they are.
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            anyhow::Ok(work())
        };
        let worked = std::thread::scope(|scope| scope.spawn(entering).join());
        worked.map_err(|_| anyhow::anyhow!("what was done on {} panicked", self.namespace))?
    }
}

fn ip_in(namespace: &str, step: &str) -> anyhow::Result<bool> {
    let arguments: Vec<&str> = ["-n", namespace].into_iter().chain(step.split(' ')).collect();
    ip(&arguments)
}

/// Whether `ip` did it; not where there is no `ip`.
fn ip(arguments: &[&str]) -> anyhow::Result<bool> {
    let status = Command::new("ip")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        status => Ok(status.context("ip cannot be run")?.success()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::until;
    use std::{
        net::{TcpListener, TcpStream},
        time::Duration,
    };

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Whether one machine reaches a listener of another.
    fn reaches(lan: &Lan, from: usize, to: usize) -> bool {
        let to = (lan.machine(to).unwrap().address, 7_000).into();
        let connecting = move || TcpStream::connect_timeout(&to, Duration::from_millis(500)).is_ok();
        lan.machine(from).unwrap().inside(connecting).unwrap()
    }

    fn comes_true(lan: &Lan, expected: &[(usize, usize, bool)]) {
        until("cables are as they should be", PATIENCE, || {
            let holds = expected.iter().all(|(from, to, is)| reaches(lan, *from, *to) == *is);
            Ok(holds.then_some(()))
        })
        .unwrap();
    }

    #[test]
    fn cables_are_pulled_and_the_switch_falls_in_two() {
        let Some(lan) = Lan::lay(3).unwrap() else { return };
        let listening = |number: usize| {
            let machine = lan.machine(number).unwrap();
            let address = (machine.address, 7_000);
            machine.inside(move || TcpListener::bind(address)).unwrap().unwrap()
        };
        let _listeners: Vec<TcpListener> = (0..3).map(listening).collect();
        comes_true(&lan, &[(0, 1, true), (1, 2, true), (2, 0, true)]);
        lan.pull(1).unwrap();
        comes_true(&lan, &[(0, 1, false), (1, 2, false), (1, 1, true), (2, 0, true)]);
        lan.plug(1).unwrap();
        lan.part(&[1, 2]).unwrap();
        comes_true(&lan, &[(0, 1, false), (1, 2, true), (2, 0, false)]);
        lan.join().unwrap();
        comes_true(&lan, &[(0, 1, true), (1, 2, true), (2, 0, true)]);
    }
}
