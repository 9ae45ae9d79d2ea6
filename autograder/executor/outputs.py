"""What a kernel says it shows, made into what a notebook can hold: a student's code may send anything."""

DEEPEST = 40  # lists and dicts within each other; writing a notebook takes several calls for each
COUNT = 1 << 31


def sound(kind: str, content: dict) -> dict:
    """Return a message's content with all that an output of this kind has, each of the right type."""
    if kind == "stream":
        name = content.get("name")
        return {
            "name": name if name in ("stdout", "stderr") else "stdout",
            "text": _text(content.get("text", "")),
        }
    if kind == "error":
        lines = content.get("traceback")
        lines = [_text(line) for line in lines] if isinstance(lines, list) else []
        return {name: _text(content.get(name, "")) for name in ("ename", "evalue")} | {"traceback": lines}
    data, metadata = content.get("data", {}), content.get("metadata")
    made = {"data": {_text(mime): _shown(mime, one) for mime, one in data.items() if mime}}
    made["metadata"] = plain(metadata) if isinstance(metadata, dict) else {}
    if kind == "execute_result":
        count = content.get("execution_count")
        made["execution_count"] = count if is_count(count) else None
    transient = content.get("transient")
    display = transient.get("display_id") if isinstance(transient, dict) else None
    return made | {"transient": {"display_id": _text(display)} if display else {}}


def is_count(value) -> bool:
    """Whether this can be the number of a cell's execution."""
    return type(value) is int and 0 <= value < COUNT


def plain(value, depth: int = DEEPEST):
    """Return JSON without halves of characters, and cut off where it is nested too deep."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {plain(name): plain(one, depth - 1) for name, one in value.items()} if depth else {}
    if isinstance(value, list):
        return [plain(one, depth - 1) for one in value] if depth else []
    return value


def _shown(kind: str, value):
    """Return one form of what is shown: anything for JSON, otherwise text."""
    if kind.endswith("json"):
        return plain(value)
    if isinstance(value, list):
        return "".join(map(_text, value))
    return _text(value)


def _text(value) -> str:
    return plain(value if isinstance(value, str) else str(value))
