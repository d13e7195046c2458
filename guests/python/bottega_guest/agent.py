"""What an agent is."""

from __future__ import annotations

import sys

from bottega_guest.message import Message, Refusal


class Agent:
    """An agent. Its attributes are all that it knows.

    What it raises as `Refusal` is an answer, and so is what its host refused and it does not catch; the agent goes on. Any
    other exception ends it, and its supervisor decides what follows.
    """

    def init(self, config: str) -> None:
        """Begins, with the agent's own settings as JSON."""

    def handle(self, message: Message) -> None:
        """Handles one message. They come one at a time."""
        raise NotImplementedError

    def save(self) -> bytes:
        """All that it knows, in a form that a later version can read. Without it there is no live upgrade."""
        raise Refusal("this agent keeps its state")

    def restore(self, version: str, state: bytes) -> None:
        """Takes over what `version` of this agent saved."""
        raise Refusal(f"the state of {version} is not understood")


def _answered(work, *arguments):
    """Does it; a refusal is the `Err` of the world, which is there in a built guest alone."""
    try:
        return work(*arguments)
    except Refusal as refusal:
        why = str(refusal)
    except Exception as error:
        why = _refused_by_host(error)
        if why is None:
            raise
    from componentize_py_types import Err

    raise Err(why) from None


def _refused_by_host(error: Exception) -> str | None:
    """What the host said where this is how a capability fails; nothing where it is anything else."""
    kind = getattr(sys.modules.get("componentize_py_types"), "Err", None)
    if kind is None or not isinstance(error, kind):
        return None
    # A case of the variant `refusal`, which holds the words.
    return str(getattr(error.value, "value", error.value))


def behaviour(kind: type[Agent]) -> type:
    """Puts an agent behind the interface `behaviour`. The module that is built names the outcome `Behaviour`."""
    # The compiler makes an object of that class for each call; the agent is one for all of them.
    agent = kind()

    class Behaviour:
        def init(self, config: str) -> None:
            _answered(agent.init, config)

        def handle_message(self, message: str) -> None:
            _answered(lambda: agent.handle(Message.parse(message)))

        def save_state(self) -> bytes:
            return _answered(agent.save)

        def restore_state(self, version: str, state: bytes) -> None:
            _answered(agent.restore, version, state)

    return Behaviour
