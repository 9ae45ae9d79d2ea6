"""Forked kernels behave as kernels do, end as they say, and leave nobody behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kernel_help import session

from autograder.kernels import seal, warm

pytestmark = pytest.mark.skipif(bool(seal.possible()), reason=str(seal.possible()))
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
TRAIN = """
import keras, numpy as np
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
print(model.fit(np.ones((8, 4)), np.ones((8, 1)), epochs=2, verbose=0).history["loss"][-1] < 10)
"""
DRAWS = "import random, numpy as np\nprint(random.random(), np.random.rand())"


def in_kernel(folder, *cells, **config):
    """Run cells in a fresh kernel; return what each printed."""

    async def go():
        async with session(folder, **config) as kernel:
            return [await kernel.run(cell) for cell in cells]

    return asyncio.run(go())


def alive(pids):
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_the_zygote_has_one_thread_and_its_owner_is_this_process():
    zygote = warm.current()
    assert zygote.warm and not warm.notices
    process = psutil.Process(zygote.process.pid)
    assert process.num_threads() == 1 and process.ppid() == os.getpid()


def test_figures_training_and_the_working_folder(tmp_path):
    (tmp_path / "beside.py").write_text("x = 7")
    figure, train, beside, where = in_kernel(
        tmp_path, FIGURE, TRAIN, "import beside\nprint(beside.x)", "import os\nprint(os.getcwd())"
    )
    assert "image/png" in figure
    assert train.endswith("True")
    assert beside == "7" and where == str(tmp_path)


def test_the_first_traceback_is_prepared(tmp_path):
    """Python then need not look where thousands of modules lie, which takes a second."""
    ask = (
        "import inspect, sys\nprint(sum(f'{n}' in inspect._filesbymodname for n in list(sys.modules)) > 1000)"
    )
    assert in_kernel(tmp_path, ask) == ["True"]


def test_every_kernel_draws_its_own_random_numbers(tmp_path):
    first, second = in_kernel(tmp_path, DRAWS), in_kernel(tmp_path, DRAWS)
    assert not set(first[0].split()) & set(second[0].split())


OPEN_FILES = """
import contextlib, os
home, links = os.path.dirname(os.environ["HOME"]), []
for number in os.listdir("/proc/self/fd"):
    with contextlib.suppress(FileNotFoundError):  # the list's own, or a thread's, closed since
        links.append(os.readlink(f"/proc/self/fd/{number}"))
print([link for link in links if not link.startswith(home)])
"""


def test_a_kernel_holds_no_file_of_its_owner(tmp_path):
    with open(tmp_path / "grades", "w") as file:
        os.set_inheritable(file.fileno(), True)
        (links,) = in_kernel(tmp_path, OPEN_FILES)
    own = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/proc/", "/dev/urandom", "/dev/random")
    assert not [link for link in eval(links) if not link.startswith(own)]


def test_signals_that_its_owner_ignores_reach_a_kernel(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    warm.close()
    try:
        (found,) = in_kernel(tmp_path, "import signal\nprint(int(signal.getsignal(signal.SIGHUP)))")
    finally:
        signal.signal(signal.SIGHUP, before)
        warm.close()
    assert int(found) == signal.SIG_DFL


@pytest.mark.parametrize(
    "code, expected",
    [
        ("import os\nos._exit(3)", 3),
        ("import os\nos.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import ctypes\nctypes.string_at(0)", -signal.SIGSEGV),
        ("import os\nos.abort()", -signal.SIGABRT),
        ("import os\nos.killpg(0, 15)", -signal.SIGTERM),
        ("exit()", 0),
    ],
)
def test_exit_codes_are_those_of_subprocess(tmp_path, code, expected):
    async def go():
        async with session(tmp_path) as kernel:
            kernel.client.execute(code)
            return await kernel.ended()

    assert asyncio.run(go()) == (expected, None)


def test_interrupt_restart_and_shutdown(tmp_path):
    async def go():
        async with session(tmp_path) as kernel:
            await kernel.run("x = 1")
            waiting = asyncio.ensure_future(kernel.run("import time\ntime.sleep(60)"))
            await asyncio.sleep(0.5)
            await kernel.manager.interrupt_kernel()
            interrupted = await waiting
            still = await kernel.run("print(x)")
            old = kernel.kernel.pid
            await kernel.manager.restart_kernel(now=True)
            await kernel.client.wait_for_ready(timeout=60)
            new = await kernel.run("print('x' in globals())")
            folder = kernel.manager.provisioner.room.folder
            await kernel.manager.shutdown_kernel(now=False)
            return interrupted, still, old != kernel.kernel.pid, new, folder.exists(), alive([old])

    assert asyncio.run(go()) == ("KeyboardInterrupt:", "1", True, "False", False, [])


def test_nobody_outlives_a_kernel_not_even_who_left_its_session(tmp_path):
    code = "import subprocess\nfor new in (True, False):\n"
    code += "    subprocess.Popen(['sleep', '876543'], start_new_session=new)"
    in_kernel(tmp_path, code)
    assert not [p for p in psutil.process_iter(["cmdline"]) if "876543" in (p.info["cmdline"] or [])]


def test_a_kernel_ends_with_its_zygote_and_the_next_gets_a_new_one(tmp_path):
    async def go():
        async with session(tmp_path) as kernel:
            zygote, keeper = warm.current().process, kernel.kernel.pid
            zygote.kill()
            return await kernel.ended(), zygote.pid, keeper

    end, zygote, keeper = asyncio.run(go())
    assert end == (-signal.SIGKILL, "lost")
    assert eventually(lambda: not alive([keeper]))
    assert in_kernel(tmp_path, "print(1)") == ["1"]
    assert warm.current().process.pid != zygote


OWNER = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from kernel_help import session
from autograder.kernels import warm

async def go():
    async with session({folder!r}) as kernel:
        print(warm.current().process.pid, kernel.kernel.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(go())
"""


def test_two_owners_have_their_own_zygotes_and_take_everything_with_them(tmp_path):
    code = OWNER.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    theirs = [int(pid) for pid in owner.stdout.readline().split()]
    mine = warm.current().process.pid
    assert len(theirs) == 2 and mine not in theirs and len(alive(theirs)) == 2
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert eventually(lambda: not alive(theirs))
    assert alive([mine])


def test_a_zygote_that_cannot_import_says_so_and_kernels_start_cold(tmp_path, monkeypatch):
    (tmp_path / "sklearn.py").write_text("raise ImportError('no sklearn today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    warm.close()
    try:
        assert in_kernel(tmp_path, "print(2)") == ["2"]
        assert not warm.current().warm and "no sklearn today" in warm.notices[-1]
    finally:
        warm.notices.clear()
        warm.close()


def test_threads_that_have_ended_do_not_count(tmp_path):
    """TensorFlow starts a few for every epoch; on a busy machine Linux is slow to forget them."""
    start = "    t = threading.Thread(target=int)\n    t.start()\n    t.join()"
    code = f"import threading\nfor i in range(2000):\n{start}\nprint(i)"
    assert in_kernel(tmp_path, code) == ["1999"]
