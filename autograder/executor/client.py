"""A notebook client that caps what a cell may print and remembers what went wrong in it."""

import asyncio

from nbclient import NotebookClient

from autograder.executor.outputs import is_count, sound

FLOOD = 20  # times the cap: a cell that prints more than that is interrupted
MESSAGE = 100  # bytes a message costs besides its text, so that a million empty ones are a flood too
SMALL = 10_000
KEPT = ("error", "execute_result")  # they decide a score, so one of each passes the cap
TEXT = ("stream", "error", "execute_result", "display_data", "update_display_data")


class CappedClient(NotebookClient):
    """Run cells one by one; `late`, `flooded` and `left` tell of the latest cell.

    Widgets are ignored: their messages would let a student's code act in the grader's process.
    """

    def __init__(self, notebook, cap: int, **options):
        super().__init__(notebook, on_cell_executed=self._read_reply, **options)
        self.cap = cap
        self.begin()

    def begin(self) -> None:
        """Forget the previous cell."""
        self.late = self.flooded = self.left = False
        self.kept = self.total = self.interrupts = 0
        self.passed: set[str] = set()
        self._display_id_map = {}  # a later cell that updates a display of an earlier one finds it gone

    async def _async_poll_kernel_alive(self) -> None:
        """As nbclient's; but where nobody asks what became of it, nothing is printed about that."""
        asyncio.current_task().add_done_callback(lambda task: task.cancelled() or task.exception())
        await super()._async_poll_kernel_alive()

    def process_message(self, msg, cell, cell_index):
        """Drop or shorten outputs past the cap."""
        kind = msg["msg_type"]
        if kind == "clear_output":
            self.kept = 0
        if kind not in TEXT:
            if not is_count(msg["content"].get("execution_count")):
                msg["content"].pop("execution_count", None)
            return super().process_message(msg, cell, cell_index)
        msg["content"] = sound(kind, msg["content"])
        size = MESSAGE + _size(msg["content"])
        self.total += size
        self._stop_flood()
        room = self.cap - self.kept
        self.kept += size
        if size > room and not self._fits(kind, msg["content"], room):
            return None
        return super().process_message(msg, cell, cell_index)

    def _fits(self, kind: str, content: dict, room: int) -> bool:
        """Shorten a message that is too long; say whether anything of it is left."""
        if kind == "stream":
            content["text"] = content["text"][: max(room, 0)] + "\n… the rest was cut\n"
            return room > 0
        if kind not in KEPT or kind in self.passed:
            return False
        self.passed.add(kind)
        _shorten(content)
        return True

    def _stop_flood(self) -> None:
        if self.total > FLOOD * self.cap * 2**self.interrupts:  # again: code can swallow an interrupt
            self.flooded = True
            self.interrupts += 1
            self.interruption = asyncio.ensure_future(self.km.interrupt_kernel())

    def output(self, outs, msg, display_id, cell_index):
        """Join pieces of one stream as they come."""
        content = msg["content"]
        last = outs[-1] if outs else None
        same = last and last.output_type == "stream" == msg["msg_type"] and last.name == content["name"]
        if same and not self.clear_before_next_output:
            last.text += content["text"]
            return last
        return super().output(outs, msg, display_id, cell_index)

    def _read_reply(self, cell, cell_index, execute_reply):
        # After exit() a kernel lives on for a moment: which of the next cells it still runs is chance.
        payload = execute_reply["content"].get("payload", [])
        self.left = any(part.get("source") == "ask_exit" for part in payload)

    def handle_comm_msg(self, outs, msg, cell_index):
        """Ignore widgets."""

    async def _async_handle_timeout(self, timeout, cell=None):
        self.late = True
        return await super()._async_handle_timeout(timeout, cell)


def _size(content: dict) -> int:
    parts = [content.get("text"), content.get("evalue"), *content.get("traceback", [])]
    return sum(len(str(part)) for part in [*parts, *content.get("data", {}).values()])


def _shorten(content: dict) -> None:
    if "data" in content:
        content["data"] = {"text/plain": str(content["data"].get("text/plain"))[:SMALL]}
    else:
        content["evalue"] = str(content["evalue"])[:SMALL]
        content["traceback"] = [str(line)[:SMALL] for line in content["traceback"][-10:]]
