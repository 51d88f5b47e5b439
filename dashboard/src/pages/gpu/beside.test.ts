import { expect, it } from "vitest";
import { besideOf, besidesOf } from "./beside";

const gpu = (uuid: string, node: string, index: number, model: string | null) => ({ uuid, node, index, model });
const ALL = [gpu("a", "n1", 0, "h100"), gpu("b", "n1", 1, "h100"), gpu("c", "n2", 0, "h100"), gpu("d", "n3", 0, "a40")];

it("offers the neighbours, then those of the same model elsewhere", () => {
  expect(besidesOf(ALL, gpu("a", "n1", 0, "h100")).map((one) => one.value)).toEqual(["", "all", "b", "c"]);
  expect(besidesOf(ALL, gpu("d", "n3", 0, "a40")).map((one) => one.value)).toEqual([""]);
});

it("finds what the address names, and nothing where it is gone", () => {
  expect(besideOf(ALL, "c")).toEqual({ node: "n2", uuid: "c", label: "GPU 0 of n2" });
  expect([besideOf(ALL, "all"), besideOf(ALL, ""), besideOf(ALL, "gone")]).toEqual([null, null, null]);
});
