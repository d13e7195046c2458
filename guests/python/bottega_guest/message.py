"""Messages between agents."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):
    """An answer that says no, in words for whoever asked. The agent goes on; any other exception ends it."""


@dataclass(frozen=True)
class Award:
    """What the winner of a tender is told.

    `task` is what is to be done, `pay` what it is paid in billionths of a dollar, `finish_by` when its time is over in
    milliseconds since the Unix epoch.
    """

    task: str
    pay: int
    finish_by: int


# What an answer takes over from the message that it answers: from where, to where.
_KEPT = (
    ("sender", "receiver"),
    ("conversation-id", "conversation-id"),
    ("protocol", "protocol"),
    ("reply-with", "in-reply-to"),
)


@dataclass
class Message:
    """One FIPA-ACL message.

    `performative` says what it does (`request`, `inform`, `refuse`, …) and `content` what it is about. All else (sender,
    receivers, conversation, …) is in `rest`, under its name and as it came.
    """

    performative: str
    content: Any = None
    rest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Message:
        """Reads its JSON. Raises `Refusal` where it is none."""
        try:
            members = json.loads(text)
            performative = members.pop("performative")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Refusal(f"this is no message: {error!r}") from None
        return cls(performative, members.pop("content", None), members)

    def to_json(self) -> str:
        """Its JSON, as the capability `send` takes it."""
        content = {} if self.content is None else {"content": self.content}
        return json.dumps({"performative": self.performative} | content | self.rest)

    @property
    def sender(self) -> Any:
        """Who said it: a name, or an object with a name and addresses; `None` where nobody is named."""
        return self.rest.get("sender")

    @property
    def id(self) -> str | None:
        """The name of a durable message. One that comes again, after a crash, has the same: whoever must not do its work
        twice keeps the names of what it did. `None` for a transient message, which comes once at most."""
        return self.rest.get("X-message-id")

    @property
    def attempt(self) -> int:
        """How often it was begun, this time included."""
        return int(self.rest.get("X-attempt", 1))

    def reply(self, performative: str, content: Any = None) -> Message:
        """An answer to this one: to its sender, in its conversation."""
        answer = Message(performative, content)
        for source, target in _KEPT:
            if source in self.rest:
                value = self.rest[source]
                answer.rest[target] = [value] if target == "receiver" else value
        return answer

    def awarded(self) -> Award:
        """What was awarded, when this accepts a proposal of ours. Raises `Refusal` where it is no award."""
        try:
            content = json.loads(self.content)
            return Award(content["task"], content.get("pay", 0), content.get("finish_by", 0))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Refusal(f"the content is no award: {error!r}") from None
