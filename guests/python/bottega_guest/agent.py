"""What an agent is."""

from __future__ import annotations

from bottega_guest.message import Message, Refusal


class Agent:
    """An agent. Its attributes are all that it knows.

    What it raises as `Refusal` is an answer, and the agent goes on. Any other exception ends it, and its supervisor decides
    what follows.
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
        from componentize_py_types import Err

        raise Err(str(refusal)) from None


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
