"""Messages that no honest kernel sends: to Jupyter's channels, and in answer to a test."""

from nasty_course import FULL, NOTHING, QUIZ, RIGHT, WRONG, Case, code

# Helpers of the code below: `publish` sends anything over the channel of outputs, in the name of this cell.
TOOLS = """
import json, sys
kernel = get_ipython().kernel
def publish(kind, content, channel=None, **more):
    kernel.session.send(channel or kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"), **more)
def nested(depth):
    found = {}
    for _ in range(depth): found = {"x": found}
    return found
"""
ODD_DATA = (
    TOOLS
    + """
publish("display_data", {"data": {"text/plain": 5, "image/png": ["a", 7], "x": None, "": {}}, "metadata": [1]})
publish("display_data", {"data": {"text/plain": "ok", "text/html": {"a": 1}}, "metadata": {"x": float("nan")}})
publish("execute_result", {"data": {}, "metadata": {}, "execution_count": "three"})
publish("stream", {"name": "stdfoo", "text": "x"})
publish("stream", {"name": "stdout", "text": 7})
publish("stream", {"name": "stdout", "text": ["a", "b"]})
publish("error", {"ename": 3, "evalue": None, "traceback": [1, None, {}]})
"""
)
NO_CONTENT = (
    TOOLS
    + """
for kind in ("display_data", "stream", "error", "status", "execute_result", "comm_open", "clear_output", "no"):
    publish(kind, {})
"""
)
LISTS = TOOLS + "publish('stream', b'[\"a\"]')\n"
DEEP_DATA = (
    TOOLS + "publish('display_data', {'data': {'application/json': nested(400)}, 'metadata': nested(400)})"
)
DEEPER = (
    TOOLS + "publish('display_data', {'data': {'application/json': nested(60)}, 'metadata': nested(700)})"
)
SURROGATES = "print('\\ud800')\nfrom IPython.display import display\n"
SURROGATES += "display({'text/plain': '\\udfff'}, raw=True)\nraise ValueError('\\ud800')"
ZEROS = "print('a\\0b\\x1b[2J\\x07')\nraise ValueError('\\0')"
UPDATES = """
from IPython.display import display, update_display
handle = display("one", display_id="here")
"""
UPDATE = (
    "def share(array):\n    update_display('two', display_id='here')\n    return float((array == 0).mean())"
)
UPDATE += "\nhandle.update('three')"
WIDGETS = (
    TOOLS
    + """
publish("comm_open", {"comm_id": "x", "target_name": "jupyter.widget", "data": {"state": {
    "_model_module": "@jupyter-widgets/output", "_model_name": "OutputModel", "msg_id": "x"}}})
publish("comm_msg", {"comm_id": "x", "data": {"method": "update", "state": {"outputs": [1]}}})
"""
)
PAYLOAD = """
get_ipython().payload_manager.write_payload({"source": "set_next_input", "text": "4", "replace": True})
get_ipython().payload_manager.write_payload({"source": 7})
get_ipython().payload_manager.write_payload({"source": "page", "data": {"text/plain": "x"}})
"""
BAD_REPLY = """
kernel = get_ipython().kernel
real = kernel.session.send
def send(stream, kind, content=None, *args, **kwargs):
    if kind == "execute_reply":
        content = ["nonsense"]
    return real(stream, kind, content, *args, **kwargs)
kernel.session.send = send
"""
NO_STATUS = BAD_REPLY.replace('content = ["nonsense"]', 'content = {"payload": 3}')
NO_KEY = "get_ipython().kernel.session.key = b'another'"
CUT = """
kernel = get_ipython().kernel
kernel.iopub_socket.send_multipart = lambda *a, **k: None
kernel.session.serialize = lambda *a, **k: [b"garbage"]
"""
# Said over the channel for input, outside of a test and within one.
INPUTS = (
    TOOLS
    + """
for content in ({"prompt": 7}, {}, {"prompt": "0123456789abcdef:{}"}, {"prompt": ["x"]}, ["list"], "text"):
    publish("input_request", content, kernel.stdin_socket, ident=kernel._parent_ident["shell"])
"""
)
IN_TEST = (
    TOOLS
    + """
def share(array):
    ident = kernel._parent_ident["shell"]
    for content in CONTENTS:
        kernel.session.send(kernel.stdin_socket, "input_request", content,
                            parent=kernel.get_parent("shell"), ident=ident)
    return float((array == 0).mean())
"""
)
RAW_BYTES = (
    TOOLS
    + """
def share(array):
    ident = kernel._parent_ident["shell"]
    kernel.stdin_socket.send_multipart([*ident, b"<IDS|MSG>", b"bad signature", b"{", b"{", b"{", b"{"])
    kernel.stdin_socket.send_multipart([*ident, b"no delimiter"])
    return float((array == 0).mean())
"""
)
ANSWERS = "answer = sys.modules['autograder.checks.answer'].answer\n"
HALF = TOOLS + ANSWERS + "answer.send = lambda text: kernel.raw_input(text[: len(text) // 2])"
TWICE = (
    TOOLS
    + ANSWERS
    + """
real = answer.send
def send(text):
    real(text)
    return real(text)
answer.send = send
"""
)
SAYS = TOOLS + ANSWERS + "answer.send = lambda text: kernel.raw_input(answer.mark + SAID)"
UNASKED = 'def share(array):\n    for _ in range(5):\n        answer.send(answer.mark + \'{"value": 7, "things": {}}\')'
UNASKED += "\n    return 0.5"
RECURSION = (
    TOOLS
    + ANSWERS
    + """
call = {"do": "call", "value": {"tuple": [None, [], [{"tuple": [None, [], [{"yours": 1}]]}, {"tuple": [None, [], []]}]]}}
answer.link.serve = lambda request: json.dumps(call | {"things": {}})
"""
)
IDENTITY = (
    TOOLS
    + ANSWERS
    + """
answer.link.serve = lambda request: json.dumps({"value": {"ref": "c1"}, "things": {"c1": ["list", []]}})
"""
)
CODE = (
    TOOLS
    + ANSWERS
    + """
answer.link.serve = lambda request: json.dumps({"value": {"known": ["os", "_exit"]}, "things": {}})
"""
)
GIANT = TOOLS + ANSWERS + "answer.send = lambda text: kernel.raw_input(answer.mark + 'x' * 120_000_000)"
HUGE_VALUES = """
from decimal import Decimal
from fractions import Fraction
def share(array): return Decimal("1e999999999")
def clear(array, keep): return range(10 ** 30)
"""

CASES = {
    "odd data": Case(code(RIGHT, ODD_DATA), FULL, says="ok"),
    "no content": Case(code(RIGHT, NO_CONTENT), NOTHING, "died", "stopped making sense"),
    "lists for contents": Case(code(RIGHT, LISTS), NOTHING, "died", "stopped making sense"),
    "deep data": Case(code(RIGHT, DEEP_DATA), FULL),
    "deeper metadata": Case(code(RIGHT, DEEPER), FULL, "graded died"),
    "half surrogates": Case(code(RIGHT, SURROGATES), FULL, says="ValueError"),
    "control characters": Case(code(RIGHT, ZEROS), FULL, says="ValueError"),
    "updated display": Case(code(RIGHT | {"share": UPDATE}, UPDATES), FULL),
    "widgets": Case(code(RIGHT, WIDGETS), FULL),
    "payloads": Case(code(RIGHT, PAYLOAD), FULL),
    # `share` is right, and test_partly runs nothing in the student's kernel but what asks for it.
    "nonsense for a reply": Case(code(RIGHT, BAD_REPLY), NOTHING | {"test_partly": 4.0}, "died time"),
    "half a reply": Case(code(RIGHT, NO_STATUS), NOTHING, "died time"),
    "wrong signature": Case(code(RIGHT, NO_KEY), NOTHING, "died time"),
    "cut connections": Case(code(RIGHT, CUT), NOTHING, "died time"),
    "inputs nobody asked for": Case(code(RIGHT, INPUTS), FULL),
    "an input without a prompt": Case(
        code(RIGHT | {"share": IN_TEST.replace("CONTENTS", "[{}, {'prompt': 7}]")}), FULL
    ),
    "an input that is a list": Case(
        code(RIGHT | {"share": IN_TEST.replace("CONTENTS", "['x', b'[1]', b'7', b'{}']")}), FULL
    ),
    "bytes for an input": Case(code(RIGHT | {"share": RAW_BYTES}), FULL, "graded"),
    "half answers": Case(code(RIGHT, HALF), QUIZ, "died"),
    "answers twice": Case(code(RIGHT, TWICE), NOTHING, "time"),
    "answers a number": Case(code(RIGHT, SAYS.replace("SAID", "'7'")), QUIZ, "died", "stopped making sense"),
    "answers null": Case(code(RIGHT, SAYS.replace("SAID", "'null'")), QUIZ, "died", "stopped making sense"),
    "answers wrong keys": Case(code(RIGHT, SAYS.replace("SAID", "'{\"thing\": 1}'")), QUIZ, "died"),
    "answers deep": Case(
        code(RIGHT, SAYS.replace("SAID", "'[' * 100_000")), QUIZ, "died", "stopped making sense"
    ),
    "answers infinity": Case(
        code(RIGHT, SAYS.replace("SAID", '\'{"things": {}, "value": 1e999}\'')), QUIZ, "graded"
    ),
    "answers unasked": Case(code(WRONG | {"share": TOOLS + ANSWERS + UNASKED}), QUIZ, "graded died time"),
    "asks back for ever": Case(code(RIGHT, RECURSION), QUIZ, "died"),
    "takes another's name": Case(code(RIGHT, IDENTITY), QUIZ, "died"),
    "sends code": Case(code(RIGHT, CODE), QUIZ, "died"),
    "a giant answer": Case(code(RIGHT, GIANT), QUIZ, "died time"),
    "huge values": Case(code({"share": HUGE_VALUES, "clear": "pass"}), QUIZ, "graded time died"),
}
