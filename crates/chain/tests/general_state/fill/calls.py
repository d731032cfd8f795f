"""Calls into one another, and accounts that run somebody's code (EIP-7702)."""

from collections.abc import Iterator

from assembly import CONTRACT, ETHER, KEY, OTHER, SENDER, call, case, code, hexadecimal, returned, save
from case import Case
from spec import Account, Authorization, address_of

AUTHORITY_KEY = 3
AUTHORITY = address_of(AUTHORITY_KEY)
NOBODY = bytes(20)
# Whom it runs for, with what, and what it finds there.
TELLS = code(save("ADDRESS", "CALLER", "CALLVALUE", "SELFBALANCE", "CODESIZE", "7 SLOAD"), "0 0 LOG0")


def delegation(target: bytes) -> bytes:
    """Code of an account that runs somebody's code."""
    return b"\xef\x01\x00" + target


def cases() -> Iterator[Case]:
    """All of them."""
    yield from depths()
    yield from values()
    yield from authorizations()
    yield from delegated()


def depths() -> Iterator[Case]:
    """Calls in calls, and how much gas goes along (EIP-150)."""
    deeper = f"1 0 SLOAD ADD 0 SSTORE {call(CONTRACT)} 1 SSTORE"
    yield case("calls itself until the gas is gone", deeper, gas=16_000_000)
    bounded = f"0 CALLDATALOAD 1 ADD DUP1 0 MSTORE {call(CONTRACT, given=(0, 32))} POP GAS SWAP1 SSTORE"
    yield case("calls itself and counts", bounded, gas=[400_000, 4_000_000])
    for kind in ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"):
        for gas in ("0", "2300", "100000", str(2**255)):
            text = save(call(OTHER, kind, gas=gas), "GAS")
            yield case(f"{kind} with {gas} gas", text, accounts={OTHER: Account(0, 1, code("GAS 0 MSTORE"))})
        text = save(call(OTHER, kind), returned(), "GAS")
        yield case(f"{kind}: who is who", text, accounts={OTHER: Account(2, 1, TELLS, {7: 8})}, value=3)
        wide = call(OTHER, kind, given=(2**32, 1), gas="1000")
        yield case(f"{kind} with memory that nobody can pay", save(wide), gas=200_000)


def values() -> Iterator[Case]:
    """Coins that go along."""
    heirs = {"a contract": OTHER, "nobody yet": b"\x08" * 20, "itself": CONTRACT, "the sender": SENDER}
    for name, heir in heirs.items():
        for value in (0, 1, ETHER, ETHER + 1):
            text = save(call(heir, value=value, gas="50"), "SELFBALANCE", "GAS")
            yield case(f"CALL with {value} wei to {name}", text, accounts={OTHER: Account(0, 1, code("STOP"))})
    spends = Account(0, 1, code("GAS 2300 EQ 1 SSTORE"))
    yield case("the stipend is too little to store", save(call(OTHER, value=1, gas="0")), accounts={OTHER: spends})
    yield case("transfer to nobody yet", to=b"\x08" * 20, value=1)
    yield case("transfer of nothing to nobody", to=b"\x08" * 20)
    yield case("transfer to oneself", to=SENDER, value=1)
    yield case("transfer to a precompile", to=b"\x02".rjust(20, b"\0"), value=1, data=b"abc")


def authorizations() -> Iterator[Case]:
    """Which authorizations count, and what they cost."""

    def wish(**fields) -> Authorization:
        return Authorization(**{"key": AUTHORITY_KEY, "address": OTHER, "nonce": 0, **fields})

    lists = {
        "one": [wish()],
        "for any chain": [wish(chain_id=0)],
        "for another chain": [wish(chain_id=2)],
        "of a later nonce": [wish(nonce=1)],
        "of the last nonce": [wish(nonce=2**64 - 1)],
        "that is forged": [wish(forged=1)],
        "with a high s": [wish(forged=2**255)],
        "twice the same": [wish(), wish()],
        "and again": [wish(), wish(nonce=1, address=CONTRACT)],
        "and back": [wish(), wish(nonce=1, address=NOBODY)],
        "of nobody's code": [wish(address=NOBODY)],
        "to a precompile": [wish(address=b"\x04".rjust(20, b"\0"))],
        "to itself": [wish(address=AUTHORITY)],
        "of the sender": [wish(key=KEY, nonce=1)],
        "of the sender too early": [wish(key=KEY, nonce=0)],
        "of many": [wish(key=key) for key in range(3, 13)],
        "none": [],
    }
    looks = save(
        call(AUTHORITY, value=2),
        returned(),
        f"{hexadecimal(AUTHORITY)} EXTCODESIZE",
        f"{hexadecimal(AUTHORITY)} EXTCODEHASH",
        "GAS",
    )
    for name, wishes in lists.items():
        for exists in (False, True):
            accounts = {OTHER: Account(0, 1, TELLS)}
            if exists:
                accounts[AUTHORITY] = Account(ETHER)
            title = f"authorization {name}, {'an old' if exists else 'a new'} account"
            yield case(title, looks, accounts=accounts, kind=4, authorizations=wishes)
    for name, taken in {
        "code": code("STOP"),
        "a delegation": delegation(CONTRACT),
    }.items():
        accounts = {OTHER: Account(0, 1, TELLS), AUTHORITY: Account(5, 0, taken)}
        yield case(f"authorization over {name}", looks, accounts=accounts, kind=4, authorizations=[wish()])
    accounts = {OTHER: Account(0, 1, TELLS)}
    own = {"accounts": accounts, "kind": 4, "authorizations": [wish(key=KEY, nonce=1)]}
    yield case("authorization of the sender, called by itself", to=SENDER, value=4, **own)
    yield case("authorization stays though the call reverts", "0 0 REVERT", kind=4, authorizations=[wish()])
    for gas in (45_999, 46_000, 46_001):
        yield case(f"authorization with {gas} gas", kind=4, authorizations=[wish()], to=OTHER, gas=gas)


def delegated() -> Iterator[Case]:
    """Accounts that have been delegated before."""
    targets = {
        "a contract": OTHER,
        "nobody": b"\x05" * 20,
        "a precompile": b"\x04".rjust(20, b"\0"),
        "itself": AUTHORITY,
        "another delegation": address_of(4),
    }
    for name, target in targets.items():
        accounts = {
            OTHER: Account(0, 1, TELLS),
            AUTHORITY: Account(5, 1, delegation(target), {7: 70}),
            address_of(4): Account(5, 1, delegation(OTHER)),
        }
        for kind in ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"):
            text = save(call(AUTHORITY, kind, gas="100000"), returned(), "GAS")
            yield case(f"{kind} of a delegation to {name}", text, accounts=accounts)
        yield case(f"transaction to a delegation to {name}", to=AUTHORITY, value=1, data=b"x", accounts=accounts)
    copied = f"23 0 0 {hexadecimal(AUTHORITY)} EXTCODECOPY " + save("0 MLOAD")
    yield case("EXTCODECOPY of a delegation", copied, accounts={AUTHORITY: Account(5, 1, delegation(OTHER))})
    sender = {SENDER: Account(ETHER, 0, delegation(OTHER)), OTHER: Account(0, 1, TELLS)}
    yield case("a delegated account sends", save("CALLER EXTCODESIZE", call(SENDER, value=1)), accounts=sender)
    contract = {SENDER: Account(ETHER, 0, code("STOP"))}
    yield case("a contract sends", "STOP", accounts=contract, comment="EIP-3607")
