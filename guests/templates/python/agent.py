"""The agent as its host sees it: the world in wit/world.wit."""

from bottega_guest import Message, behaviour
from greeter import Greeter
from wit_world.imports import log, send


class Agent(Greeter):
    def handle(self, message: Message) -> None:
        answer = self.answer(message)
        if answer is None:
            return
        log.write(log.Level.INFO, f"{answer.performative}, {self.greeted} greeted")
        send.send(answer.to_json())


Behaviour = behaviour(Agent)
