"""The stubs say what is there."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.version_info < (3, 10), reason="its last version takes imports for types for missing names")
def test_the_stubs_are_those_of_the_compiled_part(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "facenet", "--ignore-disjoint-bases"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_that_uses_the_stubs_is_checked(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "from facenet import FaceNet, Clusterer, Gallery, evaluate\n"
        "net = FaceNet()\n"
        "rows = net.embed(['a.jpg', b'bytes', np.zeros((8, 8), np.uint8)], crop='center')\n"
        "reveal_type(rows)\n"
        "reveal_type(net.faces('a.jpg'))\n"
        "reveal_type(Clusterer(far=0.1).fit_predict(rows))\n"
        "net.embed('a.jpg', crop='middle')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)],
        capture_output=True,
        text=True,
    )
    lines = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if "program.py" in line]
    assert "ndarray" in lines[0] and "32Bit" in lines[0]
    assert "list[facenet._native.Face]" in lines[1]
    assert "signedinteger" in lines[2] and "64Bit" in lines[2]
    assert lines[3].startswith('error: Argument "crop"') and len(lines) == 4, done.stdout
