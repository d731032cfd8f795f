# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, money, times, sizes and addresses, as people write and read them."""

import pytest
from client import connection, frames, words
from client.problem import Refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", [7]),
        ("1-4", [1, 2, 3, 4]),
        (" 1-9x4; 3,1 ", [1, 3, 5, 9]),
        ("1..5:2", [1, 3, 5]),
        ("-3--1", [-3, -2, -1]),
        ("0-99999", list(range(100_000))),
    ],
)
def test_frames_are_read(text, expected):
    assert frames.parse(text) == expected


@pytest.mark.parametrize("text", ["", " ", "a", "1-", "5-1", "1-5x0", "1.5", "0-100000", "1-1000000000"])
def test_what_is_no_list_of_frames_is_refused(text):
    with pytest.raises(Refused) as caught:
        frames.parse(text)
    assert caught.value.problem.kind == "bad_frames" and "1-48" in caught.value.problem.next_step


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], []),
        ([3], [(3, 3, 1)]),
        ([1, 2, 3], [(1, 3, 1)]),
        ([1, 3, 5, 6, 7], [(1, 5, 2), (6, 7, 1)]),
        ([1, 9], [(1, 1, 1), (9, 9, 1)]),
        ([1, 2, 3, 7], [(1, 3, 1), (7, 7, 1)]),
    ],
)
def test_runs_of_frames_are_found(numbers, expected):
    assert frames.runs(numbers) == expected


@pytest.mark.parametrize(
    ("units", "decimals", "expected"),
    [
        ("0", 18, "0 T"),
        ("1500000000000000000", 18, "1.5 T"),
        ("1234567999999999999999", 18, "1,234.5679 T"),
        ("1", 18, "< 0.0001 T"),
        ("12", 0, "12 T"),
        ("1005", 2, "10.05 T"),
    ],
)
def test_amounts_are_rounded_down(units, decimals, expected):
    assert words.amount(units, decimals, "T") == expected


def test_budgets_are_read_in_tokens():
    assert words.base_units("0.5", 18) == "500000000000000000"
    assert words.base_units(" 12,25 ", 2) == "1225"
    for text in ("", "-1", "1.005", "ten", "1e3"):
        with pytest.raises(Refused):
            words.base_units(text, 2)


def test_spans_and_sizes_have_units():
    spans = [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3_660, "1 h 01 min"), (90_000, "1 d 1 h")]
    assert [words.span(seconds) for seconds, _ in spans] == [expected for _, expected in spans]
    sizes = [(5, "5 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (200 << 20, "200 MiB"), (3 << 30, "3.0 GiB")]
    assert [words.size(count) for count, _ in sizes] == [expected for _, expected in sizes]


@pytest.mark.parametrize(
    ("text", "address", "token"),
    [
        ("127.0.0.1:3000", "http://127.0.0.1:3000", None),
        ("localhost", "http://localhost:3000", None),
        ("https://farm.example/", "https://farm.example:443", None),
        (" http://127.0.0.1:3000/#token=rsw_ab12 ", "http://127.0.0.1:3000", "rsw_ab12"),
        ("http://[::1]:3000", "http://[::1]:3000", None),
    ],
)
def test_addresses_are_read(text, address, token):
    assert connection.parse_address(text) == (address, token)


@pytest.mark.parametrize("text", ["", "ftp://a", "http://", "http://a:b", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Refused) as caught:
        connection.parse_address(text)
    assert caught.value.problem.kind == "bad_address"


def test_tokens_leave_this_machine_only_encrypted():
    with pytest.raises(Refused) as caught:
        connection.Node("http://192.168.0.7:3000", "secret")
    assert caught.value.problem.kind == "not_encrypted"
    connection.Node("https://192.168.0.7:3000", "secret")
    with pytest.raises(Refused) as caught:
        connection.Node("127.0.0.1:3000", " ")
    assert caught.value.problem.kind == "no_token"


def test_fingerprints_are_read_as_they_are_printed():
    digits = "0123456789abcdef" * 4
    colons = ":".join(digits[at : at + 2].upper() for at in range(0, 64, 2))
    for text in (digits, "0x" + digits, colons):
        assert connection.read_fingerprint(text) == digits
    assert connection.read_fingerprint("") == ""
    for text in ("abc", digits + "0", "g" * 64):
        with pytest.raises(Refused):
            connection.read_fingerprint(text)
