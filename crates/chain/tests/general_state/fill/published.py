"""State tests as `ethereum/tests` published them when there was one hardfork to a file.

They bring a state, a block and a transaction, and the root and logs that follow by the rules of their time. The
specification has to find the same root and logs by those rules, or nothing it says here counts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from case import Case
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes32
from spec import Account, Block, Fork, State, Transaction, address_of

# A new contract must not find storage in its place (EIP-7610), which the specification minds from the first
# hardfork on, as if it had always been so; these two were published before anybody did.
JUDGED_LATER = {"CreateHashCollision", "createJS_ExampleContract"}

BASE_FEE = 10
# What a genesis here may say of a block's gas.
BLOCK_GAS = (21_000, 10**12)
# More than that no transaction may ask for (EIP-7825), and more than that the published ones need not.
TRANSACTION_GAS_MAX = 2**24


@dataclass
class Listed:
    """A line of the list: a file, and which of its tests are left out."""

    file: str
    without: set[str]

    @property
    def hardfork(self) -> str:
        """By whose rules the file was published."""
        return {"EIP150": "tangerine_whistle", "Homestead": "homestead"}.get(self.file.split("/")[0], "frontier")


def read_list(path: Path) -> list[Listed]:
    """Reads a list of `file` lines, each with `- test: reason` lines below it."""
    listed: list[Listed] = []
    for line in path.read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("- "):
            listed[-1].without.add(line[2:].split(":")[0])
        else:
            listed.append(Listed(line, set()))
    return listed


def read_cases(folder: Path, listed: Listed) -> Iterator[Case]:
    """The tests of a file as they are run by today's rules, each held against what was published first."""
    then = Fork(listed.hardfork)
    tests = json.loads((folder / listed.file).read_text())
    unknown = listed.without - tests.keys()
    if unknown:
        raise SystemExit(f"{listed.file} has no test {', '.join(sorted(unknown))}")
    for name, test in tests.items():
        if name in listed.without:
            continue
        before = {_bytes(address): _account(account) for address, account in test["pre"].items()}
        block = _block(test["env"])
        transaction = _transaction(test["transaction"])
        if name not in JUDGED_LATER:
            _compare(name, test, then, before, block, transaction)
        yield _today(name, before, block, transaction)


def _compare(name: str, test: dict, fork: Fork, before: State, block: Block, transaction: Transaction) -> None:
    # State tests name blocks by the hash of their number in digits.
    hashes = [keccak256(str(number).encode()) for number in range(max(0, block.number - 256), block.number)]
    outcome = fork.run(before, block, transaction, hashes)
    logs = tuple(
        (Bytes(_bytes(log["address"])), tuple(Bytes32(_bytes(it)) for it in log["topics"]), Bytes(_bytes(log["data"])))
        for log in test["logs"]
    )
    expected = (_bytes(test["postStateRoot"]), bytes(keccak256(rlp.encode(logs))))
    if (outcome.root, outcome.logs) != expected:
        raise SystemExit(f"{name}: by {fork.name} the specification does not find what was published")


def _today(name: str, before: State, block: Block, transaction: Transaction) -> Case:
    """The same question to a block with a base fee: the price is raised by it, and the sender given what that costs."""
    gas = transaction.gas
    sender = before.get(address_of(transaction.key))
    if sender is not None:
        sender.balance = min(sender.balance + min(gas, 2**64) * BASE_FEE, 2**256 - 1)
    transaction.gas_price += BASE_FEE
    block.base_fee = BASE_FEE
    block.number = 1
    block.gas_limit = min(max(block.gas_limit, BLOCK_GAS[0]), BLOCK_GAS[1])
    # Where the published limit is too high for a block of today, a lower one runs the program all the same.
    fits = min(gas, block.gas_limit, TRANSACTION_GAS_MAX)
    return Case(name, before, block, transaction, gas=[gas] if fits == gas else [gas, fits])


def _block(env: dict) -> Block:
    return Block(
        coinbase=_bytes(env["currentCoinbase"]),
        gas_limit=_number(env["currentGasLimit"]),
        timestamp=_number(env["currentTimestamp"]),
        number=_number(env["currentNumber"]),
        random=_number(env["currentDifficulty"]),
    )


def _transaction(test: dict) -> Transaction:
    return Transaction(
        key=_number("0x" + test["secretKey"].removeprefix("0x")),
        to=_bytes(test["to"]) or None,
        gas=_number(test["gasLimit"]),
        nonce=_number(test["nonce"]),
        value=_number(test["value"]),
        data=_bytes(test["data"]),
        gas_price=_number(test["gasPrice"]),
    )


def _account(account: dict) -> Account:
    storage = {_number(slot): _number(value) for slot, value in account["storage"].items()}
    return Account(_number(account["balance"]), _number(account["nonce"]), _bytes(account["code"]), storage)


def _number(text: str | int) -> int:
    """A number as they were written then: decimal, hexadecimal, or nothing for zero."""
    if isinstance(text, int):
        return text
    digits = text.removeprefix("0x")
    return int(digits or "0", 10 if digits == text else 16)


def _bytes(text: str) -> bytes:
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))
