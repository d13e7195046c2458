#!/usr/bin/env escript
%% The peer in Erlang: the same exchanges between bare processes, without names to look up and without envelopes.
%% `escript bench.erl PART ARGUMENTS`; prints figures, one a line: a name, a space, a number.
%%   ask ASKERS EACH         gen_server:call, each asker to a server of its own; p50 and p99 in microseconds
%%   tell SENDERS AGENTS EACH  messages a second, from so many senders to so many processes
%%   contract INITIATORS EACH  rounds a second with ten bidders: cfp, propose, accept or reject, inform
%%   restart TIMES           crash of a supervised gen_server to its next answer; p99 in microseconds
%%   idle COUNT              microseconds to spawn a process, bytes that each holds
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, start_child/0]).

main(["ask", Askers, Each]) -> ask(number(Askers), number(Each));
main(["tell", Senders, Agents, Each]) -> tell(number(Senders), number(Agents), number(Each));
main(["contract", Initiators, Each]) -> contract(number(Initiators), number(Each));
main(["restart", Times]) -> restart(number(Times));
main(["idle", Count]) -> idle(number(Count));
main(_) -> io:format(standard_error, "bench.erl: ask | tell | contract | restart | idle~n", []), halt(2).

number(Text) -> list_to_integer(Text).

now_us() -> erlang:monotonic_time(nanosecond) / 1000.

say(Name, Value) -> io:format("~s ~w~n", [Name, float(Value)]).

%% A server that answers, and crashes when it is told to.
init(supervisor) ->
    Child = #{id => child, start => {?MODULE, start_child, []}},
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1}, [Child]}};
init([]) -> {ok, 0}.

start_child() -> gen_server:start_link({local, child}, ?MODULE, [], []).
handle_call(question, _From, Heard) -> {reply, Heard, Heard + 1}.
handle_cast(crash, _Heard) -> exit(shutdown).

%% Questions.
ask(Askers, Each) ->
    Self = self(),
    lists:foreach(fun(_) -> spawn_link(fun() ->
        {ok, Server} = gen_server:start_link(?MODULE, [], []),
        Self ! {times, asked(Server, Each, [])}
    end) end, lists:seq(1, Askers)),
    Times = lists:sort(lists:append([receive {times, Some} -> Some end || _ <- lists:seq(1, Askers)])),
    say("p50", share(Times, 0.5)),
    say("p99", share(Times, 0.99)).

asked(_, 0, Times) -> Times;
asked(Server, Left, Times) ->
    Began = now_us(),
    _ = gen_server:call(Server, question),
    asked(Server, Left - 1, [now_us() - Began | Times]).

share(Sorted, Share) -> lists:nth(min(length(Sorted), trunc(length(Sorted) * Share) + 1), Sorted).

%% Messages.
tell(Senders, Agents, Each) ->
    Self = self(),
    All = [spawn_link(fun() -> hear(Each, Self) end) || _ <- lists:seq(1, Agents)],
    Numbered = list_to_tuple(All),
    Began = now_us(),
    lists:foreach(fun(Own) -> spawn_link(fun() ->
        Mine = [element(Place, Numbered) || Place <- lists:seq(Own, Agents, Senders)],
        lists:foreach(fun(_) -> lists:foreach(fun(Agent) -> Agent ! {inform, 1} end, Mine) end,
            lists:seq(1, Each))
    end) end, lists:seq(1, Senders)),
    lists:foreach(fun(_) -> receive done -> ok end end, All),
    say("rate", Agents * Each * 1.0e6 / (now_us() - Began)).

hear(0, Whom) -> Whom ! done;
hear(Left, Whom) -> receive {inform, _} -> hear(Left - 1, Whom) end.

%% Contract Net.
contract(Initiators, Each) ->
    Self = self(),
    Began = now_us(),
    lists:foreach(fun(_) -> spawn_link(fun() ->
        Bidders = [spawn_link(fun() -> bid(Price) end) || Price <- lists:seq(1, 10)],
        rounds(Bidders, Each),
        Self ! done
    end) end, lists:seq(1, Initiators)),
    lists:foreach(fun(_) -> receive done -> ok end end, lists:seq(1, Initiators)),
    say("rate", Initiators * Each * 1.0e6 / (now_us() - Began)).

rounds(_, 0) -> ok;
rounds(Bidders, Round) ->
    lists:foreach(fun(Bidder) -> Bidder ! {cfp, self(), Round} end, Bidders),
    Bids = [receive {propose, Bidder, Round, Price} -> {Price, Bidder} end || Bidder <- Bidders],
    {_, Best} = lists:min(Bids),
    lists:foreach(fun
        (Bidder) when Bidder =:= Best -> Bidder ! {accept, self(), Round};
        (Bidder) -> Bidder ! {reject, self(), Round}
    end, Bidders),
    receive {inform, Best, Round} -> rounds(Bidders, Round - 1) end.

bid(Price) ->
    receive
        {cfp, From, Round} -> From ! {propose, self(), Round, Price};
        {accept, From, Round} -> From ! {inform, self(), Round};
        {reject, _, _} -> ok
    end,
    bid(Price).

%% Restarts.
restart(Times) ->
    logger:set_primary_config(level, none),
    {ok, _} = supervisor:start_link(?MODULE, supervisor),
    Sorted = lists:sort([crashed() || _ <- lists:seq(1, Times)]),
    say("p99", share(Sorted, 0.99)).

crashed() ->
    Old = whereis(child),
    Began = now_us(),
    gen_server:cast(child, crash),
    answered(Old),
    now_us() - Began.

answered(Old) ->
    case whereis(child) of
        New when is_pid(New), New =/= Old -> gen_server:call(New, question);
        _ -> erlang:yield(), answered(Old)
    end.

%% Births and memory.
idle(Count) ->
    Before = erlang:memory(processes),
    Began = now_us(),
    All = [spawn_link(fun() -> hear(1, self()) end) || _ <- lists:seq(1, Count)],
    Took = now_us() - Began,
    lists:foreach(fun(Agent) -> true = is_process_alive(Agent) end, All),
    say("spawn", Took / Count),
    say("bytes", (erlang:memory(processes) - Before) / Count).
