//! What must hold while a node runs.

use super::{Broken, DOMAIN, World};
use crate::bft::node::Said;
use alloy_primitives::{B256, Bytes};
use rayswarm_consensus::{
    Evidence,
    bft::message::{Message, SignedVote},
};

impl World {
    /// Accuses nobody wrongly.
    pub(super) fn accuse(&mut self, node: usize, evidence: &Evidence) {
        let accused = evidence.validator();
        let is_right = self.report.cheats.contains(&accused) && evidence.holds(&DOMAIN);
        if !self.nodes[node].is_cheat && !is_right {
            self.broken = Some(Broken::Accusation { node, accused });
        }
        self.nodes[node].accused.insert((evidence.height(), accused));
    }

    /// Notes what honest nodes hear of equivocators while they listen.
    pub(super) fn overhear(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if !self.nodes[from].is_cheat || self.nodes[to].is_cheat {
            return;
        }
        let account = self.nodes[from].key.address();
        let (place, said, block, is_own) = match Message::decode(bytes) {
            Some(Message::Vote(SignedVote {
                vote,
                account: signer,
                signature,
            })) => {
                let is_own = signer == account && self.signatures.is_signed(&vote, &DOMAIN, &signature, account);
                ((vote.height, vote.round), Said::Vote(vote.kind), vote.block, is_own)
            }
            Some(Message::Proposal(signed, _)) => {
                let proposal = signed.proposal;
                let is_own = signed.account == account
                    && self
                        .signatures
                        .is_signed(&proposal, &DOMAIN, &signed.signature, account);
                (
                    (proposal.height, proposal.round),
                    Said::Proposal,
                    proposal.block,
                    is_own,
                )
            }
            _ => return,
        };
        let Some(bft) = &self.nodes[to].bft else {
            return;
        };
        let listens = (bft.height(), bft.round()) == place && !self.nodes[to].is_storing;
        if !is_own || !listens {
            return;
        }
        let (height, round) = place;
        let blocks = usize::try_from(height).unwrap_or_default();
        let validators = self.electorate.next(&self.nodes[to].chain[..blocks]);
        let counts = match said {
            Said::Vote(_) => validators.get(account).is_some(),
            Said::Proposal => validators.proposer(height, round) == account,
        };
        let heard = self.nodes[to].heard.entry((account, round, said)).or_default();
        heard.push(block);
        if counts && heard.iter().any(|other| *other != block) {
            self.nodes[to].convicted.insert((height, account));
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
