import { expect, it } from "vitest";
import type { Channel } from "../../data/alerting";
import { notTold } from "./not-told";
import { alert } from "./sample";

function channel(fares: Partial<Channel["fares"]> = {}): Channel {
  return {
    name: "ops", kind: "webhook", to: "webhook ops.example", signed: true, headers: [], ca_file: null, timeout: 10,
    fares: { waiting: 0, sent: 3, given_up: 0, last_sent_at: null, error: "", ...fares },
  };
}

it("is quiet while all get through", () => expect(notTold([channel()], [alert()])).toEqual([]));
it("says that there is no channel once something is loud", () => {
  expect(notTold([], [alert({ state: "pending" })])).toEqual([]);
  expect(notTold([], [alert()])).toMatchObject([{ loud: false, title: "Nobody is told of this", to: "/alerts/channels?new=1" }]);
  expect(notTold([], [alert(), alert()])[0]?.text).toContain("the 2 alerts are shown here alone");
});
it("says loudly which channel fails, with what it says and what was lost", () => {
  expect(notTold([channel(), channel({ error: "connection refused", waiting: 1, given_up: 2 })], [])).toMatchObject([
    { loud: true, title: "Messages to ops do not get through", to: "/alerts/deliveries?channel=ops",
      text: "webhook ops.example says: connection refused. 1 waiting, 2 given up in the last day." },
  ]);
});
