import { expect, it } from "vitest";
import { EventParser } from "./event-parser";

const TEXT = ": hello\nid: a-1\nevent: fleet\ndata: {\"a\":\ndata: 1}\n\nid: a-2\ndata: x\r\n\r\nevent: none\n\n";

it.each([1, 2, 3, 7, 1000])("puts pieces of %i together", (size) => {
  const parser = new EventParser();
  const found = [];
  for (let at = 0; at < TEXT.length; at += size) found.push(...parser.push(TEXT.slice(at, at + size)));
  expect(found).toEqual([
    { id: "a-1", type: "fleet", data: '{"a":\n1}' },
    { id: "a-2", type: "message", data: "x" },
  ]);
});

it("keeps the last id, and tells nothing that is half there", () => {
  const parser = new EventParser("7");
  expect(parser.push("data: half\n")).toEqual([]);
  expect(parser.push("\n")).toEqual([{ id: "7", type: "message", data: "half" }]);
});
