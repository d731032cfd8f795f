"""Drives Ethereum's executable specification: one transaction on a state, by the rules of one hardfork.

Everything that a fixture claims comes from here, and nothing of it from the EVM that is tested.
"""

import importlib
from dataclasses import dataclass, field

import coincurve
from ethereum.crypto.hash import keccak256
from ethereum.exceptions import EthereumException
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes0, Bytes32
from ethereum_types.numeric import U8, U64, U256, Uint

CHAIN_ID = 1
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class ReadsBlockHash(Exception):
    """The program asks for the hash of a block before its own, which the fixture cannot say."""


class NoHashes(list):
    """Hashes of earlier blocks that must not be read."""

    def __getitem__(self, index):
        raise ReadsBlockHash


@dataclass
class Account:
    """An account before or after the transaction."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether the account is as good as none (EIP-161)."""
        return not (self.balance or self.nonce or self.code or self.storage)


State = dict[bytes, Account]


@dataclass
class Block:
    """What the EVM sees of the block it runs in."""

    coinbase: bytes
    gas_limit: int
    timestamp: int
    number: int = 1
    # What PREVRANDAO answers today and DIFFICULTY did once.
    random: int = 0
    base_fee: int = 0


@dataclass
class Authorization:
    """A wish of an account to run somebody's code (EIP-7702)."""

    key: int
    address: bytes
    nonce: int
    chain_id: int = CHAIN_ID
    # Added to the signature's s, so that nobody has signed this.
    forged: int = 0


@dataclass
class Transaction:
    """A transaction before it is signed. Fields that its kind has not are not looked at."""

    key: int
    to: bytes | None
    gas: int
    kind: int = 0
    nonce: int = 0
    value: int = 0
    data: bytes = b""
    # The fee cap from type 2 on.
    gas_price: int = 0
    tip: int = 0
    chain_id: int | None = CHAIN_ID
    access_list: list[tuple[bytes, list[int]]] = field(default_factory=list)
    authorizations: list[Authorization] = field(default_factory=list)
    # A signature with the high s, which EIP-2 forbids.
    high_s: bool = False


@dataclass
class Outcome:
    """What became of a transaction."""

    encoded: bytes
    root: bytes
    logs: bytes
    state: State
    refused: str | None


def address_of(key: int) -> bytes:
    """The account of a secret key."""
    point = coincurve.PrivateKey(word(key)).public_key.format(compressed=False)
    return bytes(keccak256(point[1:])[12:])


def word(number: int) -> Bytes32:
    """A number as the EVM keeps it."""
    return Bytes32(number.to_bytes(32, "big"))


def create_address(sender: bytes, nonce: int) -> bytes:
    """Where the account `sender` puts a contract."""
    return bytes(keccak256(rlp.encode((Bytes(sender), Uint(nonce))))[12:])


def create2_address(sender: bytes, salt: int, init: bytes) -> bytes:
    """Where CREATE2 puts a contract (EIP-1014)."""
    return bytes(keccak256(b"\xff" + sender + word(salt) + keccak256(init))[12:])


def sign(key: int, digest: bytes, high_s: bool = False) -> tuple[int, U256, U256]:
    """Parity, r and s of a signature."""
    signature = coincurve.PrivateKey(word(key)).sign_recoverable(digest, hasher=None)
    r, s = (int.from_bytes(signature[start : start + 32], "big") for start in (0, 32))
    parity = signature[64]
    if high_s:
        s, parity = CURVE_ORDER - s, 1 - parity
    return parity, U256(r), U256(s)


class Fork:
    """The specification at one hardfork."""

    def __init__(self, name: str):
        def load(module: str):
            return importlib.import_module(f"ethereum.forks.{name}.{module}")

        self.name = name
        self.fork = load("fork")
        self.states = load("state")
        self.transactions = load("transactions")
        self.types = load("fork_types")
        self.vm = load("vm")
        # From London on a block has a base fee; those before Spurious Dragon sign without a chain id.
        self.has_base_fee = "base_fee_per_gas" in self.vm.BlockEnvironment.__dataclass_fields__
        self.signs_for_chain = hasattr(self.transactions, "signing_hash_155")

    def run(self, before: State, block: Block, transaction: Transaction, hashes: list[bytes] | None = None) -> Outcome:
        """Executes a transaction. `hashes` are those of the blocks before, the latest last.

        Raises `ReadsBlockHash` if they are needed and there are none.
        """
        state = self._state(before)
        environment = self._environment(state, block, NoHashes() if hashes is None else hashes)
        output = self.vm.BlockOutput()
        signed = self._signed(transaction)
        refused = None
        try:
            self.fork.process_transaction(environment, output, signed, Uint(0))
        except EthereumException as error:
            refused = type(error).__name__
        return Outcome(
            encoded=self._encoded(signed),
            root=bytes(self.states.state_root(state)),
            logs=bytes(keccak256(rlp.encode(output.block_logs))),
            state=self._accounts(state),
            refused=refused,
        )

    def _state(self, before: State):
        state = self.states.State()
        for raw_address, account in before.items():
            address = self.types.Address(raw_address)
            self.states.set_account(
                state,
                address,
                self.types.Account(nonce=Uint(account.nonce), balance=U256(account.balance), code=Bytes(account.code)),
            )
            for slot, value in account.storage.items():
                self.states.set_storage(state, address, word(slot), U256(value))
        return state

    def _environment(self, state, block: Block, hashes: list[bytes]):
        fields = {
            "chain_id": U64(CHAIN_ID),
            "state": state,
            "block_gas_limit": Uint(block.gas_limit),
            "block_hashes": hashes,
            "coinbase": self.types.Address(block.coinbase),
            "number": Uint(block.number),
            "time": U256(block.timestamp),
        }
        if self.has_base_fee:
            fields |= {
                "base_fee_per_gas": Uint(block.base_fee),
                "prev_randao": word(block.random),
                "excess_blob_gas": U64(0),
                "parent_beacon_block_root": Bytes32(bytes(32)),
            }
        else:
            fields["difficulty"] = Uint(block.random)
        return self.vm.BlockEnvironment(**fields)

    def _accounts(self, state) -> State:
        accounts = {}
        for address, account in state._main_trie._data.items():
            trie = state._storage_tries.get(address)
            slots = {} if trie is None else {int.from_bytes(slot, "big"): int(it) for slot, it in trie._data.items()}
            accounts[bytes(address)] = Account(int(account.balance), int(account.nonce), bytes(account.code), slots)
        return accounts

    def _signed(self, transaction: Transaction):
        kinds = self.transactions
        fields = {
            "nonce": (U64 if transaction.kind else U256)(transaction.nonce),
            "gas": Uint(transaction.gas),
            "to": Bytes0() if transaction.to is None else self.types.Address(transaction.to),
            "value": U256(transaction.value),
            "data": Bytes(transaction.data),
        }
        if transaction.kind == 0:
            return self._signed_legacy(fields, transaction)
        fields["chain_id"] = U64(transaction.chain_id)
        fields["access_list"] = tuple(
            kinds.Access(self.types.Address(address), tuple(word(slot) for slot in slots))
            for address, slots in transaction.access_list
        )
        if transaction.kind == 1:
            fields["gas_price"] = Uint(transaction.gas_price)
            kind, digest = kinds.AccessListTransaction, kinds.signing_hash_2930
        else:
            fields["max_fee_per_gas"] = Uint(transaction.gas_price)
            fields["max_priority_fee_per_gas"] = Uint(transaction.tip)
            kind, digest = kinds.FeeMarketTransaction, kinds.signing_hash_1559
        if transaction.kind == 3:
            # One blob, whose contents nobody asks for here.
            fields["max_fee_per_blob_gas"] = U256(1)
            fields["blob_versioned_hashes"] = (Bytes32(b"\x01".ljust(32, b"\xab")),)
            kind, digest = kinds.BlobTransaction, kinds.signing_hash_4844
        if transaction.kind == 4:
            fields["authorizations"] = tuple(map(self._authorization, transaction.authorizations))
            kind, digest = kinds.SetCodeTransaction, kinds.signing_hash_7702
        unsigned = kind(**fields, y_parity=U256(0), r=U256(0), s=U256(0))
        parity, r, s = sign(transaction.key, digest(unsigned), transaction.high_s)
        return kind(**fields, y_parity=U256(parity), r=r, s=s)

    def _signed_legacy(self, fields: dict, transaction: Transaction):
        kinds = self.transactions
        kind = kinds.LegacyTransaction if self.signs_for_chain else kinds.Transaction
        fields["gas_price"] = Uint(transaction.gas_price)
        unsigned = kind(**fields, v=U256(0), r=U256(0), s=U256(0))
        if not self.signs_for_chain:
            first, digest = 27, kinds.signing_hash(unsigned)
        elif transaction.chain_id is None:
            first, digest = 27, kinds.signing_hash_pre155(unsigned)
        else:
            first = 35 + 2 * transaction.chain_id
            digest = kinds.signing_hash_155(unsigned, U64(transaction.chain_id))
        parity, r, s = sign(transaction.key, digest, transaction.high_s)
        return kind(**fields, v=U256(first + parity), r=r, s=s)

    def _authorization(self, wish: Authorization):
        message = (U256(wish.chain_id), self.types.Address(wish.address), U64(wish.nonce))
        parity, r, s = sign(wish.key, keccak256(b"\x05" + rlp.encode(message)))
        return self.types.Authorization(*message, U8(parity), r, s + U256(wish.forged))

    def _encoded(self, signed) -> bytes:
        if not self.signs_for_chain:
            return rlp.encode(signed)
        encoded = self.transactions.encode_transaction(signed)
        return bytes(encoded) if isinstance(encoded, bytes) else rlp.encode(encoded)
