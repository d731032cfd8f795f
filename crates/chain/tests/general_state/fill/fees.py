"""What transactions pay, and which ones no block may hold."""

from collections.abc import Iterator

from assembly import BLOCK, CONTRACT, ETHER, OTHER, SENDER, case, code, save
from case import Case
from spec import Account, Authorization

# The most one transaction may ask for since Osaka (EIP-7825).
GAS_CAP = 2**24


def cases() -> Iterator[Case]:
    """All of them."""
    yield from prices()
    yield from refusals()
    yield from data_costs()
    yield from access_lists()


def prices() -> Iterator[Case]:
    """Who gets what (EIP-1559)."""
    for kind in range(5):
        fields = {"kind": kind, "authorizations": [Authorization(3, OTHER, 0)]}
        for price, tip in ((1_000, 0), (1_000, 1_000), (1_010, 10), (1_010, 20), (5_000, 7), (999, 0), (1_010, 1_011)):
            name = f"type {kind}, at most {price}, tip {tip}"
            yield case(name, save("GASPRICE", "BASEFEE"), gas_price=price, tip=tip, **fields)
    accounts = {BLOCK.coinbase: Account(3)}
    yield case("the coinbase has coins", "STOP", accounts=accounts)
    yield case("the coinbase is called", save("1"), accounts={BLOCK.coinbase: Account(0, 1, code("1 0 SSTORE"))})


def refusals() -> Iterator[Case]:
    """Transactions that no block may hold, and their neighbours that one may."""
    cost = 21_000 * 1_010
    for missing in (0, 1):
        accounts = {SENDER: Account(cost + 5 - missing)}
        yield case(f"{missing} wei too few", to=OTHER, value=5, gas=21_000, accounts=accounts)
    yield case("the cap is more than there is", to=OTHER, kind=2, gas=21_000, gas_price=10**16)
    for gas in (20_999, 21_000):
        yield case(f"transfer with {gas} gas", to=OTHER, gas=gas)
    for gas in (GAS_CAP, GAS_CAP + 1, BLOCK.gas_limit, BLOCK.gas_limit + 1):
        yield case(f"limit of {gas} gas", save("GAS"), gas=gas, comment="EIP-7825")
    for nonce, expected in ((4, 5), (5, 5), (6, 5), (2**64 - 2, 2**64 - 2), (2**64 - 1, 2**64 - 1)):
        accounts = {SENDER: Account(ETHER, expected)}
        yield case(f"nonce {nonce} for {expected}", "STOP", nonce=nonce, accounts=accounts, comment="EIP-2681")
    yield case("signed for any chain", "STOP", chain_id=None)
    yield case("signed for another chain", "STOP", chain_id=2)
    for kind in range(5):
        fields = {"kind": kind, "authorizations": [Authorization(3, OTHER, 0)]}
        # Typed ones for another chain are not asked about: the specification does not look at their chain id.
        yield case(f"type {kind} with a high s", "STOP", high_s=True, comment="EIP-2", **fields)
    yield case("authorization that creates", kind=4, to=None, authorizations=[Authorization(3, OTHER, 0)])
    yield case("a sender that does not exist", "STOP", key=77)


def data_costs() -> Iterator[Case]:
    """Calldata, and the least that it costs (EIP-2028, 7623)."""
    for data in (b"", b"\0" * 100, b"\1" * 100, b"\0\1" * 500, b"\1" * 20_000):
        tokens = data.count(0) + 4 * (len(data) - data.count(0))
        standard, floor = 21_000 + 4 * tokens, 21_000 + 10 * tokens
        for gas in sorted({standard, floor - 1, floor, floor + 1, floor + 30_000}):
            if gas >= 21_000 or not data:
                title = f"{len(data)} bytes ({tokens} tokens) with {gas} gas"
                yield case(title, save("CALLDATASIZE"), data=data, gas=gas, comment="EIP-7623")
    spends = " ".join(["0 0 EXP POP"] * 2_000)
    yield case("more is spent than the floor", spends, data=b"\1" * 1_000, gas=200_000)
    clears = " ".join(f"0 {slot} SSTORE" for slot in range(5))
    yield case("refunds end at the floor", clears, data=b"\1" * 900, storage=dict.fromkeys(range(5), 1))


def access_lists() -> Iterator[Case]:
    """What is warm from the start (EIP-2930)."""
    reads = save(
        "GAS 1 SLOAD POP GAS SWAP1 SUB",
        "GAS 2 SLOAD POP GAS SWAP1 SUB",
        f"GAS 0x{OTHER.hex()} BALANCE POP GAS SWAP1 SUB",
    )
    lists = {
        "nothing": [],
        "a slot": [(CONTRACT, [1])],
        "a slot twice": [(CONTRACT, [1, 1]), (CONTRACT, [1])],
        "an account": [(OTHER, [])],
        "all": [(CONTRACT, [1, 2]), (OTHER, [5])],
        "the coinbase": [(BLOCK.coinbase, [])],
    }
    for kind in (1, 2, 4):
        for name, entries in lists.items():
            fields = {"kind": kind, "access_list": entries, "authorizations": [Authorization(3, OTHER, 0)]}
            yield case(f"type {kind}, warm: {name}", reads, **fields)
