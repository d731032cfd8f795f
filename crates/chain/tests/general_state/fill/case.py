"""One test: what there is, what is asked of it, and how both are written down."""

from dataclasses import dataclass, field, replace

from spec import CHAIN_ID, Account, Block, Fork, Outcome, ReadsBlockHash, State, Transaction, address_of

# The hardforks that a genesis here may name, by the names that fixtures have for them.
HARDFORKS = {"Prague": "prague", "Osaka": "osaka"}


@dataclass
class Case:
    """A transaction on a state, with the gas limits it is tried with."""

    name: str
    before: State
    block: Block
    transaction: Transaction
    gas: list[int] = field(default_factory=list)
    comment: str = ""

    def __post_init__(self):
        self.gas = self.gas or [self.transaction.gas]
        # There are no empty accounts since Spurious Dragon.
        self.before = {address: account for address, account in self.before.items() if not account.is_empty()}

    def fill(self, forks: dict[str, Fork]) -> dict | None:
        """The fixture with what follows at each hardfork; `None` if that depends on the hash of another block."""
        post = {}
        try:
            for name, fork in forks.items():
                post[name] = [self._outcome(fork, index) for index in range(len(self.gas))]
        except ReadsBlockHash:
            return None
        block, transaction = self.block, self.transaction
        return {
            "_info": {"comment": self.comment} if self.comment else {},
            "config": {"chainid": hex(CHAIN_ID)},
            "env": {
                "currentCoinbase": _hex(block.coinbase),
                "currentGasLimit": hex(block.gas_limit),
                "currentNumber": hex(block.number),
                "currentTimestamp": hex(block.timestamp),
                "currentRandom": _hex(block.random.to_bytes(32, "big")),
                "currentBaseFee": hex(block.base_fee),
                "currentExcessBlobGas": "0x0",
            },
            "pre": _accounts(self.before),
            "transaction": {
                "sender": _hex(address_of(transaction.key)),
                "to": _hex(transaction.to) if transaction.to else "",
                "nonce": hex(transaction.nonce),
                "data": [_hex(transaction.data)],
                "gasLimit": list(map(hex, self.gas)),
                "value": [hex(transaction.value)],
            },
            "post": post,
        }

    def _outcome(self, fork: Fork, index: int) -> dict:
        outcome: Outcome = fork.run(self.before, self.block, replace(self.transaction, gas=self.gas[index]))
        written = {
            "indexes": {"data": 0, "gas": index, "value": 0},
            "txbytes": _hex(outcome.encoded),
            "hash": _hex(outcome.root),
            "logs": _hex(outcome.logs),
        }
        if outcome.refused is not None:
            written["expectException"] = outcome.refused
        else:
            written["state"] = _accounts(outcome.state)
        return written


def _accounts(state: State) -> dict:
    return {_hex(address): _account(account) for address, account in sorted(state.items())}


def _account(account: Account) -> dict:
    return {
        "balance": hex(account.balance),
        "nonce": hex(account.nonce),
        "code": _hex(account.code),
        "storage": {hex(slot): hex(value) for slot, value in sorted(account.storage.items()) if value},
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
