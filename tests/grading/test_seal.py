"""The sandbox holds: real kernels try to break out, as this user and as an ordinary one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from nobody_help import as_nobody, can_become_nobody

from autograder import doctor
from autograder.__main__ import main
from autograder.executor import kernel, ladder
from autograder.kernels import bwrap, landlock, linux, probes, seal, warm

NO_SEAL = seal.possible()
needs_seal = pytest.mark.skipif(bool(NO_SEAL), reason=str(NO_SEAL))
# In a plain kernel these get through: the probes can tell. (Others could do harm there.)
TELLING = {
    "read a file of the grader",
    "list the grader's folder",
    "connect over TCP",
    "connect to a UNIX socket",
    "send a datagram",
    "signal the grader",
    "look at the grader in /proc",
    "run a program to do it",
    "see the grader's environment",
    "empty a file of the grader",
    "lock the grader out of a file",
}
ATTACK = """
import json, sys
from autograder import doctor
from autograder.executor import kernel
from autograder.kernels import seccomp, linux, warm
from autograder.kernels.seccomp import ALLOW, EQUAL, ERRNO, LOAD, Instruction, install, program

if sys.argv[1] == "no namespaces":  # as in most containers: unshare is refused
    refuse = [Instruction(LOAD, 0, 0, 0), Instruction(EQUAL, 0, 1, linux.number("unshare"))]
    seccomp.program = lambda alone: [*refuse, seccomp._return(ERRNO | 1), seccomp._return(ALLOW)]
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    install(True)
    seccomp.program = program
warm._current.append(warm.Zygote(warm=False))  # probes need no TensorFlow
found = doctor.attack(kernel.sealed)
print(json.dumps({"plan": warm.current().plan, "found": found}))
"""


@pytest.fixture
def open_path():
    """A temporary folder that everybody may enter; pytest's own are private."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def findings():
    return {finding.probe: finding for finding in doctor.attack(kernel.sealed)}


@needs_seal
@pytest.mark.parametrize("probe", sorted(doctor.EVERYTHING))
def test_a_sealed_kernel_holds(findings, probe):
    assert findings[probe].held, findings[probe].words


@needs_seal
def test_doctor_says_what_holds_and_fails_when_it_is_not_what_was_wanted(monkeypatch, capsys):
    monkeypatch.setattr(probes, "IN_KERNELS_OF_THEIR_OWN", {})  # tried above
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Students' code runs: sealed" in said and "BROKEN" not in said
    assert said.count("held") >= len(probes.IN_ONE_KERNEL) and "new namespaces" in said
    assert main(["doctor", "--rung", "bubblewrap"]) == 1


def test_the_probes_see_an_unsealed_kernel():
    found = {f.probe: f.held for f in doctor.attack(kernel.plain, TELLING)}
    assert found == dict.fromkeys(TELLING, False)


def attacked(how, *prefix, **env):
    """Attack in a process of its own; return the report."""
    command = [*prefix, sys.executable, "-c", ATTACK, how]
    env = {**os.environ, "PYTHONPATH": str(Path(doctor.__file__).parents[1]), **env}
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert how == "namespaces as allowed" or report["plan"] == "none"
    assert {probe for probe, *_ in report["found"]} == doctor.EVERYTHING
    return [finding for finding in report["found"] if not finding[1]]


@needs_seal
@pytest.mark.slow
@pytest.mark.skipif(not can_become_nobody(), reason="only root can become an ordinary user")
@pytest.mark.parametrize("how", ["namespaces as allowed", "no namespaces"])
def test_a_sealed_kernel_of_an_ordinary_user_holds(open_path, how):
    home = open_path / "home"
    home.mkdir()
    shutil.chown(home, 65534, 65534)
    assert not attacked(how, *as_nobody(open_path), HOME=str(home), TMPDIR=str(home))


@needs_seal
@pytest.mark.slow
def test_a_sealed_kernel_holds_in_a_container_without_namespaces():
    assert not attacked("no namespaces")


@pytest.mark.slow
@pytest.mark.skipif(bool(bwrap.possible()), reason=str(bwrap.possible()))
def test_bubblewrap_holds():
    together = doctor.attack(kernel.bubble, probes.IN_ONE_KERNEL)
    assert not [finding for finding in together if not finding.held]


def test_the_ladder_refuses_and_names_the_way_out(monkeypatch):
    monkeypatch.setattr(landlock, "syscall", lambda *a: (_ for _ in ()).throw(OSError(38, "not here")))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ladder.NoSandbox, match="no Landlock.*bubblewrap is not installed.*--unsandboxed"):
        ladder.choose()
    assert ladder.choose(unsandboxed=True).words.startswith("UNSANDBOXED")


@pytest.mark.skipif(linux.SYSTEM != "Linux", reason="numbers of Linux")
def test_the_numbers_of_system_calls_are_those_of_the_headers():
    headers = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if linux.MACHINE != "x86_64" or not headers.exists():
        pytest.skip("no headers of Linux for x86_64 here")
    words = [line.split() for line in headers.read_text().splitlines() if line.startswith("#define __NR_")]
    known = {word[1].removeprefix("__NR_"): int(word[2]) for word in words}
    wrong = [n for n, (number, _) in linux.NUMBERS.items() if n in known and known[n] != number]
    assert not wrong and known.keys() & linux.NUMBERS.keys()


@needs_seal
def test_a_zygote_knows_its_plan():
    assert warm.current().plan in ("user, processes, network, shared memory", "none") or os.getuid() == 0
