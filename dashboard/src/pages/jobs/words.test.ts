import { describe, expect, it } from "vitest";

import { joinWords, splitWords } from "./words";

describe("splitWords", () => {
  it.each([
    ["python train.py --lr 1e-3", ["python", "train.py", "--lr", "1e-3"]],
    ["  a   'b c'\t\"d e\"  ", ["a", "b c", "d e"]],
    ["bash -c 'echo $HOME | wc'", ["bash", "-c", "echo $HOME | wc"]],
    ['a\\ b "c\\"d" "e\\n"', ["a b", 'c"d', "e\\n"]],
    ["x '' \"\"", ["x", "", ""]],
    ["it''s 'a'b", ["its", "ab"]],
    ["one \\\n  two", ["one", "two"]],
    ["", []],
  ])("%j", (text, words) => {
    expect(splitWords(text)).toEqual({ words });
  });

  it.each(["a | b", "a > b", "echo $X", 'echo "$X"', "ls *.py", "a && b", "a `b`"])("%j needs a shell", (text) => {
    expect(splitWords(text)).toMatchObject({ wrong: expect.stringContaining("bash -c") as string });
  });

  it.each(["a 'b", 'a "b', "a \\"])("%j is not whole", (text) => {
    expect(splitWords(text)).toHaveProperty("wrong");
  });
});

describe("joinWords", () => {
  it.each([[["python", "a b.py"]], [["x", "", "it's", "$HOME", 'a"b', "l1\nl2", "a\\b"]], [["--x=1", "ä"]]])(
    "%j comes back",
    (words) => {
      expect(splitWords(joinWords(words))).toEqual({ words });
    },
  );

  it("quotes only what needs it", () => {
    expect(joinWords(["python", "train.py", "--name=a b"])).toBe("python train.py '--name=a b'");
  });
});
