//! What this machine does itself, through its own session: finishing frames, and audits that nobody else can do.

use super::{Film, Rendering};
use crate::{
    pixels,
    provider::measure,
    requestor::{
        assembly::VerifiedPart,
        inherit,
        refusal::failed,
        studio::{Done, Order},
    },
};
use rayswarm_model::{Bytes, FailureKind, WorkPrice, settings::Device};
use rayswarm_scheduler::{Event, ProviderInfo, ReceiptSummary, Role};

impl Rendering<'_> {
    pub(super) fn join_own_auditor(&mut self) {
        let node = self.services.network.node_id();
        let info = ProviderInfo {
            verified_before: 0,
            node,
            account: self.services.identity.account.address(),
            role: Role::OwnAuditor,
            class: measure::own_class(&self.services, &self.plan.engine, &self.plan.engine_version),
            device: Device::Cpu,
            slots: 1,
            threads: self.services.config.local_threads,
            rate_milli_wu: 1000,
            price: WorkPrice::default(),
            rtt_ms: 0,
        };
        self.apply(Event::ProviderJoined(info));
        self.pull_for_studio();
    }

    fn pull_for_studio(&mut self) {
        let node = self.services.network.node_id();
        let held = self.auditing.iter().copied().collect();
        self.apply(Event::Pulled {
            node,
            warm: true,
            warm_frame: None,
            held,
        });
    }

    pub(super) fn order(&mut self, order: Order) {
        if self.studio.try_send(order).is_err() {
            self.studio_stopped();
        }
    }

    /// Without its own session the requestor can finish no frame: the job ends, and what is verified is paid.
    pub(super) fn studio_stopped(&mut self) {
        let detail = "this machine's own session has stopped; its log says why. Restart the daemon and retry the job";
        self.end = Some(Err(failed("studio_stopped", detail)));
        self.frames_ordered.clear();
    }

    pub(super) fn order_frame_if_complete(&mut self, frame: i32) {
        if self.frames_ordered.contains(&frame) {
            return;
        }
        let folder = self.job.folder();
        let mut parts = Vec::new();
        for task in self.plan.tasks_of(frame) {
            let Some(attempt) = self.ledger.accepted.get(&task.id) else {
                return;
            };
            parts.push(VerifiedPart {
                task: *task,
                file: pixels::result_file(&folder, *attempt),
            });
        }
        self.frames_ordered.insert(frame);
        self.order(Order::Finish { frame, parts });
    }

    pub(super) fn order_film(&mut self) {
        self.film = Film::Encoding;
        self.job.say("encoding the film");
        self.order(Order::Film(Box::new(self.job.record.clone())));
    }

    pub(super) fn studio_done(&mut self, done: Done) {
        match done {
            Done::Finished {
                frame,
                outcome: Ok(files),
            } => {
                let record = &mut self.job.record;
                record.frames_finished.push(frame);
                record.outputs.extend(files);
                // Forgotten, the frame is finished again after a crash.
                let _ = self.job.save();
            }
            Done::Finished {
                frame,
                outcome: Err(reason),
            } => {
                self.frames_ordered.remove(&frame);
                self.end = Some(Err(failed("not_finished", reason)));
            }
            Done::Filmed(Ok(film)) => {
                self.film = Film::Made;
                let frames = inherit::film_frames(&self.services, self.job.record.id);
                let outputs = &mut self.job.record.outputs;
                outputs.retain(|path| !path.starts_with(&frames));
                outputs.push(film);
            }
            Done::Filmed(Err(problem)) => self.end = Some(Err(problem)),
            Done::Audited { attempt, outcome } => {
                self.auditing.remove(&attempt);
                let node = self.services.network.node_id();
                match outcome {
                    Ok((file, cpu)) => {
                        let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
                        let receipt = ReceiptSummary {
                            cpu,
                            bytes: Bytes(bytes),
                        };
                        self.apply(Event::Committed { node, attempt, receipt });
                        self.apply(Event::Delivered { node, attempt });
                    }
                    Err(message) => {
                        self.apply(Event::Failed {
                            node,
                            attempt,
                            kind: FailureKind::Transient,
                            message,
                        });
                    }
                }
                self.pull_for_studio();
            }
        }
    }
}
