//! A persistent Merkle Patricia trie: cheap copies, and hashes that are computed once per node.
//!
//! Nodes are shared by reference count. Copying a trie costs one pointer, changing a key copies only the
//! path to it, and a node remembers its encoding until it is replaced, so a root after `n` changes hashes
//! about `n · log₁₆(size)` nodes however large the trie is. Old roots stay readable for as long as somebody
//! holds them, which is what gives the chain its recent states for free.
//!
//! Keys are 32-byte hashes, so every path has 64 nibbles and a branch never carries a value of its own
//! (Yellow Paper, appendix D). `alloy-trie` encodes the nodes; this file only arranges them.

use std::sync::{Arc, OnceLock};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieMask,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode},
};

/// About what an account's leaf takes when it is encoded, so that its buffer need not grow.
const LEAF_BYTES: usize = 160;
/// What a branch of 16 hashes takes.
const BRANCH_BYTES: usize = 532;

/// Something that can sit in a trie's leaf.
pub trait TrieValue: Clone {
    /// Appends the leaf's bytes, as they are hashed, to `out`.
    fn encode_leaf(&self, out: &mut Vec<u8>);
}

impl TrieValue for U256 {
    fn encode_leaf(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }
}

/// A map from 32-byte hashed keys to values, with a Merkle Patricia root.
#[derive(Clone, Debug)]
pub struct Trie<V> {
    root: Option<Arc<Node<V>>>,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: None }
    }
}

impl<V: TrieValue> Trie<V> {
    /// A trie of these entries: what [`Trie::insert`] makes of them one by one, but no node is made twice. Of entries with
    /// one key the first counts.
    pub fn from_entries(entries: Vec<(B256, V)>) -> Self {
        // Values are several times as long as their keys, so they are not moved while these are sorted.
        let mut order: Vec<(B256, usize)> = (0..).zip(&entries).map(|(place, (key, _))| (*key, place)).collect();
        order.sort_unstable();
        order.dedup_by_key(|(key, _)| *key);
        let mut values: Vec<Option<V>> = entries.into_iter().map(|(_, value)| Some(value)).collect();
        Self {
            root: build(&order, &mut values, 0),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &B256) -> Option<&V> {
        let path = Nibbles::unpack(key);
        let mut at = 0;
        let mut node = self.root.as_deref()?;
        loop {
            match &node.kind {
                Kind::Leaf { path: rest, value } => {
                    return (path.slice(at..) == *rest).then_some(value);
                }
                Kind::Extension { path: shared, child } => {
                    if !path.slice(at..).starts_with(shared) {
                        return None;
                    }
                    at += shared.len();
                    node = child;
                }
                Kind::Branch { children } => {
                    let slot = usize::from(path.get(at)?);
                    node = children.get(slot)?.as_deref()?;
                    at += 1;
                }
            }
        }
    }

    /// Puts `value` under `key`, replacing what was there.
    pub fn insert(&mut self, key: &B256, value: V) {
        self.root = Some(insert(self.root.take(), Nibbles::unpack(key), value));
    }

    /// Takes `key` out; a key that is not there changes nothing.
    pub fn remove(&mut self, key: &B256) {
        if self.get(key).is_some()
            && let Some(root) = self.root.take()
        {
            self.root = remove(root, Nibbles::unpack(key));
        }
    }

    /// The root hash. Costs nothing when nothing changed since it was last asked for.
    pub fn root(&self) -> B256 {
        match &self.root {
            None => EMPTY_ROOT_HASH,
            Some(node) => {
                let reference = node.reference();
                // A root shorter than a hash is referred to by its own bytes; the root hash is taken anyway.
                reference.as_hash().unwrap_or_else(|| keccak256(reference.as_slice()))
            }
        }
    }

    /// How many nodes [`Trie::root`] would have to hash now.
    pub fn nodes_to_hash(&self) -> usize {
        self.root.as_deref().map_or(0, nodes_to_hash)
    }

    /// Whether the trie holds no key.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Calls `visit` on every value, in the order of the hashed keys.
    pub fn for_each(&self, visit: &mut impl FnMut(&V)) {
        if let Some(root) = &self.root {
            for_each(root, visit);
        }
    }

    /// The Merkle proof (EIP-1186) that `key` has its value, or that it has none: the encodings of the
    /// nodes from the root towards the key, without those embedded in their parent.
    pub fn proof(&self, key: &B256) -> Vec<Bytes> {
        let path = Nibbles::unpack(key);
        let mut at = 0;
        let mut proof = Vec::new();
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            let encoded = node.encode().1;
            if proof.is_empty() || encoded.len() >= 32 {
                proof.push(Bytes::from(encoded));
            }
            next = match &node.kind {
                Kind::Leaf { .. } => None,
                Kind::Extension { path: shared, child } => {
                    let follows = path.slice(at..).starts_with(shared);
                    at += shared.len();
                    follows.then_some(child.as_ref())
                }
                Kind::Branch { children } => {
                    let slot = path.get(at).map_or(0, usize::from);
                    at += 1;
                    children.get(slot).and_then(|child| child.as_deref())
                }
            };
        }
        proof
    }
}

type Children<V> = Box<[Option<Arc<Node<V>>>; 16]>;

#[derive(Clone, Debug)]
struct Node<V> {
    kind: Kind<V>,
    /// What the parent writes for this node: its hash, or its bytes when those are shorter.
    reference: OnceLock<RlpNode>,
}

#[derive(Clone, Debug)]
enum Kind<V> {
    Leaf { path: Nibbles, value: V },
    Extension { path: Nibbles, child: Arc<Node<V>> },
    Branch { children: Children<V> },
}

impl<V: TrieValue> Node<V> {
    fn leaf(path: Nibbles, value: V) -> Arc<Self> {
        Self::from_kind(Kind::Leaf { path, value })
    }

    fn from_kind(kind: Kind<V>) -> Arc<Self> {
        Arc::new(Self {
            kind,
            reference: OnceLock::new(),
        })
    }

    fn reference(&self) -> &RlpNode {
        self.reference.get_or_init(|| self.encode().0)
    }

    fn encode(&self) -> (RlpNode, Vec<u8>) {
        let mut out = Vec::with_capacity(match &self.kind {
            Kind::Leaf { .. } | Kind::Extension { .. } => LEAF_BYTES,
            Kind::Branch { .. } => BRANCH_BYTES,
        });
        let reference = match &self.kind {
            Kind::Leaf { path, value } => {
                let mut leaf = Vec::with_capacity(LEAF_BYTES);
                value.encode_leaf(&mut leaf);
                LeafNodeRef::new(path, &leaf).rlp(&mut out)
            }
            Kind::Extension { path, child } => ExtensionNodeRef::new(path, child.reference().as_slice()).rlp(&mut out),
            Kind::Branch { children } => {
                let mut mask = 0u16;
                let mut stack = Vec::with_capacity(16);
                for (slot, child) in children.iter().enumerate() {
                    if let Some(child) = child {
                        mask |= 1 << slot;
                        stack.push(child.reference().clone());
                    }
                }
                BranchNodeRef::new(&stack, TrieMask::new(mask)).rlp(&mut out)
            }
        };
        (reference, out)
    }
}

/// A branch behind the nibbles that all of its keys share.
fn behind<V: TrieValue>(shared: Nibbles, children: Children<V>) -> Arc<Node<V>> {
    let branch = Node::from_kind(Kind::Branch { children });
    if shared.is_empty() {
        branch
    } else {
        Node::from_kind(Kind::Extension {
            path: shared,
            child: branch,
        })
    }
}

fn put<V>(children: &mut Children<V>, nibble: u8, node: Arc<Node<V>>) {
    if let Some(slot) = children.get_mut(usize::from(nibble)) {
        *slot = Some(node);
    }
}

fn no_children<V>() -> Children<V> {
    Box::new(std::array::from_fn(|_| None))
}

/// The one node that stands for sorted keys, which share their first `at` nibbles; each says the place of its value, which is
/// taken out.
fn build<V: TrieValue>(order: &[(B256, usize)], values: &mut [Option<V>], at: usize) -> Option<Arc<Node<V>>> {
    let ((first, place), (last, _)) = (order.first()?, order.last()?);
    let path = Nibbles::unpack(first);
    if order.len() == 1 {
        let value = values.get_mut(*place)?.take()?;
        return Some(Node::leaf(path.slice(at..), value));
    }
    let shared = path.common_prefix_length(&Nibbles::unpack(last));
    let mut children = no_children();
    for group in order.chunk_by(|(one, _), (next, _)| nibble(one, shared) == nibble(next, shared)) {
        let (key, _) = group.first()?;
        if let Some(child) = build(group, values, shared + 1) {
            put(&mut children, nibble(key, shared), child);
        }
    }
    Some(behind(path.slice(at..shared), children))
}

/// The nibble of a key at a place below 64.
fn nibble(key: &B256, at: usize) -> u8 {
    let byte = key.get(at / 2).copied().unwrap_or_default();
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

fn insert<V: TrieValue>(node: Option<Arc<Node<V>>>, path: Nibbles, value: V) -> Arc<Node<V>> {
    let Some(node) = node else {
        return Node::leaf(path, value);
    };
    match Arc::unwrap_or_clone(node).kind {
        Kind::Leaf {
            path: old,
            value: old_value,
        } => {
            let shared = old.common_prefix_length(&path);
            if shared == path.len() {
                return Node::leaf(path, value);
            }
            let mut children = no_children();
            put(
                &mut children,
                old.get_unchecked(shared),
                Node::leaf(old.slice(shared + 1..), old_value),
            );
            put(
                &mut children,
                path.get_unchecked(shared),
                Node::leaf(path.slice(shared + 1..), value),
            );
            behind(path.slice(..shared), children)
        }
        Kind::Extension { path: old, child } => {
            let shared = old.common_prefix_length(&path);
            if shared == old.len() {
                let child = insert(Some(child), path.slice(shared..), value);
                return Node::from_kind(Kind::Extension { path: old, child });
            }
            let below = old.slice(shared + 1..);
            let kept = if below.is_empty() {
                child
            } else {
                Node::from_kind(Kind::Extension { path: below, child })
            };
            let mut children = no_children();
            put(&mut children, old.get_unchecked(shared), kept);
            put(
                &mut children,
                path.get_unchecked(shared),
                Node::leaf(path.slice(shared + 1..), value),
            );
            behind(path.slice(..shared), children)
        }
        Kind::Branch { mut children } => {
            let nibble = path.get_unchecked(0);
            let child = children.get_mut(usize::from(nibble)).and_then(Option::take);
            put(&mut children, nibble, insert(child, path.slice(1..), value));
            Node::from_kind(Kind::Branch { children })
        }
    }
}

/// Removes a path that is known to be there.
fn remove<V: TrieValue>(node: Arc<Node<V>>, path: Nibbles) -> Option<Arc<Node<V>>> {
    match Arc::unwrap_or_clone(node).kind {
        Kind::Leaf { .. } => None,
        Kind::Extension { path: shared, child } => {
            let child = remove(child, path.slice(shared.len()..))?;
            Some(prefixed(shared, child))
        }
        Kind::Branch { mut children } => {
            let nibble = path.get_unchecked(0);
            if let Some(slot) = children.get_mut(usize::from(nibble)) {
                *slot = slot.take().and_then(|child| remove(child, path.slice(1..)));
            }
            let mut left = children.iter().enumerate().filter(|(_, child)| child.is_some());
            match (left.next(), left.next()) {
                (Some((only, Some(child))), None) => {
                    let prefix = Nibbles::from_nibbles_unchecked([only as u8]);
                    Some(prefixed(prefix, child.clone()))
                }
                _ => Some(Node::from_kind(Kind::Branch { children })),
            }
        }
    }
}

/// The one node that stands for `prefix` followed by `child`.
fn prefixed<V: TrieValue>(prefix: Nibbles, child: Arc<Node<V>>) -> Arc<Node<V>> {
    match &child.kind {
        Kind::Leaf { path, value } => Node::leaf(prefix.join(path), value.clone()),
        Kind::Extension { path, child } => Node::from_kind(Kind::Extension {
            path: prefix.join(path),
            child: child.clone(),
        }),
        Kind::Branch { .. } => Node::from_kind(Kind::Extension { path: prefix, child }),
    }
}

/// Nodes without a reference; one that has its own has those of all below it.
fn nodes_to_hash<V>(node: &Node<V>) -> usize {
    if node.reference.get().is_some() {
        return 0;
    }
    1 + match &node.kind {
        Kind::Leaf { .. } => 0,
        Kind::Extension { child, .. } => nodes_to_hash(child),
        Kind::Branch { children } => children.iter().flatten().map(|child| nodes_to_hash(child)).sum(),
    }
}

fn for_each<V>(node: &Node<V>, visit: &mut impl FnMut(&V)) {
    match &node.kind {
        Kind::Leaf { value, .. } => visit(value),
        Kind::Extension { child, .. } => for_each(child, visit),
        Kind::Branch { children } => {
            for child in children.iter().flatten() {
                for_each(child, visit);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_trie::{proof::verify_proof, root::storage_root};
    use proptest::prelude::*;

    use super::*;

    /// The keys of one test: few bytes, so that paths collide deep in the trie.
    fn key(seed: u16) -> B256 {
        let mut key = B256::ZERO;
        key[0] = (seed & 0x11) as u8;
        key[1] = (seed >> 8) as u8 & 0x33;
        key[31] = seed as u8;
        key
    }

    #[test]
    fn an_empty_trie_has_the_empty_root() {
        assert_eq!(Trie::<U256>::default().root(), EMPTY_ROOT_HASH);
    }

    #[test]
    fn a_copy_keeps_its_own_values() {
        let mut trie = Trie::default();
        trie.insert(&key(1), U256::from(1));
        let old = trie.clone();
        let root = old.root();
        trie.insert(&key(1), U256::from(2));
        trie.insert(&key(2), U256::from(3));
        assert_eq!(old.get(&key(1)), Some(&U256::from(1)));
        assert_eq!(old.root(), root);
        assert_ne!(trie.root(), root);
    }

    #[test]
    fn of_entries_with_one_key_the_first_counts() {
        let entries = [(key(3), 1), (key(9), 2), (key(3), 4), (key(3), 5)];
        let trie = Trie::from_entries(entries.map(|(key, value)| (key, U256::from(value))).to_vec());
        assert_eq!(trie.get(&key(3)), Some(&U256::from(1)));
        let model: BTreeMap<_, _> = [(key(3), U256::from(1)), (key(9), U256::from(2))].into();
        assert_eq!(trie.root(), storage_root(model));
    }

    proptest! {
        /// Against alloy-trie's builder and verifier, which share no code with the arrangement here.
        #[test]
        fn roots_and_proofs_agree_with_a_rebuilt_trie(
            steps in prop::collection::vec((any::<u16>(), 0u8..4), 1..120)
        ) {
            let mut trie = Trie::default();
            let mut model = BTreeMap::new();
            for (seed, value) in steps {
                let key = key(seed);
                if value == 0 {
                    trie.remove(&key);
                    model.remove(&key);
                } else {
                    let value = U256::from(value) << (usize::from(value) * 60);
                    trie.insert(&key, value);
                    model.insert(key, value);
                }
                prop_assert_eq!(trie.root(), storage_root(model.clone()));
                let rebuilt = Trie::from_entries(model.clone().into_iter().rev().collect());
                prop_assert_eq!(rebuilt.root(), trie.root());
                prop_assert_eq!(trie.get(&key).copied(), model.get(&key).copied());
            }
            for seed in [0, 7, 0x1234] {
                let key = key(seed);
                let expected = model.get(&key).map(alloy_rlp::encode);
                verify_proof(trie.root(), Nibbles::unpack(key), expected, &trie.proof(&key)).unwrap();
            }
            let mut total = 0;
            trie.for_each(&mut |_| total += 1);
            prop_assert_eq!(total, model.len());
            prop_assert_eq!(trie.is_empty(), model.is_empty());
        }
    }
}
