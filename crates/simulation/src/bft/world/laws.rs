//! What must hold while a node runs.

use super::{Broken, DOMAIN, World};
use alloy_primitives::{B256, Bytes};
use rayswarm_consensus::{Evidence, bft::message::Message};

impl World {
    /// Accuses nobody wrongly.
    pub(super) fn accuse(&mut self, node: usize, evidence: &Evidence) {
        let accused = evidence.validator();
        let is_right = self.report.cheats.contains(&accused) && evidence.holds(&DOMAIN);
        if !self.nodes[node].is_cheat && !is_right {
            self.broken = Some(Broken::Accusation { node, accused });
        }
        let height = match evidence {
            Evidence::Votes { first, .. } => first.0.height,
            Evidence::Proposals { first, .. } => first.0.height,
        };
        self.nodes[node].accused.insert((height, accused));
    }

    /// Notes what honest nodes hear of equivocators while they listen.
    pub(super) fn overhear(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if !self.nodes[from].is_cheat || self.nodes[to].is_cheat {
            return;
        }
        let Some(Message::Vote(signed)) = Message::decode(bytes) else {
            return;
        };
        let (account, vote) = (self.nodes[from].key.address(), signed.vote);
        let Some(bft) = &self.nodes[to].bft else {
            return;
        };
        let is_own = self.signatures.is_signed(&vote, &DOMAIN, &signed.signature, account);
        let listens = bft.height() == vote.height && bft.round() == vote.round && !self.nodes[to].is_storing;
        if signed.account != account || !is_own || !listens {
            return;
        }
        let height = usize::try_from(vote.height).unwrap_or_default();
        let votes = self
            .electorate
            .next(&self.nodes[to].chain[..height])
            .get(account)
            .is_some();
        let said = self.nodes[to]
            .heard
            .entry((account, vote.round, vote.kind))
            .or_default();
        said.push(vote.block);
        if votes && said.iter().any(|block| *block != vote.block) {
            self.nodes[to].convicted.insert((vote.height, account));
        }
    }

    pub(super) fn end_height(&mut self, node: usize) {
        let this = &mut self.nodes[node];
        this.is_storing = false;
        let missed = this.convicted.difference(&this.accused).next();
        if let (Some((height, culprit)), false) = (missed, this.is_cheat) {
            let (height, culprit) = (*height, *culprit);
            self.broken = Some(Broken::Silence { node, culprit, height });
        }
        this.convicted.clear();
        this.heard.clear();
    }

    pub(super) fn finalize(&mut self, node: usize, hash: B256) {
        let this = &mut self.nodes[node];
        let found = this.chain.iter().rev().find(|header| header.hash == hash);
        match found.map(|header| header.number) {
            Some(number) if number > this.final_height => this.final_height = number,
            _ => self.broken = Some(Broken::Finality { node }),
        }
    }
}
