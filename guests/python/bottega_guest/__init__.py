"""Agents and tools for Bottega, in Python, as WebAssembly.

What it is: `Message`, the base classes `Agent` and `Tool`, and `behaviour` and `callable_tool`, which put one of them
behind the worlds of `guest.wit`. All of it is plain Python, so that an agent's own tests need no host.
What it is not: the capabilities. These are the modules of `wit_world.imports` that `componentize-py` makes for the
imports of your `wit/world.wit` (`from wit_world.imports import send, log`); each must be granted in `bottega.toml`.

    from bottega_guest import Agent, Message, behaviour
    from wit_world.imports import send

    class Parrot(Agent):
        def handle(self, message: Message) -> None:
            if message.performative == "request":
                send.send(message.reply("inform", message.content).to_json())

    Behaviour = behaviour(Parrot)
"""

from bottega_guest.agent import Agent, behaviour
from bottega_guest.message import Award, Message, Refusal
from bottega_guest.tool import Tool, callable_tool

__all__ = ["Agent", "Award", "Message", "Refusal", "Tool", "behaviour", "callable_tool"]
