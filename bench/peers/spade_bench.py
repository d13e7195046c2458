#!/usr/bin/env python3
"""The peer in Python: Contract Net between SPADE agents, one initiator and its bidders in one process.

`python3 spade_bench.py [--bidders 10] [--seconds 5] [--through-server]`; prints one line of JSON.
A round: a cfp to every bidder, a proposal from each, accept to the cheapest and reject to the others, the inform.
Rounds follow one another. Exit code 127 where SPADE is not installed, 1 where a round or a connection fails.

All agents log in to SPADE's own XMPP server, which runs in this process too. But SPADE hands a message to an agent
of the same process directly, past the server; that is what its users get, and what is measured unless
`--through-server` is given.
"""

import argparse
import asyncio
import json
import socket
import sys
import time

try:
    import spade
    from loguru import logger
    from pyjabber.server import Server
    from pyjabber.server_parameters import Parameters
    from spade.agent import Agent
    from spade.behaviour import CyclicBehaviour
    from spade.message import Message
except ImportError as missing:
    # greenlet by name: SPADE's server needs it through SQLAlchemy, which from 2.1 on does not install it unasked.
    print(
        f"spade_bench.py: SPADE 4 is not installed whole ({missing}); pip install 'spade>=4.1,<5' greenlet",
        file=sys.stderr,
    )
    # What a shell says of a program that is not there.
    sys.exit(127)

HOST = "127.0.0.1"
# Not counted: the agents fetch their rosters while the first rounds run.
WARM_UP = 20
# For one message, and for all logins; only a peer that is broken takes so long.
PATIENCE = 20.0


class Bid(CyclicBehaviour):
    """Answers one message each time it runs."""

    async def run(self):
        heard = await self.receive(timeout=PATIENCE)
        # Nobody called in that time; the next run waits again.
        if heard is None:
            return
        act = heard.get_metadata("performative")
        if act == "cfp":
            await self.answer(heard, "propose", str(self.agent.price))
        elif act == "accept-proposal":
            await self.answer(heard, "inform", "mended")

    async def answer(self, heard, act, body):
        reply = heard.make_reply()
        reply.set_metadata("performative", act)
        reply.body = body
        await self.send(reply)


class Bidder(Agent):
    def __init__(self, jid, password, port, price):
        super().__init__(jid, password, port=port)
        self.price = price

    async def setup(self):
        # The only behaviour of the agent, so it takes every message and needs no template.
        self.add_behaviour(Bid())


class Call(CyclicBehaviour):
    """One round each time it runs."""

    async def on_start(self):
        self.rounds = -WARM_UP
        self.began = time.perf_counter()

    async def run(self):
        await self.round()
        self.rounds += 1
        if self.rounds == 0:
            self.began = time.perf_counter()
        elapsed = time.perf_counter() - self.began
        if self.rounds > 0 and elapsed >= self.agent.seconds:
            self.agent.result = (self.rounds, elapsed)
            self.kill()

    async def round(self):
        thread = f"round-{self.rounds}"
        for bidder in self.agent.bidders:
            await self.say(bidder, thread, "cfp", "mend the invoice")
        bids = [await self.hear(thread, "propose") for _ in self.agent.bidders]
        best = min(bids, key=lambda bid: int(bid.body))
        for bid in bids:
            act = "accept-proposal" if bid is best else "reject-proposal"
            await self.say(str(bid.sender), thread, act, bid.body)
        inform = await self.hear(thread, "inform")
        if inform.sender.bare != best.sender.bare:
            raise RuntimeError(f"{inform.sender} did the work that {best.sender} won")

    async def say(self, whom, thread, act, body):
        await self.send(Message(to=whom, body=body, thread=thread, metadata={"performative": act}))

    async def hear(self, thread, act):
        heard = await self.receive(timeout=PATIENCE)
        if heard is None:
            raise RuntimeError(f"no {act} came in {PATIENCE:.0f} seconds")
        if (heard.thread, heard.get_metadata("performative")) != (thread, act):
            raise RuntimeError(f"{heard.get_metadata('performative')} of {heard.thread} in place of {act} of {thread}")
        return heard

    async def on_end(self):
        # Also after an exception in a round; SPADE keeps that as the exit code. An event and not `join`, which
        # would wake up every millisecond of the measurement.
        self.agent.failure = self.exit_code
        self.agent.done.set()


class Initiator(Agent):
    def __init__(self, jid, password, port, bidders, seconds):
        super().__init__(jid, password, port=port)
        self.bidders = bidders
        self.seconds = seconds
        self.result = None
        self.failure = None
        self.done = asyncio.Event()

    async def setup(self):
        self.add_behaviour(Call())


def free_ports(count):
    """All held until all are found, so that they differ."""
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


async def serve(port, server_port):
    """Starts the embedded server as `spade.run` would, but on a free port; gives its task."""
    # Its page for people, on the fixed port 9090, comes with it; where the port is taken, it goes without.
    server = Server(Parameters(host=HOST, client_port=port, server_port=server_port, database_in_memory=True))
    # Anybody may register with this server; without this it listens on the outer address as well.
    server._public_ip = None
    task = asyncio.create_task(server.start())
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait([task, ready], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if not server.ready.is_set():
        raise RuntimeError(f"the embedded XMPP server did not start on {HOST}:{port}")
    return task


async def contract(options):
    """Rounds and seconds."""
    port, server_port = free_ports(2)
    server = await serve(port, server_port)
    names = [f"bidder{number}@{HOST}" for number in range(1, options.bidders + 1)]
    bidders = [Bidder(name, "secret", port, price) for price, name in enumerate(names, 1)]
    initiator = Initiator(f"initiator@{HOST}", "secret", port, names, options.seconds)
    agents = [*bidders, initiator]
    if options.through_server:
        for agent in agents:
            agent.container.unregister(agent.jid)
    try:
        try:
            # The initiator calls as soon as it is there, so the bidders come first.
            await asyncio.wait_for(spade.start_agents(bidders), PATIENCE)
            await asyncio.wait_for(spade.start_agents([initiator]), PATIENCE)
        except Exception as error:
            raise RuntimeError(f"the agents cannot connect to {HOST}:{port}: {error!r}") from error
        await initiator.done.wait()
        if initiator.result is None:
            raise RuntimeError(f"a round failed: {initiator.failure}")
        return initiator.result
    finally:
        await asyncio.gather(*(agent.stop() for agent in agents if agent.is_alive()))
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


def main():
    parser = argparse.ArgumentParser(description="Contract Net between SPADE agents, rounds a second")
    parser.add_argument("--bidders", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--through-server", action="store_true", help="send every message over XMPP")
    options = parser.parse_args()
    if options.bidders < 1 or options.seconds <= 0:
        parser.error("at least one bidder and more than no time")

    # The server's log; `spade.run` silences its embedded server in the same way.
    logger.remove()

    # `spade.run` logs what its coroutine raises and goes on, so the outcome is kept here.
    outcome = {}

    async def guarded():
        try:
            outcome["result"] = await contract(options)
        except Exception as error:
            outcome["failure"] = error

    try:
        spade.run(guarded())
    except SystemExit:
        # All that the server says, of a port that it cannot have as of a signal.
        outcome.setdefault("failure", "the embedded XMPP server gave up: a signal, or its port was taken meanwhile")
    if "result" not in outcome:
        sys.exit(f"spade_bench.py: {outcome.get('failure', 'interrupted')}")
    rounds, elapsed = outcome["result"]
    print(json.dumps({
        "rounds_per_second": round(rounds / elapsed, 1),
        "bidders": options.bidders,
        "rounds": rounds,
        "version": spade.__version__,
    }))


if __name__ == "__main__":
    main()
