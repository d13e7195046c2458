"""Greets whoever asks, and counts how often. Plain Python, tested without any host."""

import json

import bottega_guest
from bottega_guest import Message, Refusal

# What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
BID = {"price": 3000000, "takes_ms": 2000, "confidence": 990}

# What whoever asks for something else is told.
TAKES = "this agent takes requests, query-refs and calls for bids"


class Greeter(bottega_guest.Agent):
    """What the agent knows."""

    def __init__(self) -> None:
        self.greeted = 0

    def answer(self, message: Message) -> Message | None:
        """The answer to a message; nothing where none is due."""
        match message.performative:
            case "cfp":
                return message.reply("propose", json.dumps(BID))
            case "accept-proposal":
                return message.reply("inform", self.greet(message.awarded().task))
            case "request" | "query-ref":
                return message.reply("inform", self.greet(message.content))
            case (
                "cancel" | "propagate" | "propose" | "proxy" | "query-if"
                | "request-when" | "request-whenever" | "subscribe"
            ):
                return message.reply("not-understood", TAKES)
            # What only tells something is not answered, or two agents would go on for ever.
            case _:
                return None

    def greet(self, name: object) -> str:
        if not isinstance(name, str):
            raise Refusal("the content must be a name")
        self.greeted += 1
        return f"Hello, {name.removeprefix('greet ')}! You are number {self.greeted}."

    def save(self) -> bytes:
        return str(self.greeted).encode()

    def restore(self, version: str, state: bytes) -> None:
        if not state.isdigit():
            raise Refusal("the state is no number")
        self.greeted = int(state)
