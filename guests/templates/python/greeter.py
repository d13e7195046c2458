"""Greets whoever asks, and counts how often. Plain Python, tested without any host."""


class Greeter:
    """What the agent knows."""

    def __init__(self) -> None:
        self.greeted = 0

    def answer(self, message: dict) -> dict:
        """The answer to a message."""
        name = message.get("content")
        if not isinstance(name, str):
            raise ValueError("the content must be a name")
        self.greeted += 1
        sender = message.get("sender")
        return {
            "performative": "inform",
            "content": f"Hello, {name}! You are number {self.greeted}.",
            "receiver": [sender] if sender else [],
        }

    def save(self) -> bytes:
        return str(self.greeted).encode()

    def restore(self, state: bytes) -> None:
        if not state.isdigit():
            raise ValueError("the state is no number")
        self.greeted = int(state)
