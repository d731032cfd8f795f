"""What the published tests are too old for: instructions, precompiles and limits from Byzantium to Osaka."""

from collections.abc import Iterator
from hashlib import sha256

from assembly import (
    CONTRACT,
    OTHER,
    SENDER,
    call,
    case,
    code,
    create,
    deploy,
    hexadecimal,
    put,
    returned,
    save,
)
from case import Case
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from spec import Account, create2_address, create_address, sign, word

EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 2**128, 2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1]
LIMIT_OF_INIT_CODE = 49_152
LIMIT_OF_CODE = 24_576
# A 64th of it is left when a creation takes all that it is given.
MUCH = 12_000_000


def cases() -> Iterator[Case]:
    """All of them."""
    yield from instructions()
    yield from transient_storage()
    yield from storage_costs()
    yield from creation()
    yield from destruction()
    yield from static_calls()
    yield from precompiles()


def instructions() -> Iterator[Case]:
    """Single instructions on values at the edges."""
    for value in EDGES:
        yield case(f"CLZ of {value:#x}", save(f"{value} CLZ"), comment="EIP-7939")
    for name in ("SHL", "SHR", "SAR", "BYTE", "SIGNEXTEND"):
        for value in (1, 2**255, 2**256 - 1, 0x8180):
            program = save(*(f"{value} {amount} {name}" for amount in (0, 1, 8, 31, 32, 255, 256, 2**256 - 1)))
            yield case(f"{name} of {value:#x}", program, comment="EIP-145")
    for name in ("ADDMOD", "MULMOD"):
        edges = [(a, b, n) for a in EDGES[-3:] for b in EDGES[-3:] for n in (0, 1, 3, 2**256 - 1)]
        yield case(name, save(*(f"{n} {b} {a} {name}" for a, b, n in edges)), gas=3_000_000)
    for name in ("EXP", "SDIV", "SMOD", "SLT", "SGT"):
        yield case(name, save(*(f"{b} {a} {name}" for a in EDGES[-5:] for b in EDGES)), gas=5_000_000)
    surroundings = ("COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE "
                    "ADDRESS ORIGIN CALLER CALLVALUE GASPRICE CODESIZE MSIZE PC GAS").split()  # fmt: skip
    yield case("surroundings", save(*surroundings, "0 BLOBHASH"), value=77)
    yield case("block hashes out of reach", save("1 BLOCKHASH", "2 BLOCKHASH", f"{2**256 - 1} BLOCKHASH"))
    for target, source, size in ((0, 32, 64), (32, 0, 64), (5, 0, 40), (0, 2**40, 0), (2**40, 0, 0), (0, 0x300, 33)):
        program = put(bytes(range(96))) + f" {size} {source} {target} MCOPY " + save("MSIZE", "MSIZE 0 KECCAK")
        yield case(f"MCOPY of {size} from {source} to {target}", program, comment="EIP-5656")
    yield case("MCOPY too far", f"1 {2**64} 0 MCOPY", gas=100_000)
    codes = {OTHER: Account(1, 1, code("STOP")), b"\x01" * 20: Account(5)}
    looked_at = (OTHER, b"\x01" * 20, b"\x02" * 20, CONTRACT, SENDER, b"\x01".rjust(20, b"\0"))
    for name in ("EXTCODEHASH", "EXTCODESIZE", "BALANCE"):
        twice = [f"{hexadecimal(address)} {name}" for address in looked_at for _ in range(2)]
        yield case(name, save(*twice), accounts=codes, comment="EIP-1052, EIP-2929")
    for opcode in (0x0C, 0x1F, 0x21, 0x4B, 0xB0, 0xEF, 0xF6, 0xFB, 0xFE):
        strange = Account(0, 1, bytes([opcode]))
        yield case(f"no instruction {opcode:#x}", save(call(OTHER, gas="5000")), accounts={OTHER: strange})
    for size in (32, 33):
        program = f"{call(OTHER)} {size} 0 0 RETURNDATACOPY " + save("MSIZE")
        answer = Account(0, 1, code("32 0 RETURN"))
        yield case(f"RETURNDATACOPY of {size} of 32", program, accounts={OTHER: answer}, comment="EIP-211")
    answer = Account(0, 1, code(put(b"no" * 16), "32 0 REVERT"))
    yield case("REVERT gives data and gas back", save(call(OTHER), returned(), "GAS"), accounts={OTHER: answer})
    yield case("REVERT of the transaction", "7 1 SSTORE 0 0 LOG0 0 0 REVERT")
    yield case("logs", put(bytes(range(64))), *(f"{' '.join('9' * n)} 33 7 LOG{n}" for n in range(5)))


def transient_storage() -> Iterator[Case]:
    """TLOAD and TSTORE (EIP-1153)."""
    yield case("TLOAD is zero before TSTORE", save("1 TLOAD", "8 1 TSTORE 1 TLOAD", "2 TLOAD"))
    inner = {
        "CALL keeps its own": ("CALL", "5 1 TSTORE"),
        "DELEGATECALL shares": ("DELEGATECALL", "5 1 TSTORE"),
        "CALLCODE shares": ("CALLCODE", "5 1 TSTORE"),
        "STATICCALL may not": ("STATICCALL", "5 1 TSTORE"),
        "STATICCALL may read": ("STATICCALL", "1 TLOAD 0 MSTORE 32 0 RETURN"),
        "revert takes back": ("DELEGATECALL", "5 1 TSTORE 0 0 REVERT"),
        "out of gas takes back": ("DELEGATECALL", f"5 1 TSTORE {2**255} MLOAD"),
    }
    for name, (kind, program) in inner.items():
        text = "3 1 TSTORE " + save(call(OTHER, kind, gas="50000"), "1 TLOAD", returned())
        yield case(f"transient storage: {name}", text, accounts={OTHER: Account(0, 1, code(program))})


def storage_costs() -> Iterator[Case]:
    """SSTORE by what there was, what there is and what comes, with its refunds (EIP-2200, 2929, 3529)."""
    for original in (0, 1):
        for first in (0, 1, 2):
            for second in (0, 1, 2):
                name = f"SSTORE {original} to {first} to {second}"
                yield case(name, f"{first} 0 SSTORE {second} 0 SSTORE", storage={0: original})
    clear = " ".join(f"0 {slot} SSTORE" for slot in range(20))
    yield case("refunds up to a fifth", clear, storage=dict.fromkeys(range(20), 1))
    for gas in (2_299, 2_300, 2_301, 5_000):
        text = save(call(OTHER, gas=str(gas)))
        yield case(f"SSTORE with {gas} gas", text, accounts={OTHER: Account(0, 1, code("1 0 SSTORE"), {0: 1})})
    yield case("SLOAD cold and warm", save("GAS 9 SLOAD POP GAS SWAP1 SUB", "GAS 9 SLOAD POP GAS SWAP1 SUB"))
    yield case("the coinbase is warm", save("GAS COINBASE BALANCE POP GAS SWAP1 SUB"), comment="EIP-3651")


def creation() -> Iterator[Case]:
    """CREATE, CREATE2 and transactions that create (EIP-170, 684, 1014, 3541, 3860)."""
    tiny = deploy(code("1 0 SSTORE"))
    for kind in ("CREATE", "CREATE2"):
        twice = save(create(tiny, kind, value=3), create(tiny, kind, value=4))
        yield case(f"{kind} twice", twice, gas=MUCH)
        yield case(f"{kind} with more than there is", save(create(tiny, kind, value=2**90)))
        for size in (LIMIT_OF_INIT_CODE, LIMIT_OF_INIT_CODE + 1):
            text = save(f"{'0 ' if kind == 'CREATE2' else ''}{size} 0 0 {kind}")
            yield case(f"{kind} of {size} bytes of init code", text, gas=MUCH, comment="EIP-3860")
        for size in (LIMIT_OF_CODE, LIMIT_OF_CODE + 1):
            text = save(create(code(f"{size} 0 RETURN"), kind))
            yield case(f"{kind} of {size} bytes of code", text, gas=MUCH, comment="EIP-170")
        for runtime in (b"\xef", b"\xef\x01\x00" + OTHER, b"\xfe", b""):
            text = save(create(deploy(runtime), kind) if runtime else create(b"", kind))
            yield case(f"{kind} of 0x{runtime.hex()}", text, gas=MUCH, comment="EIP-3541")
        address = create_address(CONTRACT, 1) if kind == "CREATE" else create2_address(CONTRACT, 0, tiny)
        for what, taken in {
            "a nonce": Account(0, 1),
            "code": Account(0, 0, code("STOP")),
            "coins": Account(9),
        }.items():
            yield case(f"{kind} where there is {what}", save(create(tiny, kind)), accounts={address: taken}, gas=MUCH)
        yield case(f"{kind} that reverts", save(create(code(put(b"why"), "3 0 REVERT"), kind), returned()))
    last = {CONTRACT: Account(0, 2**64 - 2, code(save(create(tiny), create(tiny))))}
    yield case("CREATE with the last nonce", accounts=last, comment="EIP-2681")
    for size in (LIMIT_OF_INIT_CODE, LIMIT_OF_INIT_CODE + 1):
        yield case(f"transaction of {size} bytes of init code", to=None, data=bytes(size), gas=3_000_000)
    yield case("transaction that creates", to=None, data=tiny, value=5)
    yield case("transaction that creates 0xef", to=None, data=deploy(b"\xef"), value=5)
    yield case("transaction that cannot pay for its code", to=None, data=code("5000 0 RETURN"), gas=100_000)
    taken = {create_address(SENDER, 0): Account(0, 1)}
    yield case("transaction that creates where there is a nonce", to=None, data=tiny, accounts=taken)


def destruction() -> Iterator[Case]:
    """SELFDESTRUCT of what is old and of what is new (EIP-6780)."""
    heirs = {"another": OTHER, "nobody yet": b"\x09" * 20, "itself": CONTRACT}
    for name, heir in heirs.items():
        text = f"{hexadecimal(heir)} SELFDESTRUCT"
        yield case(f"SELFDESTRUCT of an old contract for {name}", text, storage={3: 4}, value=6)
    for heir in ("CALLER", "ADDRESS"):
        in_init = create(code(f"1 1 SSTORE {heir} SELFDESTRUCT"), value=9)
        yield case(f"SELFDESTRUCT while creating, for {heir}", save(in_init))
        runtime = create(deploy(code(f"1 1 SSTORE {heir} SELFDESTRUCT")), value=9)
        again = f"{runtime} 0 0 0 0 5 DUP6 GAS CALL POP 0 0 0 0 6 DUP6 GAS CALL POP DUP1 EXTCODESIZE ADD"
        yield case(f"SELFDESTRUCT of a new contract, twice, for {heir}", save(again))
        undone = f"{runtime} 0 0 0 0 5 DUP6 GAS CALL POP 0 0 REVERT"
        yield case(f"SELFDESTRUCT that is taken back, for {heir}", undone)


def static_calls() -> Iterator[Case]:
    """What STATICCALL forbids (EIP-214)."""
    forbidden = {
        "SSTORE": "1 1 SSTORE",
        "LOG0": "0 0 LOG0",
        "CREATE": "0 0 0 CREATE",
        "CREATE2": "0 0 0 0 CREATE2",
        "CALL with coins": call(SENDER, value=1),
        "CALL without": call(SENDER),
        "CALLCODE with coins": call(SENDER, "CALLCODE", value=1),
        "SELFDESTRUCT": "CALLER SELFDESTRUCT",
        "SLOAD": "1 SLOAD",
    }
    for name, program in forbidden.items():
        text = save(call(OTHER, "STATICCALL", gas="60000"), "GAS")
        yield case(f"STATICCALL: {name}", text, accounts={OTHER: Account(9, 1, code(program))})


def precompiles() -> Iterator[Case]:
    """Contracts that every chain has."""
    message = sha256(b"a picture").digest()
    parity, r, s = sign(5, message)
    signed = message + word(27 + parity) + word(int(r)) + word(int(s))
    key = ec.derive_private_key(7, ec.SECP256R1())
    der = key.sign(message, ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=True))
    point = key.public_key().public_numbers()
    p256 = message + b"".join(map(word, (*utils.decode_dss_signature(der), point.x, point.y)))
    prime = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    one, two = word(1), word(2)

    def modexp(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
        return b"".join(word(len(part)) for part in (base, exponent, modulus)) + base + exponent + modulus

    curve_of_blake = bytes(4) + bytes(range(64)) + bytes(128) + bytes(16)
    inputs = {
        "ecrecover": (1, [signed, signed[:-1] + b"\0", b"", signed + b"more"]),
        "sha256": (2, [b"", b"abc", bytes(200)]),
        "ripemd160": (3, [b"", b"abc", bytes(200)]),
        "identity": (4, [b"", b"abc", bytes(200)]),
        "modexp": (
            5,
            [
                b"",
                modexp(b"\3", b"\5", b"\7"),
                modexp(b"", b"", b"\7"),
                modexp(b"\3", b"", b""),
                modexp(b"\xff" * 32, b"\xff" * 32, b"\xfd" * 32),
                modexp(b"\xab" * 200, b"\1\0\1", b"\xcd" * 200),
                modexp(b"\xab" * 33, b"\xfe" * 64, b"\xcd" * 40),
                modexp(b"\2" * 1024, b"\3", b"\5" * 1024),
                modexp(b"\2" * 1025, b"\3", b"\5" * 32),
                word(0) + word(2**70) + word(0),
            ],
        ),
        "bn128 add": (6, [b"", one + two, (one + two) * 2, one + one, one + two + one + word(prime - 2)]),
        "bn128 mul": (7, [one + two + word(9), one + two + word(2**256 - 1), one + one + two]),
        "bn128 pairing": (8, [b"", bytes(192), bytes(191), word(prime) + bytes(160)]),
        "blake2f": (
            9,
            [
                bytes([0, 0, 0, 12]) + curve_of_blake[4:] + b"\1",
                curve_of_blake + b"\1",
                bytes([0, 0, 0, 12]) + curve_of_blake[4:] + b"\0",
                curve_of_blake + b"\2",
                curve_of_blake,
            ],
        ),
        "point evaluation": (10, [b"", bytes(192), bytes(191)]),
        "bls g1 add": (11, [bytes(256), bytes(255), b"\1" * 256]),
        "bls g1 msm": (12, [bytes(160), b"", bytes(320)]),
        "bls g2 add": (13, [bytes(512), bytes(511)]),
        "bls g2 msm": (14, [bytes(288), b""]),
        "bls pairing": (15, [bytes(384), b"", bytes(383)]),
        "bls map to g1": (16, [bytes(64), bytes(63), b"\xff" * 64, word(0) + word(5)]),
        "bls map to g2": (17, [bytes(128), bytes(127)]),
        "p256": (256, [p256, p256[:-1] + b"\0", p256[:159], b"", p256 + b"\0"]),
    }
    for name, (number, given) in inputs.items():
        address = number.to_bytes(20, "big")
        for index, data in enumerate(given):
            enough = call(address, gas="2000000", given=(0, len(data)))
            text = put(data) + " " + save(enough, "RETURNDATASIZE", returned(), "GAS")
            yield case(f"precompile {name} {index}", text, gas=3_000_000)
        sent = call(address, value=1, gas="9", given=(0, len(given[0])))
        yield case(f"precompile {name} without gas", put(given[0]), save(sent, "GAS"))
