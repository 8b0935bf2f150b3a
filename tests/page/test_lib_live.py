"""The stream of the page: groups of changes, lost connections, gaps, bursts."""

from __future__ import annotations

import json
from typing import Any

from nox_cli.serve.sse import _AWAY
from tests.support.javascript import STATIC, called

# What a browser has and node lacks, and a server: `answers` are functions of a stream, for each request in
# turn; the last one stays open.
BROWSER = """
globalThis.document = Object.assign(new EventTarget(), {hidden: false});
const target = new EventTarget();
globalThis.addEventListener = target.addEventListener.bind(target);
globalThis.dispatchEvent = target.dispatchEvent.bind(target);
globalThis.localStorage = {getItem: () => ""};
const asked = [];
function serve(answers) {
  globalThis.fetch = async (url, {headers, signal}) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(headers["Last-Event-ID"] ?? "");
    const later = answer === 503 ? {"Retry-After": "2"} : {};
    if (typeof answer === "number") return new Response('{"detail": "no"}', {status: answer, headers: later});
    if (answer === null) throw new TypeError("refused");
    return new Response(new ReadableStream({start(stream) {
      signal.addEventListener("abort", () => stream.error(signal.reason));
      answer({say: (text) => stream.enqueue(new TextEncoder().encode(text)), end: () => stream.close(),
        lose: () => until(() => stream.desiredSize === 1).then(() => stream.error(new TypeError("lost")))});
    }}));
  };
}
const event = (n) => `data: {"number": ${n}}\\nid: ${n}\\n\\n`;
const until = async (fact) => { while (!fact()) await new Promise((go) => setTimeout(go, 5)); };
const got = [];
library.live?.on((changes, {isGap}) => got.push({at: performance.now(), isGap,
  numbers: changes.map((one) => one.number)}), new AbortController().signal);
const numbers = () => got.flatMap((one) => one.numbers);
"""


def ran(script: str) -> Any:
    """Run the body of an async function with the stream of the page, and return its result."""
    (found,) = called("lib/live", f"async () => {{ {BROWSER} {script} }}", [()])
    return found


def test_changes_continue_after_lost_connections() -> None:
    """
    A stream that ends, breaks or is refused continues after the last id; no change comes twice.
    """
    found = ran("""
        serve([
          (it) => { it.say(": hello\\n\\n" + event(1)); it.say(event(2) + "data: {"); it.lose(); },
          null,
          503,
          (it) => { it.say("id: 7\\n\\n"); it.end(); },
          (it) => it.say(event(8)),
        ]);
        library.live.start();
        await until(() => numbers().includes(8));
        return {asked, numbers: numbers(), gaps: got.map((one) => one.isGap), state: library.live.state};
    """)

    assert ["", "2", "2", "2", "7"] == found["asked"]
    assert [1, 2, 8] == found["numbers"]
    assert [True] + [False] * (len(found["gaps"]) - 1) == found["gaps"]
    assert "live" == found["state"]


def test_changes_after_a_gap_are_read_anew() -> None:
    """
    After a gap the page takes none of the snapshots, begins a new stream, and has its views read again.
    """
    found = ran("""
        serve([
          (it) => { it.say(event(1)); it.end(); },
          (it) => it.say("event: gap\\ndata: {}\\n\\n" + "event: snapshot\\ndata: {}\\n\\n".repeat(9)),
          (it) => it.say(event(5)),
        ]);
        library.live.start();
        await until(() => numbers().includes(5));
        return {asked, numbers: numbers(), gaps: got.filter((one) => one.isGap).length};
    """)

    assert ["", "1", ""] == found["asked"]
    assert [1, 5] == found["numbers"]
    assert 2 == found["gaps"]


def test_changes_of_a_burst_come_in_groups() -> None:
    """
    60,000 changes at once reach a view in order, at most each 50 ms, and the page has its turn meanwhile.
    """
    found = ran("""
        let turns = 0;
        setInterval(() => turns++, 1);
        serve([(it) => { for (let n = 0; n < 60000; n += 100) {
          it.say(Array.from({length: 100}, (_, k) => event(n + k)).join(""));
        } }]);
        library.live.start();
        await until(() => numbers().length === 60000);
        const apart = got.slice(1).map((one, place) => one.at - got[place].at);
        return {isInOrder: numbers().every((one, place) => one === place), least: Math.min(...apart), turns,
          calls: got.length};
    """)

    assert found["isInOrder"]
    assert found["least"] > 45
    assert found["turns"] > 5
    assert found["calls"] < 600


def test_a_store_that_is_away_is_reported() -> None:
    """
    While the server's store is unreachable the state is `away`, with the server's remark, until it answers.
    """
    found = ran(
        f"const remark = {json.dumps(_AWAY)};"
        """
        const states = [];
        library.live.watch(() => states.push([library.live.state, library.live.remark]));
        let server;
        serve([(it) => { server = it; it.say("id: 1\\n\\n"); }]);
        library.live.start();
        await until(() => library.live.state === "live");
        server.say(`: ${remark}\\n\\n`);
        await until(() => library.live.state === "away");
        server.say(": \\n\\n");
        server.say(": the store answers again\\n\\n");
        await until(() => library.live.state === "live");
        return states;
    """
    )

    away = ["away", _AWAY]
    assert [["connecting", ""], ["live", ""], away, ["live", ""]] == found


def test_a_hidden_page_rests() -> None:
    """
    A page that is hidden for 10 s gives up its connection, and continues after the last id once it is seen; a
    connection that is silent for 40 s, as after the machine was suspended, is made anew.
    """
    found = ran("""
        const {mock} = await import("node:test");
        mock.timers.enable({apis: ["setInterval", "Date"]});
        const see = (isSeen) => {
          document.hidden = !isSeen;
          document.dispatchEvent(new Event("visibilitychange"));
        };
        serve([(it) => it.say(event(1)), (it) => it.say(event(2))]);
        library.live.start();
        await until(() => numbers().includes(1));
        see(false);
        mock.timers.tick(6000);
        see(true);
        see(false);
        mock.timers.tick(6000);
        await new Promise((go) => setTimeout(go, 50));
        const early = library.live.state;
        mock.timers.tick(8000);
        await until(() => library.live.state === "connecting");
        const resting = asked.length;
        see(true);
        await until(() => numbers().includes(2));
        mock.timers.tick(60000);
        await until(() => asked.length === 3);
        return {early, resting, asked};
    """)

    assert {"early": "live", "resting": 1, "asked": ["", "1", "2"]} == found


def test_a_stream_of_a_view_ends() -> None:
    """
    A stream ends with the event `end`, with an error if the server refuses it, and when its view is left.
    """
    followed = """
        const all = {signal: new AbortController().signal, onBlocks: (blocks) => got.push(...blocks)};
        const error = await library.follow("x", all).catch((error) => [error.status, error.message]);
        return error ?? got.map((one) => one.name);
    """
    ended = ran(r'serve([(it) => it.say("data: a\n\nevent: end\ndata: {}\n\n")]);' + followed)
    refused = ran("serve([404]);" + followed)
    left = ran("""
        const view = new AbortController();
        serve([(it) => it.say(event(1))]);
        await library.follow("x", {signal: view.signal, onBlocks: () => view.abort()});
        return asked.length;
    """)

    assert ["", "end"] == ended
    assert [404, "no"] == refused
    assert 1 == left


def test_throttled_work_runs_first_and_last() -> None:
    """
    Work runs at once, never twice at once, once more if it was wanted meanwhile, and not after its view.
    """
    found = ran("""
        let [runs, busy, most] = [0, 0, 0];
        const view = new AbortController();
        const work = library.throttled(async () => {
          runs++; busy++; most = Math.max(most, busy);
          await new Promise((go) => setTimeout(go, 20));
          busy--;
        }, 10, view.signal);
        work(); work(); work();
        const first = runs;
        await until(() => runs === 2 && busy === 0);
        work(); work();
        view.abort();
        await new Promise((go) => setTimeout(go, 60));
        return {first, runs, most};
    """)

    assert {"first": 1, "most": 1} == {"first": found["first"], "most": found["most"]}
    assert found["runs"] in {2, 3}


def test_throttled_work_that_finds_no_server_is_repeated() -> None:
    """
    What the server could not answer is done again once the stream is live, without another change; what it
    refuses is not.
    """
    found = ran(
        f"const {{ApiError}} = await import('{(STATIC / 'lib' / 'api.js').as_uri()}');"
        """
        const runs = {away: 0, refused: 0};
        let isLive = false;
        const signal = new AbortController().signal;
        serve([503, (it) => it.say(event(1))]);
        library.throttled(() => { if (runs.away++ === 0) throw new ApiError(503, {}, true); }, 10, signal)();
        library.throttled(() => { runs.refused++; throw new ApiError(404, {}); }, 10, signal)();
        library.live.start();
        library.live.watch(() => { isLive ||= library.live.state === "live"; });
        await until(() => runs.away === 2);
        return {isLive, ...runs};
    """
    )

    assert {"isLive": True, "away": 2, "refused": 1} == found


def test_streams_leave_connections_to_requests() -> None:
    """
    Where other tabs have four streams a view reads again from time to time, and has its own once one ends.
    """
    found = ran("""
        const [ends, over] = [[], []];
        for (let place = 0; place < 4; place++) {
          const held = () => new Promise((end) => ends.push(end));
          over.push(navigator.locks.request(`nox stream ${place}`, held));
        }
        await until(() => ends.length === 4);
        serve([(it) => it.say(event(1))]);
        library.live.start();
        await until(() => got.length > 0);
        library.live.hurry();
        await until(() => got.length > 1);
        const [before, gaps] = [asked.length, got.slice(0, 2).map((one) => one.isGap)];
        ends[2]();
        await over[2];
        library.live.hurry();
        await until(() => numbers().includes(1));
        const {held} = await navigator.locks.query();
        return {before, gaps, places: held.map((one) => one.name.at(-1)).sort()};
    """)

    assert {"before": 0, "gaps": [True, True], "places": ["0", "1", "2", "3"]} == found
