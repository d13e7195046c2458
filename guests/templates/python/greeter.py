"""Greets whoever asks, and counts how often. Plain Python, tested without any host."""

import json

# What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
BID = {"price": 3000000, "takes_ms": 2000, "confidence": 990}

# What whoever asks for something else is told.
TAKES = "this agent takes requests, query-refs and calls for bids"


def reply(message: dict, performative: str, content: str) -> dict:
    """An answer to whoever wrote, in its conversation."""
    sender = message.get("sender")
    answer = {"performative": performative, "content": content, "receiver": [sender] if sender else []}
    if "conversation-id" in message:
        answer["conversation-id"] = message["conversation-id"]
    return answer


class Greeter:
    """What the agent knows."""

    def __init__(self) -> None:
        self.greeted = 0

    def answer(self, message: dict) -> dict | None:
        """The answer to a message; nothing where none is due."""
        match message.get("performative"):
            case "cfp":
                return reply(message, "propose", json.dumps(BID))
            case "accept-proposal":
                return reply(message, "inform", self.greet(json.loads(message["content"])["task"]))
            case "request" | "query-ref":
                return reply(message, "inform", self.greet(message.get("content")))
            case (
                "cancel" | "propagate" | "propose" | "proxy" | "query-if"
                | "request-when" | "request-whenever" | "subscribe"
            ):
                return reply(message, "not-understood", TAKES)
            # What only tells something is not answered, or two agents would go on for ever.
            case _:
                return None

    def greet(self, name: object) -> str:
        if not isinstance(name, str):
            raise ValueError("the content must be a name")
        self.greeted += 1
        return f"Hello, {name.removeprefix('greet ')}! You are number {self.greeted}."

    def save(self) -> bytes:
        return str(self.greeted).encode()

    def restore(self, state: bytes) -> None:
        if not state.isdigit():
            raise ValueError("the state is no number")
        self.greeted = int(state)
