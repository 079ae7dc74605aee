from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROGRAM = [sys.executable, "-m", "trading_system", "simulate", "--port", "0"]


def test_with_a_public_key_there_is_no_secret_to_print(tmp_path):
    public = Ed25519PrivateKey.generate().public_key()
    pem = tmp_path / "key.pem"
    pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    process = subprocess.Popen(
        [*PROGRAM, "--public-key", str(pem)], stderr=subprocess.PIPE, text=True
    )
    try:
        said = [process.stderr.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert [line.partition("=")[0] for line in said] == [
        "VENUE",
        "BINANCE_API_KEY",
        "Ctrl-C ends it.\n",
    ]


@pytest.mark.parametrize("text", [None, "no key"])
def test_a_public_key_that_cannot_be_read_is_one_line(cli, tmp_path, text):
    pem = tmp_path / "key.pem"
    if text is not None:
        pem.write_text(text)
    result = cli("simulate", "--port", "0", "--public-key", str(pem))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
