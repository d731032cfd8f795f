//! Two machines meet by a ticket: two network namespaces on one switch, nothing else in common.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::{farm::InviteView, job::JobView};
use rayswarm_tests::{
    Answer, Farm,
    lan::{Lan, Machine},
    nothing_left, until,
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const START: Duration = Duration::from_secs(120);

/// A command of the program on one machine.
fn at(machine: &Machine, farm: &Farm, arguments: &[&str]) -> Command {
    let program = farm.command(arguments);
    let mut command = machine.command(Path::new(program.get_program()));
    command.args(program.get_args());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(farm.scratch()).stdin(Stdio::null());
    command
}

fn run(machine: &Machine, farm: &Farm, arguments: &[&str]) -> anyhow::Result<Answer> {
    let output = at(machine, farm, arguments).output()?;
    Ok(Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
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

fn up(machine: &Machine, farm: &Farm, data: &Path, more: &[&str]) -> anyhow::Result<Daemon> {
    std::fs::create_dir_all(data)?;
    let listen = format!("{}:0", machine.address);
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
    let child = at(machine, farm, &arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let daemon = Daemon(child);
    until("the daemon answers", START, || {
        Ok((run(machine, farm, &["--data-dir", &folder, "jobs", "list"])?.code == 0).then_some(()))
    })?;
    Ok(daemon)
}

#[test]
fn a_ticket_joins_two_machines() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let Some(lan) = Lan::lay(2)? else { return Ok(()) };
    let (here, there) = (lan.machine(0)?, lan.machine(1)?);
    let (studio, helper) = (farm.scratch().join("studio"), farm.scratch().join("helper"));
    let rpc = format!("{}:0", here.address);
    let requestor = up(&here, &farm, &studio, &["--rpc-listen", &rpc])?;
    let studio_text = studio.to_string_lossy();
    let invite: InviteView = run(&here, &farm, &["--data-dir", &studio_text, "invite", "--json"])?.json()?;
    let provider = up(
        &there,
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
    let job: JobView = run(&here, &farm, &arguments)?.json()?;
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
