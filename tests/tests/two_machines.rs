//! Two machines meet by a ticket: two network namespaces with a cable between them, nothing else in common.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::{Context, ensure};
use rayswarm_api::{farm::InviteView, job::JobView};
use rayswarm_tests::{Answer, Farm, nothing_left, until};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const START: Duration = Duration::from_secs(120);

/// Two namespaces joined by a virtual cable; removed with this value.
struct Cable {
    ends: [String; 2],
}

impl Cable {
    const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

    /// `None` where namespaces cannot be made, after saying so.
    #[allow(clippy::print_stderr)]
    fn lay() -> anyhow::Result<Option<Self>> {
        let cable = Self {
            ends: [0, 1].map(|end| format!("rsw{}-{end}", std::process::id())),
        };
        if !ip(&["netns", "add", &cable.ends[0]])? {
            eprintln!("skipped: network namespaces cannot be made here; run as root with iproute2 installed");
            return Ok(None);
        }
        let [left, right] = &cable.ends;
        let steps: Vec<Vec<&str>> = vec![
            vec!["netns", "add", right],
            vec![
                "-n", left, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", right,
            ],
        ];
        for step in steps {
            ensure!(ip(&step)?, "ip {} failed", step.join(" "));
        }
        for (end, address) in cable.ends.iter().zip(Self::ADDRESSES) {
            let address = format!("{address}/24");
            for step in [["link", "set", "lo", "up"], ["link", "set", "cable", "up"]] {
                ensure!(
                    ip(&["-n", end].into_iter().chain(step).collect::<Vec<_>>())?,
                    "{end} has no links"
                );
            }
            ensure!(
                ip(&["-n", end, "addr", "add", &address, "dev", "cable"])?,
                "{end} has no address"
            );
        }
        Ok(Some(cable))
    }

    /// A command of the program at one end.
    fn at(&self, end: usize, farm: &Farm, arguments: &[&str]) -> Command {
        let program = farm.command(arguments);
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.ends[end]])
            .arg(program.get_program())
            .args(program.get_args());
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.current_dir(farm.scratch()).stdin(Stdio::null());
        command
    }

    fn run(&self, end: usize, farm: &Farm, arguments: &[&str]) -> anyhow::Result<Answer> {
        let output = self.at(end, farm, arguments).output()?;
        Ok(Answer {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.ends {
            // Fails only for an end that was never made.
            let _ = ip(&["netns", "del", end]);
        }
    }
}

/// A daemon in a namespace; asked to stop with this value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

fn ip(arguments: &[&str]) -> anyhow::Result<bool> {
    let status = Command::new("ip")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        status => Ok(status.context("ip cannot be run")?.success()),
    }
}

fn up(cable: &Cable, end: usize, farm: &Farm, data: &Path, more: &[&str]) -> anyhow::Result<Daemon> {
    std::fs::create_dir_all(data)?;
    let listen = format!("{}:0", Cable::ADDRESSES[end]);
    let folder = data.to_string_lossy();
    let mut arguments = vec![
        "up",
        "--data-dir",
        &folder,
        "--http",
        "127.0.0.1:0",
        "--listen",
        &listen,
    ];
    arguments.extend(more);
    let log = std::fs::File::create(data.join("daemon.log"))?;
    let child = cable
        .at(end, farm, &arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let daemon = Daemon(child);
    until("the daemon answers", START, || {
        Ok((cable.run(end, farm, &["--data-dir", &folder, "jobs", "list"])?.code == 0).then_some(()))
    })?;
    Ok(daemon)
}

#[test]
fn a_ticket_joins_two_machines() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let Some(cable) = Cable::lay()? else { return Ok(()) };
    let (studio, helper) = (farm.scratch().join("studio"), farm.scratch().join("helper"));
    let rpc = format!("{}:0", Cable::ADDRESSES[0]);
    let requestor = up(&cable, 0, &farm, &studio, &["--rpc-listen", &rpc])?;
    let studio_text = studio.to_string_lossy();
    let invite: InviteView = cable
        .run(0, &farm, &["--data-dir", &studio_text, "invite", "--json"])?
        .json()?;
    let provider = up(
        &cable,
        1,
        &farm,
        &helper,
        &["--provide", "--threads", "1", "--join", &invite.ticket],
    )?;

    let scene = Farm::example("animation/animation.blend");
    let (scene, out) = (scene.to_string_lossy(), farm.scratch().join("out"));
    let out_text = out.to_string_lossy();
    let arguments = [
        "--data-dir",
        &studio_text,
        "render",
        &scene,
        "--yes",
        "--json",
        "--frames",
        "1",
        "--resolution",
        "64x36",
        "--samples",
        "4",
        "--out",
        &out_text,
    ];
    let job: JobView = cable.run(0, &farm, &arguments)?.json()?;
    assert_eq!(job.summary.tasks_verified, job.summary.tasks);
    assert_eq!(job.outputs.len(), 1);
    assert!(job.outputs[0].path.is_file());
    assert!(
        job.escrow.paid > rayswarm_model::Amount::ZERO,
        "the other machine was paid"
    );

    drop(provider);
    drop(requestor);
    nothing_left(farm.scratch())
}
