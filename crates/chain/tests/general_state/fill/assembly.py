"""Programs in words: `code("1 2 ADD 0 SSTORE")`, and the shapes that tests are made of.

A bare number is pushed with as few bytes as it takes. Arguments are pushed in reverse, as the EVM wants them.
"""

from case import Case
from ethereum.forks.osaka.vm.instructions import Ops
from spec import Account, Block, State, Transaction, address_of

KEY = 1
SENDER = address_of(KEY)
CONTRACT = bytes.fromhex("c0de" * 10)
OTHER = bytes.fromhex("07e4" * 10)
COINBASE = bytes.fromhex("c01b" * 10)
ETHER = 10**18
BLOCK = Block(
    coinbase=COINBASE,
    gas_limit=30_000_000,
    timestamp=1_800_000_000,
    random=int.from_bytes(b"\x5a" * 32, "big"),
    base_fee=1_000,
)
OPCODES = {op.name: op.value for op in Ops}


def code(*texts: str) -> bytes:
    """Assembles a program. `0x…` keeps its length."""
    words = " ".join(texts).split()
    return b"".join(bytes([OPCODES[word]]) if word in OPCODES else _push(word) for word in words)


def _push(word: str) -> bytes:
    if word.startswith("0x"):
        data = bytes.fromhex(word[2:])
    else:
        number = int(word)
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([0x5F + len(data)]) + data


def hexadecimal(data: bytes) -> str:
    """Bytes as a word of a program."""
    return "0x" + data.hex()


def call(to: bytes, kind: str = "CALL", *, gas: str = "GAS", value: int = 0, given=(0, 0), wanted=(0, 0)) -> str:
    """Calls; leaves whether it went well. `given` and `wanted` are memory: from where, how much."""
    paid = str(value) if kind in ("CALL", "CALLCODE") else ""
    return f"{wanted[1]} {wanted[0]} {given[1]} {given[0]} {paid} {hexadecimal(to)} {gas} {kind}"


def put(data: bytes, at: int = 0) -> str:
    """Writes bytes into memory, to full words."""
    words = [data[start : start + 32].ljust(32, b"\0") for start in range(0, len(data), 32)]
    return " ".join(f"{hexadecimal(word)} {at + 32 * index} MSTORE" for index, word in enumerate(words))


def create(init: bytes, kind: str = "CREATE", *, value: int = 0, salt: int = 0) -> str:
    """Creates a contract; leaves its address."""
    salted = f"{salt} " if kind == "CREATE2" else ""
    return f"{put(init)} {salted}{len(init)} 0 {value} {kind}"


def deploy(runtime: bytes) -> bytes:
    """Code that creates a contract with this code."""
    return code(put(runtime), f"{len(runtime)} 0 RETURN")


def save(*values: str) -> str:
    """Keeps what each program leaves on the stack, in slots from 1 on, each plus one, so that zero shows too."""
    return " ".join(f"{value} 1 ADD {slot} SSTORE" for slot, value in enumerate(values, 1))


def returned() -> str:
    """Leaves the hash of what the last call returned."""
    return "RETURNDATASIZE 0 0x2000 RETURNDATACOPY RETURNDATASIZE 0x2000 KECCAK"


def case(
    name: str,
    *program: str,
    accounts: State | None = None,
    storage: dict[int, int] | None = None,
    comment: str = "",
    gas: int | list[int] = 1_000_000,
    **fields,
) -> Case:
    """A transaction that runs a program. `fields` are the transaction's."""
    before = {
        SENDER: Account(10 * ETHER),
        CONTRACT: Account(ETHER, 1, code(*program), storage or {}),
        **(accounts or {}),
    }
    limits = [gas] if isinstance(gas, int) else gas
    asked = {"key": KEY, "to": CONTRACT, "gas": limits[0], "gas_price": 1_010, "tip": 10, **fields}
    return Case(name, before, BLOCK, Transaction(**asked), limits, comment)
