"""Programs that nobody thought of: instructions by lot, from a fixed seed."""

from collections.abc import Iterator
from random import Random

from assembly import COINBASE, CONTRACT, OPCODES, OTHER, SENDER, case
from case import Case
from spec import Account

SEED = 20_260_401
PROGRAMS = 500
ADDRESSES = [
    CONTRACT,
    OTHER,
    SENDER,
    COINBASE,
    bytes(20),
    *(number.to_bytes(20, "big") for number in (1, 2, 3, 4, 5, 9)),
]

# What instructions take, by what their arguments should be like, and how many words they leave.
NUMBERS = "ADD MUL SUB DIV SDIV MOD SMOD EXP SIGNEXTEND LT GT SLT SGT EQ AND OR XOR BYTE SHL SHR SAR".split()
NUMBER = "ISZERO NOT CLZ CALLDATALOAD BLOBHASH".split()
NOTHING = (
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE TIMESTAMP NUMBER "
    "PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE MSIZE GAS PC"
).split()
PLACES = {
    "KECCAK": (2, 1),
    "CALLDATACOPY": (3, 0),
    "CODECOPY": (3, 0),
    "MCOPY": (3, 0),
    "MLOAD": (1, 1),
    "SLOAD": (1, 1),
    "TLOAD": (1, 1),
    **{f"LOG{topics}": (2 + topics, 0) for topics in range(5)},
}
# A word goes to a place.
STORES = "MSTORE MSTORE8 SSTORE TSTORE".split()
LOOKS = "BALANCE EXTCODESIZE EXTCODEHASH".split()
CALLS = "CALL CALLCODE DELEGATECALL STATICCALL".split()


def cases() -> Iterator[Case]:
    """Two programs that may call one another, and at times a third that creates a contract."""
    for index in range(PROGRAMS):
        random = Random(f"{SEED}/{index}")
        accounts = {
            CONTRACT: Account(10**15, 1, Program(random).assembled, storage(random)),
            OTHER: Account(10**9, 1, Program(random).assembled, storage(random)),
        }
        data = random.randbytes(random.choice([0, 4, 33, 100]))
        fields = {"to": None, "data": Program(random).assembled} if random.random() < 0.1 else {"data": data}
        gas = random.choice([90_000, 500_000, 2_000_000])
        yield case(f"program {index}", accounts=accounts, gas=gas, value=random.choice([0, 1, 10**6]), **fields)


def storage(random: Random) -> dict[int, int]:
    """A few slots."""
    return {slot: number(random) for slot in range(random.randrange(4))}


def number(random: Random) -> int:
    """Small as often as not, at times at an edge."""
    return random.choice(
        [
            random.randrange(4),
            random.randrange(300),
            2 ** random.randrange(256),
            2 ** random.randrange(1, 257) - 1,
            random.getrandbits(256),
        ]
    )


class Program:
    """Some forty instructions, each with its arguments, and in the end all that is left on the stack stored."""

    def __init__(self, random: Random):
        self.random = random
        self.assembled = bytearray()
        self.depth = 0
        for _ in range(random.randrange(5, 60)):
            self.step()
        for slot in range(min(self.depth, 6)):
            self.push(slot)
            self.take("SSTORE", 2, 0)

    def step(self) -> None:
        """Appends one instruction."""
        random = self.random
        lot = random.random()
        if lot < 0.30:
            self.numbers(random.choice(NUMBERS), 2)
        elif lot < 0.36:
            self.numbers(random.choice(NUMBER), 1)
        elif lot < 0.40:
            self.numbers(random.choice(["ADDMOD", "MULMOD"]), 3)
        elif lot < 0.48:
            self.take(random.choice(NOTHING), 0, 1)
        elif lot < 0.60:
            name = random.choice(list(PLACES))
            self.places(name, *PLACES[name])
        elif lot < 0.72:
            self.push(number(random))
            self.places(random.choice(STORES), 1, 0, below=1)
        elif lot < 0.77:
            self.address()
            self.take(random.choice(LOOKS), 1, 1)
        elif lot < 0.87:
            self.call(random.choice(CALLS))
        elif lot < 0.91:
            self.create()
        elif lot < 0.985:
            self.stacked()
        else:
            self.end()

    def numbers(self, name: str, count: int) -> None:
        """An instruction on numbers, which may be what others have left."""
        if self.depth < count or self.random.random() < 0.6:
            for _ in range(count):
                self.push(number(self.random))
        self.take(name, count, 1)

    def places(self, name: str, count: int, left: int, below: int = 0) -> None:
        """An instruction on places and lengths, small enough to be paid for."""
        for _ in range(count):
            self.push(self.random.randrange(150))
        self.take(name, count + below, left)

    def address(self) -> None:
        """An account that there is, or a precompile."""
        self.push(int.from_bytes(self.random.choice(ADDRESSES), "big"))

    def call(self, kind: str) -> None:
        """A call; what it returned may be copied."""
        for _ in range(4):
            self.push(self.random.randrange(100))
        paid = kind in ("CALL", "CALLCODE")
        if paid:
            self.push(self.random.choice([0, 0, 1, 1_000]))
        self.address()
        self.push(self.random.choice([0, 5_000, 40_000, 100_000]))
        self.take(kind, 6 + paid, 1)
        if self.random.random() < 0.3:
            self.take("RETURNDATASIZE", 0, 1)
            self.push(0)
            self.push(self.random.randrange(100))
            self.take("RETURNDATACOPY", 3, 0)

    def create(self) -> None:
        """A contract of a few bytes that end well, or of what memory happens to hold."""
        init = bytes(
            [OPCODES["ADDRESS"], OPCODES["PUSH0"], OPCODES["MSTORE"], 0x60, 32, OPCODES["PUSH0"], OPCODES["RETURN"]]
        )
        salted = self.random.random() < 0.5
        if self.random.random() < 0.7:
            self.push(int.from_bytes(init.ljust(32, b"\0"), "big"))
            self.push(0)
            self.take("MSTORE", 2, 0)
        if salted:
            self.push(self.random.randrange(3))
        self.push(self.random.choice([len(init), 32, 0]))
        self.push(0)
        self.push(self.random.choice([0, 1]))
        self.take("CREATE2" if salted else "CREATE", 3 + salted, 1)

    def stacked(self) -> None:
        """A copy or an exchange of what is on the stack."""
        if self.depth >= 2:
            place = self.random.randrange(1, min(self.depth, 16))
            if self.random.random() < 0.5:
                self.take(f"DUP{place}", place, place + 1)
            else:
                self.take(f"SWAP{place}", place + 1, place + 1)

    def end(self) -> None:
        """What may end the program: a stop, a jump to nowhere, a byte that may be anything."""
        name = self.random.choice(["STOP", "RETURN", "REVERT", "SELFDESTRUCT", "JUMP", "POP", "byte"])
        if name == "byte":
            self.assembled.append(self.random.randrange(256))
        elif name in ("RETURN", "REVERT"):
            self.places(name, 2, 0)
        elif name == "SELFDESTRUCT":
            self.address()
            self.take(name, 1, 0)
        else:
            self.places(name, 0 if name == "STOP" else 1, 0)

    def take(self, name: str, count: int, left: int) -> None:
        """Appends an instruction that takes so many words and leaves so many."""
        self.assembled.append(OPCODES[name])
        self.depth += left - count

    def push(self, value: int) -> None:
        """Pushes a number with as few bytes as it takes."""
        length = (value.bit_length() + 7) // 8
        self.assembled += bytes([OPCODES["PUSH0"] + length]) + value.to_bytes(length, "big")
        self.depth += 1
